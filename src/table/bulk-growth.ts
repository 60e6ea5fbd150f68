/**
 * The buckets of a table that is being filled by a bulk load: a stripe gets as many as it is expected to need when its first
 * entry comes, and where nobody knows how many, they are split ahead of need. No lock is taken but those of the slab and the
 * page pool: the stripe is loaded by nobody else, and nobody reads it.
 */
import type { Chain } from './chain.js'
import type { Desk } from './desk.js'
import { Growth } from './growth.js'
import { ENTRIES_PER_BUCKET, STRIPE } from './layout.js'
import type { Space } from './space.js'

const { buckets: BUCKETS } = STRIPE

export class BulkGrowth {
  readonly #space: Space
  readonly #chain: Chain
  readonly #desk: Desk
  readonly #growth: Growth
  /** Of a stripe. */
  #expectedBuckets = 1

  constructor(space: Space, chain: Chain, desk: Desk) {
    this.#space = space
    this.#chain = chain
    this.#desk = desk
    this.#growth = new Growth(space, chain)
  }

  /**
   * So many entries are to come, in all of the table. Their buckets are made stripe by stripe, as the first of each comes:
   * they are in the processor's cache then, and two who load share that work (a tenth of a load from a snapshot).
   */
  expect(entries: number): void {
    this.#expectedBuckets = Math.ceil(entries / this.#chain.buckets.stripes / ENTRIES_PER_BUCKET)
  }

  /** Gives a fresh stripe its buckets, as far as there is memory; false if there is none for any. */
  start(stripeAt: number): boolean {
    if (!this.#bring(stripeAt)) return false
    const { lines } = this.#space
    while (!this.#growth.extendEmpty(stripeAt, this.#expectedBuckets)) {
      const count = this.#growth.missingLines(stripeAt)
      const reference = count < 0 ? 0 : lines.take(count, stripeAt)
      if (reference === 0) break
      this.#growth.addExtent(stripeAt, reference, count)
      lines.placed()
    }
    return true
  }

  /** Whether the stripe has more entries than its buckets should hold. */
  isDue(stripeAt: number): boolean {
    return this.#growth.isDue(stripeAt)
  }

  /**
   * Splits many buckets at once, ahead of need, as far as the extent has lines: neighbours come into the cache together,
   * where one a time would each cost two misses (measured: two fifths of a load in random order).
   */
  grow(stripeAt: number): void {
    if (this.#growth.missingLines(stripeAt) !== 0 && !this.#bring(stripeAt)) return
    const { pages, shape, words } = this.#space
    const ahead = pages.freePages > shape.totalPages >>> 3 ? words[stripeAt + BUCKETS]! >>> 2 : 0
    for (let count = ahead + 1; count > 0; count--) {
      if (this.#growth.missingLines(stripeAt) !== 0) return
      while (!this.#growth.split(stripeAt)) if (!this.bringLine(stripeAt)) return
    }
  }

  /** A spare line; false if there is no memory for it. */
  bringLine(stripeAt: number): boolean {
    const line = this.#desk.lines(1, stripeAt)
    if (line === 0) return false
    this.#chain.addSpareLines(stripeAt, line, 1)
    this.#space.lines.placed()
    return true
  }

  /** The stripe's next extent. */
  #bring(stripeAt: number): boolean {
    const count = this.#growth.missingLines(stripeAt)
    const lines = count < 0 ? 0 : this.#desk.lines(count, stripeAt)
    if (lines === 0) return false
    this.#growth.addExtent(stripeAt, lines, count)
    this.#growth.start(stripeAt)
    this.#space.lines.placed()
    return true
  }
}
