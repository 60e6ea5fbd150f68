/**
 * Room in a stripe, brought before it is locked for several inserts at once: buckets for all of them, and the lines
 * that they cannot do without; and buckets ahead for a table that is empty. Everything here needs the own desk (`reserve` takes
 * it itself) and no stripe lock, and takes the stripe's lock for one short section at a time; death in one is repaired as any
 * writer's.
 */
import { PARTICIPANT } from '../memory/participant.js'
import type { Reference } from '../memory/region.js'
import { ENTRIES_PER_BUCKET, STRIPE } from './layout.js'
import type { Space } from './space.js'
import type { Writer } from './writer.js'

const { count: COUNT, buckets: BUCKETS } = STRIPE
/** Single lines brought to one stripe for its splits: more entries than those hold wait in longer chains. */
const MAX_SPARE_LINES = 16

export class StripeRoom {
  readonly #space: Space
  readonly #writer: Writer
  readonly #words: Int32Array
  readonly #me: number

  constructor(space: Space, writer: Writer) {
    this.#space = space
    this.#writer = writer
    this.#words = space.words
    this.#me = space.registry.at
  }

  /** Splits buckets ahead for `inserts` more entries, as far as memory goes: chains just grow longer without. */
  growFor(stripeAt: number, inserts: number): void {
    const { growth } = this.#writer
    for (let spares = 0; this.#isShort(stripeAt, inserts); ) {
      this.#lock(stripeAt)
      const extent = growth.missingLines(stripeAt)
      const isStarted = this.#words[stripeAt + BUCKETS] !== 0
      const grew = isStarted && extent === 0 && this.#isShort(stripeAt, inserts) && growth.split(stripeAt)
      this.#space.locks.release(stripeAt + STRIPE.lock)
      if (grew) continue
      if (extent < 0 || (extent === 0 && spares++ === MAX_SPARE_LINES)) return
      const lines = this.#writer.desk.lines(extent || 1, stripeAt)
      if (lines === 0) return
      this.#give(stripeAt, lines, extent || 1, extent > 0)
    }
  }

  /**
   * Brings one spare line, or to a stripe without buckets its first extent. Without memory for it, what has expired is removed,
   * after which there may be room, and the answer is false; `sweeps` says how often before. Throws OperationError FULL.
   */
  bringLine(stripeAt: number, sweeps: number): boolean {
    const { desk, growth } = this.#writer
    const extent = this.#words[stripeAt + BUCKETS] === 0 ? growth.missingLines(stripeAt) : 0
    const count = extent || 1
    const lines = desk.lines(count, stripeAt)
    if (lines !== 0) this.#give(stripeAt, lines, count, extent > 0)
    else if (!desk.removeExpired(sweeps)) desk.fullOfLines(count)
    return lines !== 0
  }

  /** Gives an empty stripe `buckets` buckets at once, as far as memory and extents go. Takes the desk itself. */
  reserve(stripeAt: number, buckets: number): void {
    const { desk, growth } = this.#writer
    desk.enter()
    for (;;) {
      const extent = growth.missingLines(stripeAt)
      const lines = extent > 0 ? this.#space.lines.take(extent, stripeAt) : 0
      if (extent < 0 || (extent > 0 && lines === 0)) break
      this.#lock(stripeAt)
      if (lines !== 0) growth.addExtent(stripeAt, lines, extent)
      this.#space.lines.placed()
      const isDone = growth.extendEmpty(stripeAt, buckets)
      this.#space.locks.release(stripeAt + STRIPE.lock)
      if (isDone) break
    }
    desk.leave()
  }

  #isShort(stripeAt: number, inserts: number): boolean {
    return this.#words[stripeAt + COUNT]! + inserts > this.#words[stripeAt + BUCKETS]! * ENTRIES_PER_BUCKET
  }

  /** Gives the stripe lines that are in hand: its next extent, or spares, also where another thread was faster. */
  #give(stripeAt: number, lines: Reference, count: number, isExtent: boolean): void {
    const { chain, growth } = this.#writer
    this.#lock(stripeAt)
    if (isExtent) growth.addExtent(stripeAt, lines, count)
    else chain.addSpareLines(stripeAt, lines, count)
    growth.start(stripeAt)
    this.#space.lines.placed()
    this.#space.locks.release(stripeAt + STRIPE.lock)
  }

  #lock(stripeAt: number): void {
    this.#words[this.#me + PARTICIPANT.holding] = stripeAt + STRIPE.lock
    this.#space.locks.acquire(stripeAt + STRIPE.lock)
  }
}
