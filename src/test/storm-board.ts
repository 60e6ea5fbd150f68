/**
 * The words that the threads of one storm share: who is not ready yet, whether to stop, which readers still read,
 * and how far each thread is. Counters for the harness itself, not for what it tests.
 */
const NOT_READY = 0
const STOP = 1
const READERS_LEFT = 2
const FIRST_COUNT = 3

export class StormBoard {
  readonly #words: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared)
  }

  static create(readers: number, writers: number): SharedArrayBuffer {
    const shared = new SharedArrayBuffer((FIRST_COUNT + readers + writers) * 4)
    const words = new Int32Array(shared)
    words[NOT_READY] = readers + writers
    words[READERS_LEFT] = readers
    return shared
  }

  /** Blocks until every thread has come here, so that all start at once. */
  meet(): void {
    if (Atomics.sub(this.#words, NOT_READY, 1) === 1) Atomics.notify(this.#words, NOT_READY)
    for (let left = 1; left > 0 && !this.stopped; left = Atomics.load(this.#words, NOT_READY)) {
      Atomics.wait(this.#words, NOT_READY, left, 50)
    }
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) === 1
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1)
  }

  /** The last reader to finish ends the storm. */
  readerDone(): void {
    if (Atomics.sub(this.#words, READERS_LEFT, 1) === 1) this.stop()
  }

  report(thread: number, count: number): void {
    Atomics.store(this.#words, FIRST_COUNT + thread, count)
  }

  /** Writes that the last `writers` threads have reported. */
  writes(writers: number): number {
    return this.total(this.#words.length - FIRST_COUNT - writers, this.#words.length - FIRST_COUNT)
  }

  /** Sum of what threads [from, to) reported. */
  total(from: number, to: number): number {
    return this.#words.subarray(FIRST_COUNT + from, FIRST_COUNT + to).reduce((sum, count) => sum + count, 0)
  }
}
