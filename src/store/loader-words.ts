/**
 * What the two threads that load a table from its data directory tell each other while neither comes to its event loop.
 *
 *   starting -> ready -> loading -> ended          `dismissed` in place of `loading`: nobody wants what it loads
 *
 * `ready` is stored by the second thread once it could begin, `loading` by the first, with the share; `ended` by the second
 * when it has left the table, or by the first while the second has not begun. Publish rule: everything else that is said
 * (the share, the second's identity, what it posts) is there before the state that speaks of it.
 */
import { WAIT_SLICE_MS } from '../base/limits.js'
import { wordLayout } from '../memory/layout.js'
import { currentThread, isThreadAlive, type ThreadIdentity } from '../memory/threads.js'

export const LOADER = wordLayout('loader', 8, {
  state: { at: 0, writer: 'both, by compare-and-swap', what: 'a value of LOADER_STATE' },
  firstStripe: {
    at: 1,
    writer: 'the first, before `loading`',
    what: 'the second loads this stripe and all after it',
  },
  fromLsn: {
    at: 2,
    words: 2,
    writer: 'the first, before `loading`',
    what: 'position (float64) from which the second reads the log; 0: it reads everything, the snapshot first',
  },
  thread: { at: 4, writer: 'the second, before `ready`', what: 'its kernel thread id' },
  startTime: { at: 5, writer: 'the second, before `ready`', what: 'when that began' },
})
export const LOADER_STATE = { starting: 1, ready: 2, loading: 3, dismissed: 4, ended: 5 } as const
const { starting, ready, loading, dismissed, ended } = LOADER_STATE

const BYTES = 32

/** What the second thread is to load. */
export interface LoaderShare {
  /** This stripe and all after it. */
  readonly firstStripe: number
  /** 0: everything, the snapshot first; else the log alone, from this position on. */
  readonly fromLsn: number
}

export class LoaderWords {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #floats: Float64Array

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#floats = new Float64Array(buffer)
  }

  static create(): LoaderWords {
    const words = new LoaderWords(new SharedArrayBuffer(BYTES))
    Atomics.store(words.#words, LOADER.state, starting)
    return words
  }

  static attach(buffer: SharedArrayBuffer): LoaderWords {
    return new LoaderWords(buffer)
  }

  get state(): number {
    return Atomics.load(this.#words, LOADER.state)
  }

  /** The second is there, and has nothing to do yet. */
  get isReady(): boolean {
    return this.state === ready
  }

  /** First thread: waits until the second is ready, at most `timeoutMs`. */
  waitForReady(timeoutMs: number): void {
    for (let waitedMs = 0; this.state === starting && waitedMs < timeoutMs; waitedMs += WAIT_SLICE_MS)
      Atomics.wait(this.#words, LOADER.state, starting, WAIT_SLICE_MS)
  }

  /** First thread: gives the second its share; false if it is not ready for one. */
  give({ firstStripe, fromLsn }: LoaderShare): boolean {
    if (!this.isReady) return false
    this.#words[LOADER.firstStripe] = firstStripe
    this.#floats[LOADER.fromLsn >>> 1] = fromLsn
    return this.#move(ready, loading)
  }

  /** First thread: what is not loaded yet is not wanted. True if the second has ended, or never begins. */
  dismiss(): boolean {
    if (this.#move(starting, ended) || this.#move(ready, ended)) return true
    this.#move(loading, dismissed)
    return this.state === ended
  }

  /** First thread: waits until the second has ended; false if it has died before. */
  waitForEnd(): boolean {
    for (let state = this.state; state !== ended; state = this.state) {
      if (Atomics.wait(this.#words, LOADER.state, state, WAIT_SLICE_MS) !== 'timed-out') continue
      if (!isThreadAlive(this.#second) && this.state !== ended) return false
    }
    return true
  }

  /** Second thread: waits for its share; `undefined` if there is none for it. */
  waitForShare(): LoaderShare | undefined {
    const { thread, startTime } = currentThread()
    this.#words[LOADER.thread] = thread
    this.#words[LOADER.startTime] = startTime
    if (!this.#move(starting, ready)) return undefined
    while (this.isReady) Atomics.wait(this.#words, LOADER.state, ready, WAIT_SLICE_MS)
    // Given and taken back before it has looked: whoever waits for its end is told.
    if (this.isDismissed) this.end()
    if (this.state !== loading) return undefined
    return { firstStripe: this.#words[LOADER.firstStripe]!, fromLsn: this.#floats[LOADER.fromLsn >>> 1]! }
  }

  /** Second thread: whether it may stop. */
  get isDismissed(): boolean {
    return this.state === dismissed
  }

  /** Second thread: it has left the table, and said what there is to say. */
  end(): void {
    Atomics.store(this.#words, LOADER.state, ended)
    Atomics.notify(this.#words, LOADER.state)
  }

  get #second(): ThreadIdentity {
    return { thread: this.#words[LOADER.thread]!, startTime: this.#words[LOADER.startTime]! }
  }

  #move(from: number, to: number): boolean {
    if (Atomics.compareExchange(this.#words, LOADER.state, from, to) !== from) return false
    Atomics.notify(this.#words, LOADER.state)
    return true
  }
}
