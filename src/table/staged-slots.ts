/**
 * Room for the slots of staged inserts (staging.ts): whatever a slot may need is in its stripe before the insert is
 * logged.
 *
 * An insert takes at most one spare line of its stripe. It needs none promised if its chain has more empty slots than
 * staged inserts; else one is promised, and a stripe has at least as many spares as it has promised. Growth would take
 * them, and move what is counted by bucket, so a stripe grows when nothing is staged in it any more.
 *
 * The one writer of a table behind a log; nobody else changes a bucket.
 */
import { assert } from '../base/assert.js'
import { LINE_SHIFT, LINES_PER_PAGE } from '../memory/lines.js'
import { GRANULE_BITS, GRANULE_MASK, type Segment } from '../memory/region.js'
import { Chain } from './chain.js'
import type { Desk } from './desk.js'
import { Growth } from './growth.js'
import { FIRST_SLOT, LINE_LINK, SLOT_WORDS, SLOTS_PER_LINE, STRIPE, STRIPE_WORDS } from './layout.js'
import type { Space } from './space.js'
import { waitForStripe } from './stripe-wait.js'

/** What `reserve` gives: no memory, or whether a line has been promised. */
export const NO_ROOM = -1
export const ROOM = 0
export const ROOM_BY_LINE = 1
export type Room = typeof NO_ROOM | typeof ROOM | typeof ROOM_BY_LINE

const COUNTER_BITS = 13
/** Buckets that are split in one go, at least. */
const SPLITS_AHEAD = 8
/** 2^32 divided by the golden ratio: spreads neighbours (Knuth). */
const GOLDEN = 0x9e3779b1
const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS

export class StagedSlots {
  readonly #space: Space
  readonly #desk: Desk
  readonly #chain: Chain
  readonly #growth: Growth
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  /** By stripe number: staged inserts, and lines promised to them. */
  readonly #inserts: Int32Array
  readonly #promised: Int32Array
  /** Pages that stay free: no stripe grows at their expense. */
  reservedPages = 0
  /** Staged inserts by bucket. */
  readonly #byBucket = new Int32Array(2 ** COUNTER_BITS)

  constructor(space: Space, desk: Desk) {
    this.#space = space
    this.#desk = desk
    this.#chain = new Chain(space)
    this.#growth = new Growth(space, this.#chain)
    this.#words = space.words
    this.#segments = space.region.segments
    this.#inserts = new Int32Array(space.shape.stripes)
    this.#promised = new Int32Array(space.shape.stripes)
  }

  /** Makes room for an insert under `hash`. */
  reserve(hash: number): Room {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    const stripe = this.#numberOf(stripeAt)
    if (this.#words[stripeAt + STRIPE.buckets] === 0 && !this.#bringExtent(stripeAt)) return NO_ROOM
    const bucket = this.#counterOf(stripeAt, hash)
    const needsLine = this.#emptySlots(stripeAt, hash) <= this.#byBucket[bucket]!
    if (needsLine && !this.#promiseLine(stripeAt, stripe)) return NO_ROOM
    this.#inserts[stripe]!++
    this.#byBucket[bucket]!++
    return needsLine ? ROOM_BY_LINE : ROOM
  }

  unreserve(hash: number, room: Room): void {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    const stripe = this.#numberOf(stripeAt)
    this.#inserts[stripe]!--
    // A stripe does not grow meanwhile: the hash belongs to the same bucket.
    this.#byBucket[this.#counterOf(stripeAt, hash)]!--
    if (room === ROOM_BY_LINE) this.#promised[stripe]!--
    assert(this.#inserts[stripe]! >= 0 && this.#promised[stripe]! >= 0, 'what is given back was reserved')
  }

  /** Splits buckets of the stripe of `hash` as far as its entries ask for it and memory allows. */
  settle(hash: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    if (!this.#growth.isDue(stripeAt) || this.#inserts[this.#numberOf(stripeAt)] !== 0) return
    this.#desk.enterPatiently()
    // Some more than are due: neighbours come into the cache together.
    let ahead = SPLITS_AHEAD
    while ((this.#growth.isDue(stripeAt) || ahead-- > 0) && this.#split(stripeAt)) {}
    this.#desk.leave()
  }

  /** Splits one bucket; false if there is no memory for it, or the stripe has as many as it may. */
  #split(stripeAt: number): boolean {
    for (;;) {
      const extent = this.#growth.missingLines(stripeAt)
      const needed = Math.ceil(extent / LINES_PER_PAGE)
      if (extent < 0 || this.#space.pages.freePages - needed < this.reservedPages) return false
      if (extent === 0) {
        waitForStripe(this.#space, stripeAt)
        const done = this.#growth.split(stripeAt)
        this.#space.locks.release(stripeAt + STRIPE.lock)
        if (done) return true
      }
      if (!this.#bring(stripeAt, extent)) return false
    }
  }

  #bringExtent(stripeAt: number): boolean {
    this.#desk.enterPatiently()
    const done = this.#bring(stripeAt, this.#growth.missingLines(stripeAt))
    this.#desk.leave()
    return done
  }

  /** Gives the stripe its next extent of `extent` lines, or, if that is 0, a spare line. Needs the desk. */
  #bring(stripeAt: number, extent: number): boolean {
    const lines = this.#desk.lines(extent || 1, stripeAt)
    if (lines === 0) return false
    waitForStripe(this.#space, stripeAt)
    if (extent > 0) this.#growth.addExtent(stripeAt, lines, extent)
    else this.#chain.addSpareLines(stripeAt, lines, 1)
    this.#growth.start(stripeAt)
    this.#space.lines.placed()
    this.#space.locks.release(stripeAt + STRIPE.lock)
    return true
  }

  #promiseLine(stripeAt: number, stripe: number): boolean {
    if (!this.#hasSpares(stripeAt, this.#promised[stripe]! + 1)) {
      this.#desk.enterPatiently()
      const done = this.#bring(stripeAt, 0)
      this.#desk.leave()
      if (!done) return false
    }
    this.#promised[stripe]!++
    return true
  }

  /** The counter of the bucket of `hash`; some buckets share one, which then says too much. */
  #counterOf(stripeAt: number, hash: number): number {
    return (
      Math.imul(this.#chain.buckets.lineFor(stripeAt, hash) >>> LINE_SHIFT, GOLDEN) >>> (32 - COUNTER_BITS)
    )
  }

  #emptySlots(stripeAt: number, hash: number): number {
    let empty = 0
    for (let line = this.#chain.buckets.lineFor(stripeAt, hash); line !== 0; ) {
      const { words } = this.#segments[line >>> GRANULE_BITS]!
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS)
        if (words[slot + 1] === 0) empty++
      line = words[at + LINE_LINK]!
    }
    return empty
  }

  #hasSpares(stripeAt: number, wanted: number): boolean {
    let line = this.#words[stripeAt + STRIPE.freeLines]!
    for (let left = wanted; left > 0; left--) {
      if (line === 0) return false
      line = this.#segments[line >>> GRANULE_BITS]!.words[((line & GRANULE_MASK) << 2) + LINE_LINK]!
    }
    return true
  }

  #numberOf(stripeAt: number): number {
    return (stripeAt - this.#space.shape.stripesAt) / STRIPE_WORDS
  }
}
