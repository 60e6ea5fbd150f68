/**
 * All entries of all stripes, for a transaction that empties the table: found, made busy, and emptied at once. Needs
 * every stripe locked. The one section of the table that is as long as the table is large.
 */
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import type { Buckets } from './buckets.js'
import { FIRST_SLOT, LINE_LINK, SLOT_WORDS, SLOTS_PER_LINE, STRIPE } from './layout.js'
import type { Space } from './space.js'
import { INTENT, type TouchedKey } from './touched-key.js'

const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS

interface Found {
  readonly words: Int32Array
  readonly at: number
  readonly stripeAt: number
}

export class StripeSweep {
  readonly #buckets: Buckets
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  #found: Found[] = []

  constructor(space: Space, buckets: Buckets) {
    this.#buckets = buckets
    this.#words = space.words
    this.#segments = space.region.segments
  }

  /** Finds every entry but those that the transaction puts or removes itself. */
  collect(order: readonly TouchedKey[]): void {
    const own = new Set<Reference>()
    for (const { intent, isPlaced, chunk, old } of order)
      if (intent !== INTENT.NONE) own.add(isPlaced ? chunk : old)
    this.#found = []
    for (let number = 0; number < this.#buckets.stripes; number++) {
      const stripeAt = this.#buckets.stripeNumber(number)
      const buckets = this.#words[stripeAt + STRIPE.buckets]!
      for (let index = 0; index < buckets; index++)
        this.#collectChain(stripeAt, this.#buckets.line(stripeAt, index), own)
    }
  }

  #collectChain(stripeAt: number, first: Reference, own: ReadonlySet<Reference>): void {
    for (let line = first; line !== 0; ) {
      const { words } = this.#segments[line >>> GRANULE_BITS]!
      const lineAt = (line & GRANULE_MASK) << 2
      for (let at = lineAt + FIRST_SLOT; at < lineAt + SLOTS_END; at += SLOT_WORDS) {
        if (words[at + 1] !== 0 && !own.has(words[at + 1]!)) this.#found.push({ words, at, stripeAt })
      }
      line = words[lineAt + LINE_LINK]!
    }
  }

  makeBusy(): void {
    for (const { words, at } of this.#found) words[at + 2] = 0
  }

  /** Empties the slots by `emptySlot`; their chunks go to `loose`. */
  empty(emptySlot: (words: Int32Array, at: number, stripeAt: number) => void, loose: Reference[]): void {
    for (const { words, at, stripeAt } of this.#found) {
      loose.push(words[at + 1]!)
      emptySlot(words, at, stripeAt)
    }
    this.#found = []
  }
}
