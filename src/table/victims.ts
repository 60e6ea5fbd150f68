/**
 * Who goes next, found without removing anybody: for a table whose one writer logs a removal before it happens.
 *
 * `unused` is the clock of eviction.ts (a bit a slot, set by readers, cleared by the hand; what has expired goes first),
 * but gives chunks of the wanted class in one batch. `expired` looks through the next part of the table for what nobody asks for
 * any more. What they give are references of published chunks; nothing may be published or removed before they are used.
 *
 * Reads without locks: the calling thread is the only one that changes buckets and chunks. The hands are its own, and go
 * with it. Not for tables with several writers.
 */
import { HEADER } from '../memory/header.js'
import { kindPages, pageOf, SPAN_LARGE } from '../memory/page-descriptor.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Buckets } from './buckets.js'
import {
  CLOCK_BIT,
  FIRST_SLOT,
  FLAG_EXPIRY,
  LINE_LINK,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
} from './layout.js'
import type { Space } from './space.js'

const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
/** Slots that a search for one victim passes at most, on the average. */
const SLOTS_PER_VICTIM = 512

/** A place in the round over all buckets. */
interface Hand {
  stripe: number
  bucket: number
}

export class Victims {
  readonly #space: Space
  readonly #buckets: Buckets
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #evictionHand: Hand = { stripe: 0, bucket: 0 }
  readonly #expiryHand: Hand = { stripe: 0, bucket: 0 }

  constructor(space: Space) {
    this.#space = space
    this.#buckets = new Buckets(space)
    this.#words = space.words
    this.#segments = space.region.segments
  }

  /** Up to `count` entries, each once, that were not used lately and whose chunks serve for `bytes`, and expired ones met on the way. */
  unused(bytes: number, count: number, nowMs: number): Reference[] {
    const found = new Set<Reference>()
    const { slab } = this.#space
    const wanted = slab.classFor(bytes)
    const leastPages = slab.pagesFor(bytes)
    let slots = SLOTS_PER_VICTIM * count
    let fitting = 0
    this.#round(this.#evictionHand, (words, slot) => {
      slots--
      const reference = words[slot + 1]!
      if (this.#expiryOf(reference) <= nowMs) found.add(reference)
      else if (words[slot]! < 0) Atomics.and(words, slot, ~CLOCK_BIT)
      else if (this.#fits(reference, wanted, leastPages)) {
        found.add(reference)
        fitting++
      }
      return fitting < count && slots > 0
    })
    return [...found]
  }

  /** Up to `most` expired entries, each once, among the next `lines` bucket lines. */
  expired(nowMs: number, lines: number, most: number): Reference[] {
    const found = new Set<Reference>()
    if (this.#words[HEADER.hasExpiries] === 0) return []
    let left = lines * SLOTS_PER_LINE
    this.#round(this.#expiryHand, (words, slot) => {
      left--
      const reference = words[slot + 1]!
      if (this.#expiryOf(reference) <= nowMs) found.add(reference)
      return found.size < most && left > 0
    })
    return [...found]
  }

  /**
   * Shows entries to `visit` from the hand on, bucket by bucket, until it has had enough or all were shown twice. The hand
   * stays at the bucket it has come to, so some may be shown again.
   */
  #round(hand: Hand, visit: (words: Int32Array, slot: number) => boolean): void {
    const { stripes } = this.#buckets
    for (let passed = 0; passed <= 2 * stripes; passed++) {
      const stripeAt = this.#buckets.stripeNumber(hand.stripe)
      const buckets = this.#words[stripeAt + STRIPE.count] === 0 ? 0 : this.#words[stripeAt + STRIPE.buckets]!
      for (; hand.bucket < buckets; hand.bucket++) {
        if (!this.#visitChain(this.#buckets.line(stripeAt, hand.bucket), visit)) {
          hand.bucket++
          return
        }
      }
      hand.stripe = hand.stripe + 1 < stripes ? hand.stripe + 1 : 0
      hand.bucket = 0
    }
  }

  /** False once `visit` has had enough; the chain is shown to its end all the same. */
  #visitChain(first: Reference, visit: (words: Int32Array, slot: number) => boolean): boolean {
    let goesOn = true
    for (let line = first; line !== 0; ) {
      const { words } = this.#segments[line >>> GRANULE_BITS]!
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS)
        if (words[slot + 1] !== 0 && !visit(words, slot)) goesOn = false
      line = words[at + LINE_LINK]!
    }
    return goesOn
  }

  #fits(reference: Reference, wanted: number, leastPages: number): boolean {
    const { slab, pages } = this.#space
    const index = slab.spans.classOf(reference)
    if (index === SPAN_LARGE) return kindPages(pages.kindOf(pageOf(reference))) >= leastPages
    return index === wanted
  }

  #expiryOf(reference: Reference): number {
    const { words, floats } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return (words[at]! & FLAG_EXPIRY) === 0 ? Number.POSITIVE_INFINITY : floats[(at + 2) >>> 1]!
  }
}
