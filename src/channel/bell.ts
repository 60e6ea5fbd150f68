/**
 * The bell of a server: one small piece of shared memory that says which of its workers sleep, and on which word.
 *
 * It is a hint and no more. Who publishes a request looks here afterwards, and a worker that is about to sleep says so
 * here before it looks at all lanes once more: one of the two sees the other. Should it fail all the same (a client that
 * died in between, or that wrote nonsense here), workers look at every lane each WAIT_SLICE_MS anyway.
 *
 * While one worker is awake nobody is rung for: it comes by. It rings for another itself when it is not enough.
 *
 * Every client of a server may write here. Not for anything that must be true.
 */
import { assert } from '../base/assert.js'
import { wordLayout } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { HOME_BOUND, MAX_LANE_WORKERS } from './layout.js'
import { attachShared, MappedFile, type SharedHandle } from './mapped-file.js'

const LINE_WORDS = 16
const BELL_BYTES = 2048
assert(BELL_BYTES >= (1 + MAX_LANE_WORKERS) * LINE_WORDS * 4, 'each worker sleeps on a line of its own')
/** Other bits are a client's nonsense. */
const WORKER_BITS = 2 ** MAX_LANE_WORKERS - 1
assert(MAX_LANE_WORKERS < 31, 'a bit for each worker, none of them the sign')

const BELL = wordLayout('bell', LINE_WORDS, {
  awake: { at: 0, writer: 'each worker its bit; who wakes it sets it', what: 'workers that will come by' },
  sleepers: { at: 1, writer: 'each worker its bit; who wakes it clears it', what: 'workers that sleep' },
})

export class Bell {
  readonly region: Region
  readonly #words: Int32Array

  private constructor(region: Region) {
    this.region = region
    this.#words = region.segments[0]!.words
  }

  /** For the threads of this process, or, with the path of a file that is yet to be, for every process. */
  static create(path?: string): Bell {
    return new Bell(
      path === undefined ? SharedArrayRegion.create([BELL_BYTES]) : MappedFile.create(path, BELL_BYTES),
    )
  }

  static attach(handle: SharedHandle): Bell {
    return new Bell(attachShared(handle))
  }

  /** To be posted to another thread; a client process is told the path. */
  share(): SharedHandle {
    return this.region.share() as SharedHandle
  }

  /** A worker begins. Its number may have been that of one that has ended. */
  join(worker: number): void {
    this.stayAwake(worker)
  }

  /** A worker has ended, or is known to be dead: it does not count as awake any more. */
  leave(worker: number): void {
    this.#clear(BELL.awake, worker)
    this.#clear(BELL.sleepers, worker)
  }

  /** To be followed by a look at everything, then by `sleep` or `stayAwake`. */
  announceSleep(worker: number): void {
    this.#set(BELL.sleepers, worker)
    this.#clear(BELL.awake, worker)
  }

  /** Whether it was woken. At once if that was since it last slept: a wake is remembered. */
  sleep(worker: number, timeoutMs: number): boolean {
    this.region.wait(wordOf(worker), 0, timeoutMs)
    const wasWoken = Atomics.exchange(this.#words, wordOf(worker), 0) !== 0
    this.stayAwake(worker)
    return wasWoken
  }

  stayAwake(worker: number): void {
    this.#set(BELL.awake, worker)
    this.#clear(BELL.sleepers, worker)
  }

  /** Whether a worker besides this one is awake. */
  isAnotherAwake(worker: number): boolean {
    return (Atomics.load(this.#words, BELL.awake) & ~(1 << worker)) !== 0
  }

  /** Numbers of the workers that count as awake. */
  awake(): number[] {
    const numbers: number[] = []
    for (let awake = this.#workersIn(BELL.awake); awake !== 0; awake &= awake - 1) numbers.push(lowest(awake))
    return numbers
  }

  /** Something was published for the workers; `home` is the lane's word of that name. Cheap while somebody is awake. */
  ring(home: number): void {
    const awake = Atomics.load(this.#words, BELL.awake)
    const mayTake = (home & HOME_BOUND) === 0 ? awake : awake & (1 << ((home & ~HOME_BOUND) - 1))
    if (mayTake === 0) this.#ringFor(home)
  }

  /** Wakes one worker, if any sleeps. */
  ringForHelp(): void {
    const sleepers = this.#workersIn(BELL.sleepers)
    if (sleepers !== 0) this.wake(lowest(sleepers))
  }

  /** Wakes all workers that sleep. */
  wakeSleepers(): void {
    for (let sleepers = this.#workersIn(BELL.sleepers); sleepers !== 0; sleepers &= sleepers - 1)
      this.wake(lowest(sleepers))
  }

  /** Wakes this one, or keeps it from its next sleep. Counts as awake at once, so that nobody else wakes another. */
  wake(worker: number): void {
    const bit = 1 << worker
    if ((Atomics.and(this.#words, BELL.sleepers, ~bit) & bit) !== 0) this.#set(BELL.awake, worker)
    Atomics.store(this.#words, wordOf(worker), 1)
    this.region.notify(wordOf(worker))
  }

  #ringFor(home: number): void {
    const sleepers = this.#workersIn(BELL.sleepers)
    const worker = (home & ~HOME_BOUND) - 1
    const isHomeAsleep = worker >= 0 && worker < MAX_LANE_WORKERS && (sleepers & (1 << worker)) !== 0
    if (isHomeAsleep) this.wake(worker)
    else if ((home & HOME_BOUND) === 0 && sleepers !== 0) this.wake(lowest(sleepers))
  }

  #workersIn(word: number): number {
    return Atomics.load(this.#words, word) & WORKER_BITS
  }

  #set(word: number, worker: number): void {
    Atomics.or(this.#words, word, 1 << worker)
  }

  #clear(word: number, worker: number): void {
    Atomics.and(this.#words, word, ~(1 << worker))
  }
}

/** Number of the lowest bit that is set. */
const lowest = (bits: number) => 31 - Math.clz32(bits & -bits)
const wordOf = (worker: number) => (1 + worker) * LINE_WORDS
