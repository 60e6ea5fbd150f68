/** A process, or thread, of the tests of Server and Client: does one task (JSON on its command line), and tells by messages. */
import { parentPort, workerData } from 'node:worker_threads'
import { Client, isOperationError, Server } from '../index.js'

export type ServedTask =
  /** Serves until it is told to stop. */
  | { readonly task: 'serve'; readonly name: string; readonly laneWorkers?: number }
  /** Has these requests on their way, says so, and never looks after them. */
  | { readonly task: 'leave'; readonly name: string; readonly what: 'request' | 'window' | 'transfer' }
  /** Stores until that fails, in that way; says how. */
  | { readonly task: 'store'; readonly name: string; readonly way: 'sync' | 'promise' | 'windowed' }
  /** Asks one thing, and ends with its program. */
  | { readonly task: 'end'; readonly name: string; readonly how: 'set' | 'get' | 'closed' }

/** How a client's storing ended. */
export interface StoreReport {
  readonly code: string
  readonly outcome: string
  /** Serial number of the last value that the server has acknowledged. */
  readonly acknowledged: number
  /** Milliseconds that the last call took. */
  readonly lastMs: number
}

const say = (message: unknown): void => {
  if (parentPort === null) process.send?.(message)
  else parentPort.postMessage(message)
}

async function serve(name: string, laneWorkers: number): Promise<void> {
  const server = await Server.start({ name, laneWorkers, capacity: '16MiB' })
  process.once('message', () => void server.stop().then(() => process.disconnect()))
  say('ready')
}

async function leave(name: string, what: 'request' | 'window' | 'transfer'): Promise<void> {
  const client = await Client.connect(name, { window: 16 })
  const value = what === 'transfer' ? 'x'.repeat(2_000_000) : 'left'
  const count = what === 'window' ? 40 : 1
  for (let i = 0; i < count; i++) void client.set(`${process.pid} ${i}`, value).catch(() => {})
  say('left')
  // What goes in parts goes no further, as nothing of this process runs any more.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
}

async function store(name: string, way: 'sync' | 'promise' | 'windowed'): Promise<void> {
  const client = await Client.connect(name, { timeoutMs: 20_000 })
  let acknowledged = 0
  let startedMs = 0
  let isStarted = false
  const note = (serial: number): void => {
    acknowledged = serial
    if (!isStarted) say('storing')
    isStarted = true
  }
  try {
    for (let serial = 1; ; serial++) {
      startedMs = performance.now()
      const key = `key ${serial % 100}`
      if (way === 'sync') client.sync.set(key, String(serial))
      else if (way === 'promise') await client.set(key, String(serial))
      else client.sync.result(client.submit('set', key, String(serial)))
      note(serial)
    }
  } catch (error) {
    if (!isOperationError(error)) throw error
    const { code, outcome } = error
    say({ code, outcome, acknowledged, lastMs: performance.now() - startedMs } satisfies StoreReport)
  }
  await client.close()
  process.disconnect()
}

async function end(name: string, how: 'set' | 'get' | 'closed'): Promise<void> {
  const client = await Client.connect(name)
  if (how === 'closed') await client.close()
  else if (how === 'get') await client.get('k')
  else await client.set('k', 'from a program that ends')
}

const task = (workerData ?? JSON.parse(process.argv[2]!)) as ServedTask
if (task.task === 'serve') await serve(task.name, task.laneWorkers ?? 1)
else if (task.task === 'leave') await leave(task.name, task.what)
else if (task.task === 'store') await store(task.name, task.way)
else await end(task.name, task.how)
