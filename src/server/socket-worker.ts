/**
 * Entry of a socket worker thread: opens the node's table, serves sockets until told to stop, and ends.
 *
 * From the node: {@link SocketWorkerData} once, then `'stop'`. To the node: {@link FromSocketWorker}. The first
 * worker listens and tells the descriptor; the others accept on it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { Bell } from '../channel/bell.js'
import { LaneClient } from '../channel/lane-client.js'
import { LaneFile, type LaneFileHandle } from '../channel/lane-file.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import { unmapAtExit } from '../memory/mapping-end.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import { NodeCounters } from './counters.js'
import { type FixedFacts, nodeFacts } from './facts.js'
import { type ListenTarget, SocketServer } from './socket-server.js'
import { openTextFront, type TextFront, type TextFrontOptions, type TextWriter } from './text-front.js'
import { type BusHandle, ThreadBus } from './thread-bus.js'
import { openStore } from './worker-store.js'
import { WriterCarrier } from './writer-carrier.js'
import { WriterLink } from './writer-link.js'

export interface SocketWorkerData {
  readonly index: number
  readonly table: DirectStoreHandle
  readonly bus: BusHandle
  readonly facts: FixedFacts
  readonly listen: ListenTarget
  /** The line protocol, if it is served. */
  readonly text: TextFrontOptions | undefined
  /** To the writer thread, where the node has one: then the table is only read here. */
  readonly lane: WriterLane | undefined
}

/** A lane of this process, and the bell of its server. */
export interface WriterLane {
  readonly file: LaneFileHandle
  readonly bell: SharedHandle
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
  const counters = new NodeCounters(data.facts.counters, data.index)
  const store = openStore(data.table, data.lane !== undefined)
  const bus = new ThreadBus(data.bus)
  const link = data.lane && openLink(data.lane)
  const carrier = link && new WriterCarrier(link)
  const server = new SocketServer(store, bus, counters, carrier)
  const shutdown = (): void => tell({ kind: 'shutdown' })
  let textFront: TextFront | undefined
  try {
    const listening = await server.listen(data.listen, (tcpPort) => {
      counters.notePort(tcpPort)
      return nodeFacts(data.facts, shutdown)
    })
    if (data.text !== undefined)
      textFront = await openTextFront(store, data.text, counters, data.facts, carrier && textWriter(carrier))
    const text = textFront && { port: textFront.port, fd: textFront.fd }
    tell({ kind: 'listening', ...listening, text })
  } catch (error) {
    tell({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
    // One front may be open already, and would keep this thread.
    await server.stop()
    bus.close()
    link?.close()
    store.close()
    return
  }
  port.once('message', () => {
    const meet = (): void => counters.meet(data.facts.socketWorkers, MEETING_MS)
    void Promise.all([server.stop(meet), textFront?.stop()]).then(() => {
      bus.close()
      link?.close()
      store.close()
      port.close()
    })
  })
}

function textWriter(carrier: WriterCarrier): TextWriter {
  return { carrier, flush: () => carrier.flush() }
}

function openLink({ file, bell }: WriterLane): WriterLink {
  // Both live in one process, and the main thread ends it when one of them fails.
  const lane = LaneClient.open(LaneFile.attach(file), {
    bell: Bell.attach(bell),
    isServerAlive: () => true,
  })
  return new WriterLink(lane, (error) => {
    throw error
  })
}

unmapAtExit()
await main()
