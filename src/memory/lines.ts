/**
 * Bucket memory: cache lines that hold buckets and nothing else, ever.
 *
 * A reader may still look at a slot that it remembers long after the entry has gone. That is harmless only while the
 * slot's memory can never hold anything but slots, so lines are handed out and never taken back: a stripe keeps its
 * own for good. Less than a page comes from a current run of pages, more gets pages of its own.
 *
 * Publish rule: lines belong to their stripe once the stripe leads to them; until then the participant's in-hand
 * words name them (`linesInHand` last), and repair hands them to that stripe. Fresh lines are all zero.
 */
import { assert } from '../base/assert.js'
import { LINE_BYTES } from '../base/limits.js'
import { HEADER, POOL } from './header.js'
import type { Locks } from './lock.js'
import { type Pages, pageReference, SPAN_LINES } from './pages.js'
import { PARTICIPANT } from './participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Region } from './region.js'
import { PAGE_BYTES } from './size-classes.js'

/** Granules of a line, as a shift. */
export const LINE_SHIFT = 2

const POOL_AT = HEADER.pool
const { linesNext: LINES_NEXT, linesEnd: LINES_END } = POOL
const {
  linesInHand: LINES_IN_HAND,
  lineCount: LINE_COUNT,
  lineStripe: LINE_STRIPE,
  holding: HOLDING,
} = PARTICIPANT
const LINES_PER_PAGE = PAGE_BYTES / LINE_BYTES

export class Lines {
  readonly #region: Region
  readonly #pages: Pages
  readonly #locks: Locks
  readonly #words: Int32Array
  readonly #me: number
  readonly #runPages: number

  constructor(region: Region, pages: Pages, locks: Locks, participantAt: number) {
    this.#region = region
    this.#pages = pages
    this.#locks = locks
    this.#words = region.segments[0]!.words
    this.#me = participantAt
    this.#runPages = Math.max(1, Math.min(16, pages.geometry.totalPages >>> 10))
  }

  /** Takes `count` adjacent zeroed lines (a power of two) into the hand, for the stripe at `stripeAt`; 0 if none. */
  take(count: number, stripeAt: number): Reference {
    assert(count > 0, 'lines are taken by the one or more')
    this.#words[this.#me + LINE_STRIPE] = stripeAt
    if (count >= LINES_PER_PAGE) return this.#takeRun(count)
    for (;;) {
      const reference = this.#takeFromCurrent(count)
      if (reference !== 0 || !this.#startRun()) return reference
    }
  }

  /** The stripe leads to the lines now. */
  placed(): void {
    this.#words[this.#me + LINES_IN_HAND] = 0
  }

  #takeFromCurrent(count: number): Reference {
    const words = this.#words
    const granules = count << LINE_SHIFT
    this.#lockPool()
    const reference = words[POOL_AT + LINES_NEXT]!
    const enough = reference !== 0 && (words[POOL_AT + LINES_END]! - reference) >>> 0 >= granules
    if (enough) {
      words[this.#me + LINE_COUNT] = count
      words[this.#me + LINES_IN_HAND] = reference
      words[POOL_AT + LINES_NEXT] = reference + granules
    }
    this.#locks.release(POOL_AT + POOL.lock)
    return enough ? reference : 0
  }

  #startRun(): boolean {
    const words = this.#words
    const count = this.#runPages * LINES_PER_PAGE
    const reference = this.#takeRun(count)
    if (reference === 0) return false
    this.#lockPool()
    words[POOL_AT + LINES_NEXT] = 0
    words[POOL_AT + LINES_END] = reference + (count << LINE_SHIFT)
    words[POOL_AT + LINES_NEXT] = reference
    words[this.#me + LINES_IN_HAND] = 0
    this.#locks.release(POOL_AT + POOL.lock)
    return true
  }

  #takeRun(count: number): Reference {
    this.#words[this.#me + LINE_COUNT] = count
    const page = this.#pages.allocate(count / LINES_PER_PAGE, SPAN_LINES, LINES_IN_HAND)
    const reference = pageReference(page)
    if (reference !== 0) this.#zero(reference, count)
    return reference
  }

  #zero(reference: Reference, count: number): void {
    const at = (reference & GRANULE_MASK) << 2
    this.#region.segments[reference >>> GRANULE_BITS]!.words.fill(0, at, at + count * (LINE_BYTES >>> 2))
  }

  #lockPool(): void {
    this.#words[this.#me + HOLDING] = POOL_AT + POOL.lock
    this.#locks.acquire(POOL_AT + POOL.lock)
  }
}
