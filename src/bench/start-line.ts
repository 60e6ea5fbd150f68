/**
 * Where the threads of one pass meet, and where they leave their times.
 *
 * Every thread makes its share first, then arrives; the last to arrive opens the line by one `Atomics.add` of the
 * turn word and wakes the rest, so all clocks start within a wake-up of each other. The time of an operation is
 * from the first start to the last end. Publish rule: a thread's times count once it has arrived at the next turn.
 */

const ARRIVED = 0
const TURN = 1
const WORDS = 2
const TIMES_OFFSET_BYTES = 8
/** Longest wait in one piece: an unbounded one would survive a dead partner. */
const WAIT_SLICE_MS = 50
const WAIT_LIMIT_MS = 300_000

/** The memory of a line for `threads` threads: pass it to each of them. */
export function startLineMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(TIMES_OFFSET_BYTES + threads * 16)
}

export class StartLine {
  readonly #words: Int32Array
  readonly #times: BigInt64Array
  readonly #threads: number

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS)
    this.#times = new BigInt64Array(memory, TIMES_OFFSET_BYTES)
    this.#threads = this.#times.length / 2
  }

  /** Returns when all threads have arrived; throws when one stays away for minutes. */
  meet(): void {
    const turn = Atomics.load(this.#words, TURN)
    if (Atomics.add(this.#words, ARRIVED, 1) === this.#threads - 1) {
      Atomics.store(this.#words, ARRIVED, 0)
      Atomics.add(this.#words, TURN, 1)
      Atomics.notify(this.#words, TURN)
      return
    }
    const deadlineMs = performance.now() + WAIT_LIMIT_MS
    while (Atomics.load(this.#words, TURN) === turn) {
      Atomics.wait(this.#words, TURN, turn, WAIT_SLICE_MS)
      if (performance.now() > deadlineMs) throw new Error('a thread of the benchmark did not arrive')
    }
  }

  record(thread: number, startNs: bigint, endNs: bigint): void {
    this.#times[2 * thread] = startNs
    this.#times[2 * thread + 1] = endNs
  }

  /** Nanoseconds from the first start to the last end; valid between two meetings. */
  elapsedNs(): number {
    const times = Array.from(this.#times, Number)
    const starts = times.filter((_, index) => index % 2 === 0)
    const ends = times.filter((_, index) => index % 2 === 1)
    return Math.max(...ends) - Math.min(...starts)
  }
}
