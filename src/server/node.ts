/**
 * A node: one table, the threads that serve it, one address. `startNode` resolves when clients can connect.
 *
 * It stops in order: no new connections, those there get the replies to what they have sent, then the threads
 * end. SHUTDOWN leads there, too. Durability is off: nothing survives a stop.
 * A thread that fails takes the node with it, and `stopped` rejects with what it threw.
 */
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { packageVersion } from '../base/version.js'
import { NodeCounters } from './counters.js'
import { type FixedFacts, nodeFacts } from './facts.js'
import { type CheckedNodeOptions, checkNodeOptions, type NodeOptions } from './node-options.js'
import { SocketServer } from './socket-server.js'
import { type NodeAddress, startSocketWorkers } from './socket-workers.js'
import { openTextFront } from './text-front.js'
import { createBus, ThreadBus } from './thread-bus.js'
import { createTable, type NodeTable } from './worker-store.js'

export interface RunningNode {
  readonly host: string
  readonly port: number
  /** Port of the line protocol, if it is served. */
  readonly textPort: number | undefined
  readonly socketWorkers: number
  /** Resolves when the node has stopped, whoever asked; rejects when a thread of it failed. */
  readonly stopped: Promise<void>
  /** Stops in order; the same promise however often it is called. */
  stop(): Promise<void>
}

/** What listens, on this thread or on workers. */
interface Front {
  readonly port: number
  readonly textPort: number | undefined
  /** Settles when it ends by itself: rejects with what went wrong. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Throws `RangeError` or `TypeError` for wrong options, `OperationError` REFUSED when it cannot listen. */
export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  const checked = checkNodeOptions(options)
  const table: NodeTable =
    checked.store === undefined
      ? createTable(checked.capacityBytes, checked.eviction)
      : { store: checked.store, handle: undefined, close: () => {} }
  const socketWorkers = table.handle === undefined ? 1 : checked.socketWorkers
  const facts: FixedFacts = {
    version: packageVersion(),
    startedAtMs: table.store.nowMs(),
    host: checked.respHost,
    eviction: checked.eviction,
    socketWorkers,
    durability: 'off',
  }
  let stop = (): void => {}
  const asked = new Promise<void>((resolve) => {
    stop = resolve
  })
  const front = await openFront(checked, table, facts, stop).catch((error: unknown) => {
    table.close()
    const { respHost, respPort, textPort } = checked
    const ports = textPort === undefined ? respPort : `${respPort} and ${textPort}`
    throw new OperationError('REFUSED', `cannot listen on ${respHost}:${ports}`, { cause: error })
  })
  const stopped = Promise.race([asked, front.failed])
    .finally(() => front.stop())
    .finally(() => table.close())
  // Whoever never looks at `stopped` is not to die of it.
  stopped.catch(() => {})
  return {
    host: checked.respHost,
    port: front.port,
    textPort: front.textPort,
    socketWorkers,
    stopped,
    stop: () => {
      stop()
      return stopped
    },
  }
}

function openFront(
  options: CheckedNodeOptions,
  table: NodeTable,
  facts: FixedFacts,
  shutdown: () => void,
): Promise<Front> {
  const { respHost: host, respPort: port, textPort, textLimits: limits } = options
  const text = textPort === undefined ? undefined : { listen: { host, port: textPort }, limits }
  const address = { host, port, text }
  return table.handle === undefined
    ? openLocalFront(address, table, facts, shutdown)
    : startSocketWorkers({ address, table: table.handle, facts, shutdown })
}

/** Serves on the calling thread: for a table that cannot be shared. */
async function openLocalFront(
  address: NodeAddress,
  table: NodeTable,
  facts: FixedFacts,
  shutdown: () => void,
): Promise<Front> {
  const counters = new NodeCounters(NodeCounters.create(1), 0)
  const [handle] = createBus(1)
  assert(handle !== undefined, 'the bus has one member')
  const bus = new ThreadBus(handle)
  const server = new SocketServer(table.store, bus, counters)
  const { host, port: wanted, text } = address
  const { port } = await server.listen({ host, port: wanted }, (tcpPort) =>
    nodeFacts(facts, counters, tcpPort, shutdown),
  )
  const opening = text && openTextFront(table.store, text, counters, facts)
  const textFront = await opening?.catch(async (error: unknown) => {
    await server.stop()
    throw error
  })
  return {
    port,
    textPort: textFront?.port,
    failed: new Promise<never>(() => {}),
    stop: async () => {
      await Promise.all([server.stop(), textFront?.stop()])
      bus.close()
    },
  }
}
