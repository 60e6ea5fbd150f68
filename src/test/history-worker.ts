/**
 * One thread, or process, of a history run: attaches to the subject, waits for the others, does its operations and posts what it
 * recorded. Time is a counter that all threads raise before and after every operation, so that two readings tell
 * which came first. An operation that does not say whether it happened (`outcome` unknown) is recorded as never
 * answered; one that certainly did not happen (FULL) is left out.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { BrokenTable, type BrokenTableHandle } from './broken-table.js'
import { HistoryRecorder, NEVER } from './history-record.js'
import { SHARED_BYTES } from './history-shared.js'
import { computedNext, type OperationName, type Register } from './linearizability.js'
import { mapFile } from './named-scratch.js'
import { SeededRandom } from './seeded-random.js'
import type { Subject } from './subject.js'
import type { TableHandle, ValueKind } from './table-subject.js'

export interface HistoryWorkerData {
  readonly subject:
    | { readonly table: TableHandle }
    | { readonly broken: BrokenTableHandle }
    | { readonly server: string; readonly values: ValueKind }
  /** Two words: the shared time, and how many threads are not ready yet. For processes, a file of them. */
  readonly shared: SharedArrayBuffer | { readonly path: string }
  readonly seed: number
  readonly operations: number
  readonly keys: number
  /** Values are drawn from [0, values): few, so that compareAndSet meets what it expects. */
  readonly values: number
  readonly increments: boolean
  /** It only reads. */
  readonly isReader: boolean
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

type Step = readonly [OperationName, weight: number]
const STEPS: readonly Step[] = [
  ['get', 10],
  ['has', 2],
  ['set', 6],
  ['insert', 4],
  ['replace', 3],
  ['delete', 3],
  ['take', 2],
  ['exchange', 3],
  ['compareAndSet', 6],
  ['getOrInsert', 2],
  ['compute', 3],
  ['increment', 5],
]

/** One thread's part of the run. */
class HistoryThread {
  readonly #data: HistoryWorkerData
  readonly #subject: Subject
  readonly #random: SeededRandom
  readonly #time: Int32Array
  readonly #recorder = new HistoryRecorder()
  readonly #names: readonly [OperationName, ...OperationName[]]

  constructor(data: HistoryWorkerData, subject: Subject) {
    this.#data = data
    this.#subject = subject
    this.#random = new SeededRandom(data.seed)
    this.#time = new Int32Array('path' in data.shared ? mapFile(data.shared.path, SHARED_BYTES) : data.shared)
    const names = STEPS.flatMap(([name, weight]) => Array<OperationName>(weight).fill(name))
    const isAsked = (name: OperationName): boolean =>
      data.isReader ? name === 'get' || name === 'has' : data.increments || name !== 'increment'
    this.#names = ['get', ...names.filter(isAsked)]
  }

  run(): Int32Array<ArrayBuffer> {
    if (Atomics.sub(this.#time, 1, 1) === 1) Atomics.notify(this.#time, 1)
    for (let left = Atomics.load(this.#time, 1); left > 0; left = Atomics.load(this.#time, 1)) {
      // Atomics cannot sleep on the memory of a file.
      if ('path' in this.#data.shared) Atomics.wait(SLEEPER, 0, 0, 1)
      else Atomics.wait(this.#time, 1, left, 50)
    }
    for (let done = 0; done < this.#data.operations; done++) this.#step()
    return this.#recorder.finish()
  }

  #step(): void {
    if (!this.#data.isReader && this.#random.oneIn(3)) this.#tolerant(() => this.#subject.churn(this.#random))
    if (this.#random.oneIn(60)) this.#many()
    const name = this.#random.pick(this.#names)
    const key = this.#random.below(this.#data.keys)
    const argument = this.#random.below(this.#data.values)
    const expected = this.#random.oneIn(5) ? undefined : this.#random.below(this.#data.values)
    this.#record(name, key, argument, expected)
  }

  #record(name: OperationName, key: number, argument: number, expected: Register): void {
    const invokedAt = Atomics.add(this.#time, 0, 1)
    let result: Register | boolean
    const answered = this.#tolerant(() => {
      result = this.#perform(name, key, argument, expected)
    })
    if (answered === 'not-applied') return
    const respondedAt = answered === 'unknown' ? NEVER : Atomics.add(this.#time, 0, 1)
    this.#recorder.add({ name, key, argument, expected, result, invokedAt, respondedAt })
  }

  #perform(name: OperationName, key: number, argument: number, expected: Register): Register | boolean {
    const subject = this.#subject
    switch (name) {
      case 'set':
        subject.set(key, argument)
        return undefined
      case 'compareAndSet':
        return subject.compareAndSet(key, expected, argument)
      case 'compute':
        return subject.compute(key, (old) => computedNext(old, argument))
      case 'clear':
        subject.clear()
        return undefined
      default:
        return subject[name](key, argument)
    }
  }

  /** An operation on all keys is one operation on each, with the same call and response. */
  #many(): void {
    const keys = Array.from({ length: this.#data.keys }, (_, key) => key)
    const kind = this.#data.isReader
      ? 'getMany'
      : this.#random.pick(['getMany', 'getMany', 'setMany', 'clear'])
    const argument = this.#random.below(this.#data.values)
    const invokedAt = Atomics.add(this.#time, 0, 1)
    let results: Register[] = []
    const answered = this.#tolerant(() => {
      if (kind === 'getMany') results = this.#subject.getMany(keys)
      else if (kind === 'setMany') this.#subject.setMany(keys.map((key) => [key, argument] as const))
      else this.#subject.clear()
    })
    if (answered !== 'done' && kind === 'getMany') return
    // A batch that failed may have been done in part.
    const respondedAt = answered === 'done' ? Atomics.add(this.#time, 0, 1) : NEVER
    const name = kind === 'getMany' ? 'get' : kind === 'setMany' ? 'set' : 'clear'
    for (const key of keys) {
      const result = results[key]
      this.#recorder.add({ name, key, argument, expected: undefined, result, invokedAt, respondedAt })
    }
  }

  #tolerant(operation: () => void): 'done' | 'not-applied' | 'unknown' {
    try {
      operation()
      return 'done'
    } catch (error) {
      if (isOperationError(error, 'FULL') || isOperationError(error, 'TIMEOUT')) return error.outcome
      throw error
    }
  }
}

async function openSubject(data: HistoryWorkerData): Promise<Subject> {
  if ('broken' in data.subject) return new BrokenTable(data.subject.broken, data.seed)
  const { attachTable, connectTable } = await import('./table-subject.js')
  if ('server' in data.subject) return connectTable(data.subject.values, data.subject.server)
  return attachTable(data.subject.table)
}

const data = (workerData ?? JSON.parse(process.argv[2]!)) as HistoryWorkerData
const words = new HistoryThread(data, await openSubject(data)).run()
if (parentPort !== null) parentPort.postMessage(words, [words.buffer])
else process.send!(words, () => process.disconnect())
