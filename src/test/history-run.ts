/**
 * A history run: some threads or processes do random operations on few keys of one subject, each records what it asked and was
 * answered, and the history of every key is judged by itself. Few keys and few values make threads meet; entries
 * beside the recorded keys make buckets grow and chunks change hands meanwhile. Afterwards the table's own `check()`
 * walks everything.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BrokenTable, brokenTableHandle, type Fault } from './broken-table.js'
import { type KeyedOperation, readRecords } from './history-record.js'
import { SHARED_BYTES } from './history-shared.js'
import type { HistoryWorkerData } from './history-worker.js'
import { checkRegister, type Verdict } from './linearizability.js'
import { mapFile } from './named-scratch.js'
import { SeededRandom } from './seeded-random.js'
import type { Subject } from './subject.js'
import type { ValueKind } from './table-subject.js'

export interface HistoryOptions {
  readonly subject: { readonly values: ValueKind } | { readonly fault: Fault }
  readonly seed: number
  readonly threads: number
  /** How many of them have the table read-only; it must be a named one. */
  readonly readers?: number
  readonly operationsPerThread: number
  readonly keys: number
  /** Of the table; one stripe makes every operation meet every other. */
  readonly stripes?: number
  /** The table is served by so many lane workers, and each thread is a client: it reads past them and writes through them. */
  readonly laneWorkers?: number
  /** Processes instead of threads, on a named table, with the shared time in a file of this directory. */
  readonly directory?: string
}

export interface HistoryReport {
  readonly operations: number
  /** One for each key. */
  readonly verdicts: readonly Verdict[]
}

type WorkerSubject = HistoryWorkerData['subject']

interface OpenedSubject {
  readonly subject: Subject
  readonly given: WorkerSubject
  /** For those who only read. */
  readonly givenReaders: WorkerSubject
  close?(): Promise<void>
}

async function openSubject(options: HistoryOptions): Promise<OpenedSubject> {
  if ('fault' in options.subject) {
    const broken = brokenTableHandle(options.keys, options.subject.fault)
    return { subject: new BrokenTable(broken, options.seed), given: { broken }, givenReaders: { broken } }
  }
  if (options.laneWorkers !== undefined)
    return openServed(options.subject.values, options.laneWorkers, options)
  const { createTable, readOnlyHandle } = await import('./table-subject.js')
  const { stripes, directory, seed } = options
  const shape = {
    capacity: '16MiB',
    ...(stripes === undefined ? {} : { stripes }),
    ...(directory === undefined ? {} : { name: `history ${seed}` }),
  }
  const { subject, handle } = createTable(options.subject.values, shape)
  const given = { table: handle }
  return {
    subject,
    given,
    givenReaders: options.readers === undefined ? given : { table: readOnlyHandle(handle) },
  }
}

async function openServed(
  values: ValueKind,
  laneWorkers: number,
  { seed, stripes }: HistoryOptions,
): Promise<OpenedSubject> {
  const { Server } = await import('../index.js')
  const { connectTable } = await import('./table-subject.js')
  const name = `history ${seed}`
  const shape = stripes === undefined ? {} : { stripes }
  const server = await Server.start({ name, laneWorkers, capacity: '16MiB', ...shape })
  const given = { server: name, values }
  const subject = await connectTable(values, name)
  subject.check = () => server.check()
  return { subject, given, givenReaders: given, close: () => server.stop() }
}

const WORKER = new URL('./history-worker.js', import.meta.url)

/** The data must be plain where a process gets them. */
function startRecorder(data: HistoryWorkerData, isProcess: boolean): Worker | ChildProcess {
  if (!isProcess) return new Worker(WORKER, { workerData: data })
  return fork(fileURLToPath(WORKER), [JSON.stringify(data)], { serialization: 'advanced', execArgv: [] })
}

async function recordThread(
  data: HistoryWorkerData,
  thread: number,
  isProcess: boolean,
): Promise<KeyedOperation[]> {
  const worker = startRecorder(data, isProcess)
  const exited = once(worker, 'exit')
  const [words] = (await once(worker, 'message')) as [Int32Array]
  await exited
  return readRecords(words, thread)
}

export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { subject, given, givenReaders, close } = await openSubject(options)
  const { directory, readers = 0 } = options
  const path = directory === undefined ? undefined : join(directory, `time-${options.seed}`)
  const time = path === undefined ? new SharedArrayBuffer(SHARED_BYTES) : mapFile(path, SHARED_BYTES)
  new Int32Array(time)[1] = options.threads
  const shared = time instanceof SharedArrayBuffer ? time : { path: path! }
  const seeds = new SeededRandom(options.seed)
  const recordings = Array.from({ length: options.threads }, (_, thread) => {
    const { operationsPerThread: operations, keys } = options
    const increments = 'fault' in options.subject || options.subject.values === 'numbers'
    const isReader = thread < readers
    const role = { subject: isReader ? givenReaders : given, isReader }
    const data = { ...role, shared, seed: seeds.next(), operations, keys, values: 12, increments }
    return recordThread(data, thread, path !== undefined)
  })
  const history = (await Promise.all(recordings)).flat()
  subject.check()
  await close?.()
  const verdicts = Array.from({ length: options.keys }, (_, key) =>
    checkRegister(history.filter((operation) => operation.key === key)),
  )
  return { operations: history.length, verdicts }
}

/** What is wrong with a run, or undefined: the first key whose history no order explains. */
export function complaintOf(report: HistoryReport): string | undefined {
  for (const [key, verdict] of report.verdicts.entries()) {
    if (!verdict.linearizable) return `key ${key} of ${verdict.operations} operations: ${verdict.explanation}`
  }
  return undefined
}
