/**
 * The sweep: finds expired entries that nobody asks for, so that their memory comes back in any case.
 *
 * Threads take turns: a word of the region says whose turn has been taken (number of the period, by compare-and-swap),
 * so a region is swept once a period, however many use it. One turn goes over a bounded number of bucket lines, from
 * where the last one ended. Tables that never saw an expiry are left alone.
 *
 * Lines are looked at without a lock, and what they say is only a hint (a chunk may be somebody else's by now); where a
 * bucket seems to hold something expired, that bucket is looked through again under its stripe's lock, which is only
 * tried: whoever is busy there is not held up, and the next round comes by. The removals are deletes, see chain.ts.
 * Needs the own desk. For housekeeping between operations; reads find expired entries by themselves.
 */
import { MAX_SWEEP_LINES } from '../base/limits.js'
import { HEADER } from '../memory/header.js'
import { COUNTERS, MAX_DETACHED, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Chain } from './chain.js'
import {
  chunkBytes,
  FIRST_SLOT,
  FLAG_EXPIRY,
  LINE_LINK,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
} from './layout.js'
import type { RegionClock } from './region-clock.js'
import type { Space } from './space.js'

const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
const { sweepStripe: SWEEP_STRIPE, sweepBucket: SWEEP_BUCKET, sweepTurn: SWEEP_TURN } = HEADER

export class ExpirySweep {
  readonly #space: Space
  readonly #clock: RegionClock
  readonly #chain: Chain
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  #linesLeft = 0

  constructor(space: Space, clock: RegionClock) {
    this.#space = space
    this.#clock = clock
    this.#chain = new Chain(space)
    this.#words = space.words
    this.#segments = space.region.segments
  }

  /** Whether this thread has the turn of period number `period`, and there may be something to sweep. */
  takeTurn(period: number): boolean {
    if (this.#words[HEADER.hasExpiries] === 0) return false
    const taken = Atomics.load(this.#words, SWEEP_TURN)
    return (
      taken !== (period | 0) && Atomics.compareExchange(this.#words, SWEEP_TURN, taken, period | 0) === taken
    )
  }

  /** Goes over at most `lines` lines, and the table at most once. Returns how many entries it removed. */
  sweep(lines = MAX_SWEEP_LINES): number {
    const { stripes } = this.#chain.buckets
    this.#linesLeft = lines
    let removed = 0
    // Another sweep may be under way where a turn took longer than its period: the place is a hint.
    let stripe = this.#words[SWEEP_STRIPE]! % stripes
    let bucket = this.#words[SWEEP_BUCKET]!
    for (let passed = 0; passed <= stripes && this.#linesLeft > 0; passed++) {
      const stripeAt = this.#chain.buckets.stripeNumber(stripe)
      if (this.#words[stripeAt + STRIPE.count] === 0) bucket = this.#words[stripeAt + STRIPE.buckets]!
      while (this.#linesLeft > 0 && bucket < this.#words[stripeAt + STRIPE.buckets]!) {
        removed += this.#sweepBucket(stripeAt, bucket++)
      }
      if (this.#linesLeft === 0) break
      stripe = stripe + 1 < stripes ? stripe + 1 : 0
      bucket = 0
      // An empty stripe is a look at one line, too.
      this.#linesLeft--
    }
    this.#words[SWEEP_STRIPE] = stripe
    this.#words[SWEEP_BUCKET] = bucket
    return removed
  }

  #sweepBucket(stripeAt: number, bucket: number): number {
    if (!this.#seemsExpired(this.#chain.buckets.line(stripeAt, bucket))) return 0
    const lockAt = stripeAt + STRIPE.lock
    this.#words[this.#space.registry.at + PARTICIPANT.holding] = lockAt
    if (!this.#space.locks.tryAcquire(lockAt)) return 0
    const count = this.#removeExpired(stripeAt, this.#chain.buckets.line(stripeAt, bucket))
    this.#space.locks.release(lockAt)
    this.#space.count(COUNTERS.expirations, count)
    // The first word last: as long as it names a chunk, the desk is not left (see Desk.abandon).
    for (let i = count - 1; i >= 0; i--) this.#free(PARTICIPANT.detached + i)
    return count
  }

  /** Whether the chain seems to hold an expired entry; counts its lines. */
  #seemsExpired(first: Reference): boolean {
    let expired = false
    for (let line = first; line !== 0 && this.#linesLeft > 0; this.#linesLeft--) {
      const segment = this.#segments[line >>> GRANULE_BITS]
      if (segment === undefined) break
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (this.#hasExpired(segment.words[slot + 1]!)) expired = true
      }
      line = segment.words[at + LINE_LINK]!
    }
    return expired
  }

  /** Empties the slots of expired entries, as many as can be detached at once. Needs the lock. */
  #removeExpired(stripeAt: number, first: Reference): number {
    let count = 0
    for (let line = first; line !== 0; ) {
      const { words } = this.#segments[line >>> GRANULE_BITS]!
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        const reference = words[slot + 1]!
        if (count === MAX_DETACHED || !this.#hasExpired(reference)) continue
        this.#words[this.#space.registry.at + PARTICIPANT.detached + count++] = reference
        this.#chain.slotWords = words
        this.#chain.slotAt = slot
        this.#chain.remove(stripeAt)
      }
      line = words[at + LINE_LINK]!
    }
    return count
  }

  #hasExpired(reference: Reference): boolean {
    const segment = this.#segments[reference >>> GRANULE_BITS]
    if (reference === 0 || segment === undefined) return false
    const at = (reference & GRANULE_MASK) << 2
    return (segment.words[at]! & FLAG_EXPIRY) !== 0 && this.#clock.hasPassed(segment.floats[(at + 2) >>> 1]!)
  }

  #free(word: number): void {
    const reference = this.#words[this.#space.registry.at + word]!
    const { words } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    this.#space.slab.free(word, chunkBytes(words[at]!, words[at + 1]!))
  }
}
