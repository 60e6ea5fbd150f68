/**
 * Eviction by CLOCK (Corbato 1968): the entries of a stripe in the order of its buckets, a hand that goes round, one bit
 * of each slot's hash word. A reader sets the bit, the hand clears it, and what is still clear when the hand comes by
 * again goes. New entries come with the bit clear, so a scan over many keys pushes out itself first. What has expired
 * goes first wherever the hand meets it.
 *
 * `evictLike` frees a chunk of the class that is wanted, straight into the own magazine: under sustained eviction a
 * put costs one more short section, and no magazine of others is gathered. Where that class is rare, whole pages are
 * emptied instead (page-eviction.ts): if the hand has passed too many others in one search, or over many searches too
 * many bytes of others that were due to go. So a class gets memory in proportion to what is asked of it.
 *
 * The hand is a word of the stripe under its lock (bucket number, and place within the chain); which stripe comes next
 * is each thread's own affair: all begin elsewhere and go a sixteenth of a stripe's buckets at a time, so that stripes
 * lose entries in proportion to what they hold.
 *
 * Order of stores: a delete (slot busy, slot empty, chunk free) whose chunk is named by a `detached` word, so a death is
 * settled as that of a delete. One stripe lock at a time, only tried, but where all that is left is held by others. Needs the own desk.
 */
import { kindPages, pageOf, SPAN_LARGE } from '../memory/page-descriptor.js'
import { COUNTERS, MAX_DETACHED, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference } from '../memory/region.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import { Chain } from './chain.js'
import {
  CLOCK_BIT,
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
/** A visit goes over one part in so many of a stripe's buckets. */
const PARTS = 16
/** Low bits of the hand: how many slots of its bucket it has passed. */
const PLACE_BITS = 6
const MAX_PLACE = (1 << PLACE_BITS) - 1
/** Entries of other classes that a search may pass before it gives up: below that density, pages are emptied. */
const MAX_MISFITS = 128
/**
 * Bytes of unused others that may be passed for each byte that fits before it counts as a debt, and the debt, in spans
 * of the class, that is paid with pages.
 */
const OTHERS_PER_BYTE = 2
const MAX_DEBT_SPANS = 32
/** Bits that one search may clear before it takes the next entry that fits, used or not. */
const MAX_SECOND_CHANCES = 512
/** Any class will do: a limit is on the number of entries. */
const ANY_CLASS = -1

export class Eviction {
  readonly #space: Space
  readonly #clock: RegionClock
  readonly #chain: Chain
  readonly #words: Int32Array
  readonly #me: number
  /** Number of the stripe that is visited, and buckets left in this visit. */
  #stripe: number
  #left = 0
  #wanted = ANY_CLASS
  #leastPages = 0
  #misfits = 0
  #chances = 0
  /** Bytes of unused others passed, less what is fair. */
  #debt = 0
  #detached = 0

  constructor(space: Space, clock: RegionClock) {
    this.#space = space
    this.#clock = clock
    this.#chain = new Chain(space)
    this.#words = space.words
    this.#me = space.registry.at
    // Spread evenly over the stripes, whatever their number (golden ratio).
    this.#stripe = Math.imul(space.registry.tag, 0x9e3779b1) & (space.shape.stripes - 1)
  }

  /** Evicts an entry whose chunk, or pages, serve for `bytes`; false if there is none near the hand. */
  evictLike(bytes: number): boolean {
    this.#wanted = this.#space.slab.classFor(bytes)
    this.#leastPages = this.#space.slab.pagesFor(bytes)
    const { slab } = this.#space
    this.#debt = Math.max(0, this.#debt - OTHERS_PER_BYTE * bytes)
    if (this.#debt > MAX_DEBT_SPANS * slab.pagesFor(bytes) * PAGE_BYTES) {
      this.#debt = 0
      return false
    }
    return this.#search()
  }

  /** Evicts an entry of any size; false if there is none. Throws TIMEOUT if somebody who has stopped holds the rest. */
  evictAny(): boolean {
    this.#wanted = ANY_CLASS
    if (this.#search()) return true
    this.#awaitHeld()
    return this.#search()
  }

  /** Waits until whoever holds a stripe now has gone on. */
  #awaitHeld(): void {
    const { buckets } = this.#chain
    for (let index = 0; index < buckets.stripes; index++) {
      const lockAt = buckets.stripeNumber(index) + STRIPE.lock
      if (Atomics.load(this.#words, lockAt) === 0) continue
      this.#words[this.#me + PARTICIPANT.holding] = lockAt
      this.#space.locks.acquire(lockAt)
      this.#space.locks.release(lockAt)
    }
  }

  #search(): boolean {
    const { buckets } = this.#chain
    // An earlier search may have been thrown out: what it had detached has been settled since.
    this.#detached = 0
    this.#misfits = MAX_MISFITS
    this.#chances = MAX_SECOND_CHANCES
    // Two revolutions: the second meets what the first has cleared.
    for (let visits = 2 * (PARTS + 1) * buckets.stripes; visits > 0 && this.#misfits > 0; visits--) {
      const stripeAt = buckets.stripeNumber(this.#stripe)
      if (this.#words[stripeAt + STRIPE.count] !== 0 && this.#tryLock(stripeAt)) {
        const found = this.#visit(stripeAt)
        this.#space.locks.release(stripeAt + STRIPE.lock)
        this.#freeDetached()
        if (found) return true
      }
      this.#stripe = this.#stripe + 1 < buckets.stripes ? this.#stripe + 1 : 0
      this.#left = 0
    }
    return false
  }

  #tryLock(stripeAt: number): boolean {
    this.#words[this.#me + PARTICIPANT.holding] = stripeAt + STRIPE.lock
    return this.#space.locks.tryAcquire(stripeAt + STRIPE.lock)
  }

  /** Moves the stripe's hand to the end of this visit or past the first entry that goes; whether one did that fits. */
  #visit(stripeAt: number): boolean {
    const words = this.#words
    const handAt = this.#space.shape.stripeHandsAt + this.#stripe
    const buckets = words[stripeAt + STRIPE.buckets]!
    if (this.#left === 0) this.#left = Math.ceil(buckets / PARTS)
    let bucket = words[handAt]! >>> PLACE_BITS
    let place = words[handAt]! & MAX_PLACE
    let found = false
    while (!found && this.#left > 0 && this.#misfits > 0) {
      if (bucket >= buckets) bucket = place = 0
      place = this.#visitBucket(stripeAt, bucket, place)
      found = place !== 0
      if (found) break
      bucket++
      this.#left--
    }
    words[handAt] = (bucket << PLACE_BITS) | Math.min(place, MAX_PLACE)
    return found
  }

  /** Goes over a chain from its slot number `place` on; returns the number behind the entry that went, 0 at the end. */
  #visitBucket(stripeAt: number, bucket: number, place: number): number {
    let number = 0
    for (let line = this.#chain.buckets.line(stripeAt, bucket); line !== 0; ) {
      const { words } = this.#space.region.segments[line >>> GRANULE_BITS]!
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (number++ < place || words[slot + 1] === 0) continue
        if (this.#visitSlot(stripeAt, words, slot)) return number
      }
      line = words[at + LINE_LINK]!
    }
    return 0
  }

  /** Whether the entry went and fits. */
  #visitSlot(stripeAt: number, words: Int32Array, slot: number): boolean {
    const reference = words[slot + 1]!
    const fits = this.#fits(reference)
    const expired = this.#hasExpired(reference)
    if (!fits) this.#misfits--
    if (!expired) {
      if (words[slot]! < 0 && this.#chances > 0) {
        this.#chances--
        Atomics.and(words, slot, ~CLOCK_BIT)
        return false
      }
      if (!fits) {
        this.#debt += this.#bytesOf(reference)
        return false
      }
    }
    if (this.#detached === MAX_DETACHED) return false
    this.#words[this.#me + PARTICIPANT.detached + this.#detached++] = reference
    this.#chain.slotWords = words
    this.#chain.slotAt = slot
    this.#chain.remove(stripeAt)
    this.#space.count(expired ? COUNTERS.expirations : COUNTERS.evictions)
    return fits
  }

  #fits(reference: Reference): boolean {
    if (this.#wanted === ANY_CLASS) return true
    const { slab, pages } = this.#space
    const index = slab.spans.classOf(reference)
    // A large value gives whole pages, which serve every class.
    if (index === SPAN_LARGE) return kindPages(pages.kindOf(pageOf(reference))) >= this.#leastPages
    return index === this.#wanted
  }

  #bytesOf(reference: Reference): number {
    const { words } = this.#space.region.segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return chunkBytes(words[at]!, words[at + 1]!)
  }

  #hasExpired(reference: Reference): boolean {
    const { words, floats } = this.#space.region.segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return (words[at]! & FLAG_EXPIRY) !== 0 && this.#clock.hasPassed(floats[(at + 2) >>> 1]!)
  }

  #freeDetached(): void {
    for (; this.#detached > 0; this.#detached--) {
      const word = PARTICIPANT.detached + this.#detached - 1
      const reference = this.#words[this.#me + word]!
      this.#space.slab.free(word, this.#bytesOf(reference))
    }
  }
}
