/**
 * The socket workers of a node, seen from its main thread: starts them one after the other (the first listens,
 * the others accept on its descriptor), stops them together, and says when one has failed: by an error, or by ending
 * unasked. Half a node is no node: it is for whoever waits for `failed` to stop the rest.
 */
import { Worker } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { inheritedFlags } from '../base/worker-flags.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import type { FixedFacts } from './facts.js'
import type { ListenTarget } from './socket-server.js'
import type { FromSocketWorker, SocketWorkerData, TextAddress, WriterLane } from './socket-worker.js'
import type { TextFrontOptions } from './text-front.js'
import { type BusHandle, createBus, portsOf } from './thread-bus.js'

/** What runs in each thread. */
const ENTRY = new URL('./socket-worker.js', import.meta.url)
/** How long workers may take to end before they are ended. */
const STOP_TIMEOUT_MS = 5000

/** Where a node listens. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  /** The line protocol, if it is served. */
  readonly text?: TextFrontOptions | undefined
}

export interface SocketWorkers {
  readonly port: number
  readonly textPort: number | undefined
  readonly failed: Promise<never>
  stop(): Promise<void>
}

interface StartedWorker {
  readonly worker: Worker
  readonly port: number
  readonly fd: number
  readonly text: TextAddress | undefined
  readonly exited: Promise<void>
}

export interface SocketWorkersOptions {
  readonly address: NodeAddress
  readonly table: DirectStoreHandle
  readonly facts: FixedFacts
  /** Somebody asks the node to stop. */
  readonly shutdown: () => void
  /** Of each worker; default: a bus of their own. */
  readonly bus?: readonly BusHandle[]
  /** Of each worker its lane to the writer thread, where the node has one. */
  readonly lanes?: readonly WriterLane[]
  /** What runs in each thread, for tests. */
  readonly entry?: URL
}

/** Resolves when all of them accept connections. */
export async function startSocketWorkers(options: SocketWorkersOptions): Promise<SocketWorkers> {
  const { address, table, facts, shutdown, lanes, entry = ENTRY } = options
  const bus = options.bus ?? createBus(facts.socketWorkers)
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const started: StartedWorker[] = []
  const startNext = async (
    listen: ListenTarget,
    text: TextFrontOptions | undefined,
  ): Promise<StartedWorker> => {
    const index = started.length
    const own = bus[index]
    assert(own !== undefined, 'every worker is on the bus')
    const data = { index, table, bus: own, facts, listen, text, lane: lanes?.[index] }
    const next = await startWorker(entry, data, shutdown, fail)
    started.push(next)
    return next
  }
  try {
    const { host, port, text } = address
    const first = await startNext({ host, port }, text)
    const shared = text && first.text && { ...text, listen: { fd: first.text.fd } }
    while (started.length < facts.socketWorkers) await startNext({ fd: first.fd }, shared)
    return { port: first.port, textPort: first.text?.port, failed, stop: () => stopWorkers(started) }
  } catch (error) {
    await Promise.all(started.map(({ worker }) => worker.terminate()))
    throw error
  }
}

async function startWorker(
  entry: URL,
  data: SocketWorkerData,
  shutdown: () => void,
  fail: (error: unknown) => void,
): Promise<StartedWorker> {
  const worker = new Worker(entry, { ...inheritedFlags(), workerData: data, transferList: portsOf(data.bus) })
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve())
  })
  const listening = await new Promise<Pick<StartedWorker, 'port' | 'fd' | 'text'>>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new OperationError('REFUSED', `a socket worker ended with ${code}`)))
    worker.on('message', (message: FromSocketWorker) => {
      if (message.kind === 'listening') resolve(message)
      else if (message.kind === 'refused') reject(new OperationError('REFUSED', message.message))
      else shutdown()
    })
  })
  worker.on('error', fail)
  // After a stop nobody listens to this any more.
  worker.on('exit', (code) =>
    fail(new OperationError('REFUSED', `a socket worker ended unasked, with ${code}`)),
  )
  return { worker, port: listening.port, fd: listening.fd, text: listening.text, exited }
}

async function stopWorkers(started: readonly StartedWorker[]): Promise<void> {
  for (const { worker } of started) worker.postMessage('stop')
  const timer = setTimeout(() => {
    for (const { worker } of started) void worker.terminate()
  }, STOP_TIMEOUT_MS)
  await Promise.all(started.map(({ exited }) => exited))
  clearTimeout(timer)
}
