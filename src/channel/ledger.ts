/**
 * What the server must be sure of about its lanes, in memory that only its own threads have: which workers there are, who
 * holds a lane, which request of it comes next, and who keeps the watch. Clients cannot reach it, so it needs no doubt.
 *
 * A row a lane. The holder alone changes the row; it took hold by compare-and-swap with its tag, and one that is dead
 * loses the lane to who finds it so. `next` is advanced before a request is carried out, so no request is ever carried
 * out twice; what was taken and is unanswered when a holder dies is answered LOST by its successor.
 *
 * Lane rows are given out and taken back by the server's main thread alone. A worker's row is written by that worker; its
 * number is given by the server, and to one living worker at a time.
 */
import { assert } from '../base/assert.js'
import { wordLayout } from '../memory/layout.js'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import {
  currentThread,
  identityBits,
  identityOf,
  isThreadAlive,
  type Liveness,
  type ThreadIdentity,
} from '../memory/threads.js'
import { MAX_LANE_WORKERS } from './layout.js'

export const ROW_WORDS = 16
export const ROW = wordLayout('lane row', ROW_WORDS, {
  holder: { at: 0, writer: 'compare-and-swap', what: 'tag of the worker that holds the lane, 0: nobody' },
  next: { at: 1, writer: 'the holder', what: 'sequence of the next request to be taken' },
  state: { at: 2, writer: 'the main thread; the holder on a fault', what: 'one of ROW_STATE' },
})
export const ROW_STATE = { UNUSED: 0, OPEN: 1, DROPPED: 2 } as const

const WORKER = wordLayout('lane worker', ROW_WORDS, {
  identity: { at: 0, words: 2, writer: 'the worker, in one store', what: 'thread and its start time' },
  generation: { at: 2, writer: 'who joins, before its identity', what: 'counts those that had this number' },
})
/** One line for all: see idle-watch.ts. */
export const WATCH = wordLayout('watch of lane workers', ROW_WORDS, {
  watcher: { at: 0, writer: 'compare-and-swap', what: 'tag of the worker that keeps the watch, 0: nobody' },
  beat: { at: 1, writer: 'the watcher', what: 'counts its slices' },
  ends: { at: 2, writer: 'the main thread', what: '1: the process ends, nobody sleeps longer than a slice' },
})
const FRONT_ROWS = MAX_LANE_WORKERS + 1
const NUMBER_BITS = 8
const GENERATION_MASK = 0x3fffff

export class Ledger {
  readonly words: Int32Array
  readonly #longs: BigInt64Array
  readonly #region: SharedArrayRegion
  readonly rows: number

  private constructor(region: SharedArrayRegion) {
    this.#region = region
    this.words = region.segments[0]!.words
    this.#longs = region.segments[0]!.longs
    this.rows = this.words.length / ROW_WORDS - FRONT_ROWS
  }

  /** For so many lanes at once. */
  static create(rows: number): Ledger {
    return new Ledger(SharedArrayRegion.create([(FRONT_ROWS + rows) * ROW_WORDS * 4]))
  }

  static attach(handle: SharedArrayHandle): Ledger {
    return new Ledger(SharedArrayRegion.attach(handle))
  }

  share(): SharedArrayHandle {
    return this.#region.share()
  }

  /** Word where a lane's row begins. */
  rowAt(row: number): number {
    return (FRONT_ROWS + row) * ROW_WORDS
  }

  /** Word where the line of the watch begins. */
  get watchAt(): number {
    return MAX_LANE_WORKERS * ROW_WORDS
  }

  /** The process ends: from now on no worker begins a sleep that is longer than a slice. Wake them afterwards. */
  noteEnd(): void {
    Atomics.store(this.words, this.watchAt + WATCH.ends, 1)
  }

  /** First of `count` rows in a run that are now open; -1 if there is no such run. Main thread only. */
  open(count: number): number {
    let run = 0
    for (let row = 0; row < this.rows; row++) {
      run = this.words[this.rowAt(row) + ROW.state] === ROW_STATE.UNUSED ? run + 1 : 0
      if (run < count) continue
      const first = row - count + 1
      for (let i = first; i <= row; i++) {
        this.words[this.rowAt(i) + ROW.holder] = 0
        this.words[this.rowAt(i) + ROW.next] = 0
        Atomics.store(this.words, this.rowAt(i) + ROW.state, ROW_STATE.OPEN)
      }
      return first
    }
    return -1
  }

  /** Takes the rows back: when every worker has detached the file. Main thread only. */
  close(first: number, count: number): void {
    for (let row = first; row < first + count; row++) {
      const at = this.rowAt(row)
      assert(this.words[at + ROW.state] !== ROW_STATE.UNUSED, 'a row is closed once')
      Atomics.store(this.words, at + ROW.holder, 0)
      Atomics.store(this.words, at + ROW.state, ROW_STATE.UNUSED)
    }
  }

  /** Rows in use. */
  get used(): number {
    let used = 0
    for (let row = 0; row < this.rows; row++)
      if (this.words[this.rowAt(row) + ROW.state] !== ROW_STATE.UNUSED) used++
    return used
  }

  /** This thread becomes worker `number`; returns the tag by which it holds lanes. */
  join(number: number, thread: ThreadIdentity = currentThread()): number {
    const at = number * ROW_WORDS
    const generation = (this.words[at + WORKER.generation]! + 1) & GENERATION_MASK
    Atomics.store(this.#longs, at >>> 1, 0n)
    Atomics.store(this.words, at + WORKER.generation, generation)
    Atomics.store(this.#longs, at >>> 1, identityBits(thread))
    return (generation << NUMBER_BITS) | (number + 1)
  }

  /** Worker `number` holds no lane any more and ends. */
  leave(number: number): void {
    Atomics.store(this.#longs, (number * ROW_WORDS) >>> 1, 0n)
  }

  /** Whether the worker that last had that number has ended. */
  isNumberDead(number: number, isAlive: Liveness = isThreadAlive): boolean {
    const identity = Atomics.load(this.#longs, (number * ROW_WORDS) >>> 1)
    return identity === 0n || !isAlive(identityOf(identity))
  }

  /** Whether the worker with that tag has ended. */
  isDead(tag: number, isAlive: Liveness = isThreadAlive): boolean {
    const at = workerOf(tag) * ROW_WORDS
    const isLatest = Atomics.load(this.words, at + WORKER.generation) === tag >>> NUMBER_BITS
    return !isLatest || this.isNumberDead(workerOf(tag), isAlive)
  }
}

/** The number of the worker that has, or had, a tag. */
export function workerOf(tag: number): number {
  return (tag & ((1 << NUMBER_BITS) - 1)) - 1
}
