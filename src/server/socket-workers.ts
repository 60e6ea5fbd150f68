/**
 * The socket workers of a node, seen from its main thread: starts them one after the other (the first listens,
 * the others accept on its descriptor), stops them together, and says when one has failed: by an error, or by ending
 * unasked. Half a node is no node: it is for whoever waits for `failed` to stop the rest.
 */
import { Worker } from 'node:worker_threads'
import { OperationError } from '../base/errors.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import { type CountersHandle, NodeCounters } from './counters.js'
import type { FixedFacts } from './facts.js'
import type { ListenTarget } from './socket-server.js'
import type { FromSocketWorker, SocketWorkerData } from './socket-worker.js'

/** What runs in each thread. */
const ENTRY = new URL('./socket-worker.js', import.meta.url)
/** How long workers may take to end before they are ended. */
const STOP_TIMEOUT_MS = 5000

export interface SocketWorkers {
  readonly port: number
  readonly failed: Promise<never>
  stop(): Promise<void>
}

interface StartedWorker {
  readonly worker: Worker
  readonly port: number
  readonly fd: number
  readonly exited: Promise<void>
}

export async function startSocketWorkers(
  address: { readonly host: string; readonly port: number },
  table: DirectStoreHandle,
  facts: FixedFacts,
  shutdown: () => void,
  entry: URL = ENTRY,
): Promise<SocketWorkers> {
  const counters = NodeCounters.create(facts.socketWorkers)
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const started: StartedWorker[] = []
  const startNext = async (listen: ListenTarget): Promise<StartedWorker> => {
    const next = await startWorker(
      entry,
      { index: started.length, table, counters, facts, listen },
      shutdown,
      fail,
    )
    started.push(next)
    return next
  }
  try {
    const first = await startNext(address)
    while (started.length < facts.socketWorkers) await startNext({ fd: first.fd })
    return { port: first.port, failed, stop: () => stopWorkers(started) }
  } catch (error) {
    await Promise.all(started.map(({ worker }) => worker.terminate()))
    throw error
  }
}

async function startWorker(
  entry: URL,
  data: SocketWorkerData & { readonly counters: CountersHandle },
  shutdown: () => void,
  fail: (error: unknown) => void,
): Promise<StartedWorker> {
  const worker = new Worker(entry, { workerData: data })
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve())
  })
  const listening = await new Promise<{ port: number; fd: number }>((resolve, reject) => {
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
  return { worker, port: listening.port, fd: listening.fd, exited }
}

async function stopWorkers(started: readonly StartedWorker[]): Promise<void> {
  for (const { worker } of started) worker.postMessage('stop')
  const timer = setTimeout(() => {
    for (const { worker } of started) void worker.terminate()
  }, STOP_TIMEOUT_MS)
  await Promise.all(started.map(({ exited }) => exited))
  clearTimeout(timer)
}
