/**
 * Entry of a socket worker thread: opens the node's table, serves sockets until told to stop, and ends.
 *
 * From the node: {@link SocketWorkerData} once, then `'stop'`. To the node: {@link FromSocketWorker}. The first
 * worker listens and tells the descriptor; the others accept on it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import { type CountersHandle, NodeCounters } from './counters.js'
import { type FixedFacts, nodeFacts } from './facts.js'
import { type ListenTarget, SocketServer } from './socket-server.js'
import { openTextFront, type TextFront, type TextFrontOptions } from './text-front.js'
import { type BusHandle, ThreadBus } from './thread-bus.js'
import { openStore } from './worker-store.js'

export interface SocketWorkerData {
  readonly index: number
  readonly table: DirectStoreHandle
  readonly counters: CountersHandle
  readonly bus: BusHandle
  readonly facts: FixedFacts
  readonly listen: ListenTarget
  /** The line protocol, if it is served. */
  readonly text: TextFrontOptions | undefined
}

/** Where the line protocol listens. */
export type TextAddress = Pick<TextFront, 'port' | 'fd'>

export type FromSocketWorker =
  | {
      readonly kind: 'listening'
      readonly port: number
      readonly fd: number
      readonly text: TextAddress | undefined
    }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'shutdown' }

/** How long a worker waits for the others before it closes the shared descriptor. */
const MEETING_MS = 1000

async function main(): Promise<void> {
  const port = parentPort
  assert(port !== null, 'this file runs as a worker thread')
  const data = workerData as SocketWorkerData
  const tell = (message: FromSocketWorker): void => port.postMessage(message)
  const counters = new NodeCounters(data.counters, data.index)
  const store = openStore(data.table)
  const bus = new ThreadBus(data.bus)
  const server = new SocketServer(store, bus, counters)
  const shutdown = (): void => tell({ kind: 'shutdown' })
  let textFront: TextFront | undefined
  try {
    const listening = await server.listen(data.listen, (tcpPort) =>
      nodeFacts(data.facts, counters, tcpPort, shutdown),
    )
    if (data.text !== undefined) textFront = await openTextFront(store, data.text, counters, data.facts)
    const text = textFront && { port: textFront.port, fd: textFront.fd }
    tell({ kind: 'listening', ...listening, text })
  } catch (error) {
    tell({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
    // One front may be open already, and would keep this thread.
    await server.stop()
    bus.close()
    store.close()
    return
  }
  port.once('message', () => {
    const meet = (): void => counters.meet(data.facts.socketWorkers, MEETING_MS)
    void Promise.all([server.stop(meet), textFront?.stop()]).then(() => {
      bus.close()
      store.close()
      port.close()
    })
  })
}

await main()
