/**
 * Locks that name their owner.
 *
 * A lock is one word of segment 0: 0 when free, else the tag of the participant that holds it, with the CONTENDED
 * bit once somebody sleeps on it. Taking is one compare-and-swap, giving back one exchange; only a contended lock
 * pays for a wake-up.
 *
 * Who waits too long asks whether the owner lives. Dead, or itself thrown out of an earlier operation: the damage is
 * settled and the lock comes free. Alive but stopped: `TIMEOUT` names it. Nobody waits without a limit, and no single
 * sleep is longer than WAIT_SLICE_MS, since an unbounded one would hang `worker.terminate()`. Of a sleep that lasts longer than
 * was asked for, only that much counts: who gets no processor, or stood still with everybody else, has not waited for the owner.
 *
 * Order: own desk, then class, then pool; own desk, then stripe. Under a stripe lock nothing else is taken but, for
 * several keys at once, further stripes in ascending order.
 */
import { monotonicMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { HEADER, POOL } from './header.js'
import type { Region } from './region.js'

export const CONTENDED = 1 << 30
/** Who waits for the pool may hold a class lock; who waits for any other lock holds only desks, but for `acquireAlso`. */
const POOL_LOCK_AT = HEADER.pool + POOL.lock
/** Tries before the first sleep: about 2 us, several times the length of a critical section. */
const SPINS = 200
/** How long the first sleeps are; the owner's life is looked into after each. */
const FIRST_SLEEP_MS = 1

/** Knows the owners of locks: implemented by the participants' registry. */
export interface OwnerWatch {
  /**
   * If the owner `tag` is dead, or is this thread itself, settles what it held and returns true. `locksOnly`: the caller
   * holds a lock itself, so only the dead's locks are freed now and the rest is left for later.
   */
  settle(tag: number, locksOnly: boolean): boolean
  /** Process and thread of the owner, for messages. */
  describe(tag: number): string
}

export class Locks {
  readonly #region: Region
  readonly #words: Int32Array
  readonly #tag: number
  readonly #timeoutMs: number
  readonly #watch: OwnerWatch
  /** Times a lock was not free at once and sleeping began. */
  waits = 0

  constructor(region: Region, tag: number, timeoutMs: number, watch: OwnerWatch) {
    this.#region = region
    this.#words = region.segments[0]!.words
    this.#tag = tag
    this.#timeoutMs = timeoutMs
    this.#watch = watch
  }

  /** Takes the lock. Throws OperationError TIMEOUT (nothing was changed) when a living owner keeps it too long. */
  acquire(at: number): void {
    if (Atomics.compareExchange(this.#words, at, 0, this.#tag) !== 0) this.#acquireSlowly(at)
  }

  /**
   * As {@link acquire}, for who holds stripe locks already and goes on in ascending order: settling a dead owner then
   * takes no lock, and leaves the rest of what it held for later.
   */
  acquireAlso(at: number): void {
    if (Atomics.compareExchange(this.#words, at, 0, this.#tag) !== 0) this.#acquireSlowly(at, true)
  }

  /** Takes the lock if it is free or its owner is dead. */
  tryAcquire(at: number): boolean {
    const held = Atomics.compareExchange(this.#words, at, 0, this.#tag)
    if (held === 0) return true
    return (
      this.#watch.settle(held & ~CONTENDED, false) &&
      Atomics.compareExchange(this.#words, at, 0, this.#tag) === 0
    )
  }

  release(at: number): void {
    const held = Atomics.exchange(this.#words, at, 0)
    if ((held & CONTENDED) !== 0) this.#region.notify(at)
  }

  #acquireSlowly(at: number, holdsOthers = at === POOL_LOCK_AT): void {
    const words = this.#words
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, this.#tag) === 0) return
    }
    this.waits++
    let waitedMs = 0
    for (let sleepMs = FIRST_SLEEP_MS; ; sleepMs = Math.min(WAIT_SLICE_MS, sleepMs * 2)) {
      const held = Atomics.load(words, at)
      // Others may sleep too, so whoever slept keeps the bit set: the next release wakes them all again.
      if (held === 0) {
        if (Atomics.compareExchange(words, at, 0, this.#tag | CONTENDED) === 0) return
        continue
      }
      const marked = held | CONTENDED
      if (held !== marked && Atomics.compareExchange(words, at, held, marked) !== held) continue
      if (waitedMs >= this.#timeoutMs) this.#giveUp(held & ~CONTENDED, waitedMs)
      const sliceMs = Math.min(sleepMs, this.#timeoutMs - waitedMs + 1)
      const startedMs = monotonicMs()
      this.#region.wait(at, marked, sliceMs)
      waitedMs += Math.min(sliceMs, monotonicMs() - startedMs)
      if (Atomics.load(words, at) === marked) this.#watch.settle(held & ~CONTENDED, holdsOthers)
    }
  }

  #giveUp(tag: number, waitedMs: number): never {
    throw new OperationError(
      'TIMEOUT',
      `a lock is held by ${this.#watch.describe(tag)}, which is alive but has not gone on for ${Math.round(waitedMs)} ms. ` +
        'Nothing was changed. Let it go on or end it: the lock of a dead thread is taken over.',
      { outcome: 'not-applied' },
    )
  }
}
