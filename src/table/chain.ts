/**
 * One bucket's chain, under its stripe's lock: find a key, change a slot, link a line. The only code that stores into
 * slots, but for growth.
 *
 * Orders of stores, which readers and repair rely on:
 *   insert    hash, reference, stamp
 *   replace   stamp 0, reference, new stamp
 *   delete    stamp 0, reference 0
 *   in place  stamp 0, one aligned store into the chunk, new stamp
 * The stripe's stamp counter is stored before the stamp it gives. On x86-64 stores become visible in program order;
 * V8 keeps the order of typed-array accesses as written.
 *
 * The cursor fields say what the last `find` met; they are valid while the lock is held.
 */
import { assert } from '../base/assert.js'
import { HEADER } from '../memory/header.js'
import { PARTICIPANT } from '../memory/participant.js'
import {
  GRANULE_BITS as IMPORTED_GRANULE_BITS,
  GRANULE_MASK as IMPORTED_GRANULE_MASK,
  type Reference,
  type Segment,
} from '../memory/region.js'
import { Buckets } from './buckets.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  CLOCK_BIT,
  FIRST_SLOT as IMPORTED_FIRST_SLOT,
  KEY_LENGTH_MASK as IMPORTED_KEY_LENGTH_MASK,
  LINE_LINK as IMPORTED_LINE_LINK,
  MAX_CHAIN_LINES as IMPORTED_MAX_CHAIN_LINES,
  SLOT_WORDS as IMPORTED_SLOT_WORDS,
  keyOffset,
  keyWords,
  SLOTS_PER_LINE,
  STRIPE,
} from './layout.js'
import type { Space } from './space.js'

// Local copies: an imported constant is loaded and checked at every use (measured: 3 to 6 % of a get's instructions).
const FIRST_SLOT = IMPORTED_FIRST_SLOT
const KEY_LENGTH_MASK = IMPORTED_KEY_LENGTH_MASK
const LINE_LINK = IMPORTED_LINE_LINK
const MAX_CHAIN_LINES = IMPORTED_MAX_CHAIN_LINES
const SLOT_WORDS = IMPORTED_SLOT_WORDS
const GRANULE_BITS = IMPORTED_GRANULE_BITS
const GRANULE_MASK = IMPORTED_GRANULE_MASK

const { stamps: STAMPS, count: COUNT, freeLines: FREE_LINES } = STRIPE
const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
/** Words of a cache line. */
const LINE_WORDS = 16
const HASH_MASK = 0x7fffffff

export class Chain {
  readonly buckets: Buckets
  /** The slot that `find` found: its segment's words and its word index. */
  slotWords: Int32Array
  slotAt = 0
  /** The chunk of that slot. */
  reference: Reference = 0
  /** The first empty slot met on the way, if any (`emptyAt` 0: none), and the last line of the chain. */
  #emptyWords: Int32Array
  #emptyAt = 0
  #lastWords: Int32Array
  #lastAt = 0
  /** Where a load goes that is made for the cache alone. */
  seen = 0
  readonly #segments: readonly Segment[]
  readonly #words: Int32Array
  /** Whether the region counts its entries. */
  readonly #isLimited: boolean
  readonly #me: number

  constructor(space: Space) {
    this.buckets = new Buckets(space)
    this.#segments = space.region.segments
    this.#words = space.words
    this.#isLimited = space.facts.maxEntries !== 0
    this.#me = space.registry.at
    this.slotWords = this.#words
    this.#emptyWords = this.#words
    this.#lastWords = this.#words
  }

  /** Finds the slot of `key`. Needs the stripe's lock. */
  find(stripeAt: number, key: KeyBuffer): boolean {
    const segments = this.#segments
    const hash = key.hash
    this.#emptyAt = 0
    let line = this.buckets.lineFor(stripeAt, hash)
    assert(line !== 0, 'a stripe in use has buckets')
    for (let lines = 0; line !== 0; lines++) {
      if (lines === MAX_CHAIN_LINES) assert(false, 'a chain ends')
      const words = segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        const reference = words[slot + 1]!
        if (reference === 0) {
          if (this.#emptyAt === 0) {
            this.#emptyWords = words
            this.#emptyAt = slot
          }
        } else if ((words[slot]! ^ hash) << 1 === 0 && this.#hasKey(reference, key)) {
          this.slotWords = words
          this.slotAt = slot
          this.reference = reference
          return true
        }
      }
      this.#lastWords = words
      this.#lastAt = at
      line = words[at + LINE_LINK]!
    }
    return false
  }

  /** Finds the slot that leads to `reference` in the chain of `hash`. Needs the stripe's lock. */
  findChunk(stripeAt: number, hash: number, reference: Reference): boolean {
    for (let line = this.buckets.lineFor(stripeAt, hash); line !== 0; ) {
      const words = this.#segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (words[slot + 1] !== reference) continue
        this.slotWords = words
        this.slotAt = slot
        this.reference = reference
        return true
      }
      line = words[at + LINE_LINK]!
    }
    return false
  }

  /** Finds any entry of the chain that starts at `line`. */
  findAny(first: Reference): boolean {
    for (let line = first; line !== 0; ) {
      const words = this.#segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (words[slot + 1] === 0) continue
        this.slotWords = words
        this.slotAt = slot
        this.reference = words[slot + 1]!
        return true
      }
      line = words[at + LINE_LINK]!
    }
    return false
  }

  /** Entries in the chain that starts at `line`. */
  countEntries(first: Reference): number {
    let entries = 0
    for (let line = first; line !== 0; ) {
      const words = this.#segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS)
        if (words[slot + 1] !== 0) entries++
      line = words[at + LINE_LINK]!
    }
    return entries
  }

  /** The stamp of the found slot. */
  get stamp(): number {
    return this.slotWords[this.slotAt + 2]!
  }

  /** Whether `insert` needs a line that the stripe does not have. */
  needsLine(stripeAt: number): boolean {
    return this.#emptyAt === 0 && this.#words[stripeAt + FREE_LINES] === 0
  }

  /** After a `find` that found nothing: puts the chunk into the chain. */
  insert(stripeAt: number, hash: number, reference: Reference): void {
    if (this.#emptyAt === 0) this.#linkLine(stripeAt)
    const words = this.#emptyWords
    const slot = this.#emptyAt
    // Counted before it can be seen: writers take a count of 0 as proof that a key is absent.
    this.#words[stripeAt + COUNT]!++
    words[slot] = hash & HASH_MASK
    words[slot + 1] = reference
    words[slot + 2] = this.nextStamp(stripeAt)
    this.slotWords = words
    this.slotAt = slot
  }

  /** As `insert`, but the entry stays busy: whoever places several publishes them together. */
  place(stripeAt: number, hash: number, reference: number): void {
    if (this.#emptyAt === 0) this.#linkLine(stripeAt)
    this.slotWords = this.#emptyWords
    this.slotAt = this.#emptyAt
    this.#words[stripeAt + COUNT]!++
    this.slotWords[this.slotAt + 2] = 0
    this.slotWords[this.slotAt] = hash & HASH_MASK
    this.slotWords[this.slotAt + 1] = reference
  }

  /** Gives the found slot another chunk. */
  replace(stripeAt: number, reference: Reference): void {
    const words = this.slotWords
    const slot = this.slotAt
    words[slot + 2] = 0
    words[slot + 1] = reference
    words[slot + 2] = this.nextStamp(stripeAt)
  }

  /** For the clock's hand: the found entry was used. */
  markUsed(): void {
    if (this.slotWords[this.slotAt]! >= 0) Atomics.or(this.slotWords, this.slotAt, CLOCK_BIT)
  }

  /** Empties the found slot. */
  remove(stripeAt: number): void {
    this.slotWords[this.slotAt + 2] = 0
    this.slotWords[this.slotAt + 1] = 0
    this.#words[stripeAt + COUNT]!--
    if (this.#isLimited) Atomics.sub(this.#words, HEADER.entries, 1)
  }

  /** Opens the found entry for a change in place: readers look again until `publish`. */
  makeBusy(): void {
    Atomics.store(this.slotWords, this.slotAt + 2, 0)
  }

  publish(stripeAt: number): void {
    this.slotWords[this.slotAt + 2] = this.nextStamp(stripeAt)
  }

  /** Gives the stripe lines that were in hand, as spares. */
  addSpareLines(stripeAt: number, first: Reference, count: number): void {
    for (let i = 0; i < count; i++) {
      const line = first + i * 4
      this.#segments[line >>> GRANULE_BITS]!.words[(line & GRANULE_MASK) << 2] =
        this.#words[stripeAt + FREE_LINES]!
      this.#words[stripeAt + FREE_LINES] = line
    }
  }

  nextStamp(stripeAt: number): number {
    // 0 means busy, so the counter skips it when it wraps.
    const stamp = (this.#words[stripeAt + STAMPS]! + 1) | 0 || this.#firstStampAnew()
    this.#words[stripeAt + STAMPS] = stamp
    return stamp
  }

  /** Makes `stamp` the next one that the stripe gives; it must not be behind the one that would be. */
  aimStamp(stripeAt: number, stamp: number): void {
    // Before the first stamp of the next round comes 0, which the counter skips, and counts.
    const isNewRound = stamp === 1 && this.#words[stripeAt + STAMPS]! < 0
    this.#words[stripeAt + STAMPS] = isNewRound ? -1 : (stamp - 1) | 0
  }

  #firstStampAnew(): number {
    Atomics.add(this.#words, HEADER.stampWraps, 1)
    return 1
  }

  /** Takes a spare line of the stripe into the hand: it is in no list until `placed`. */
  takeSpareLine(stripeAt: number): Reference {
    const line = this.#words[stripeAt + FREE_LINES]!
    assert(line !== 0, 'a line is at hand before it is needed')
    this.#nameLine(stripeAt, line)
    const words = this.#segments[line >>> GRANULE_BITS]!.words
    const at = (line & GRANULE_MASK) << 2
    this.#words[stripeAt + FREE_LINES] = words[at + LINE_LINK]!
    words[at + LINE_LINK] = 0
    return line
  }

  /** Takes the line behind `previousAt` out of its chain and makes it a spare of the stripe. It must be empty. */
  unlinkLine(stripeAt: number, previousWords: Int32Array, previousAt: number): void {
    const line = previousWords[previousAt + LINE_LINK]!
    this.#nameLine(stripeAt, line)
    const words = this.#segments[line >>> GRANULE_BITS]!.words
    previousWords[previousAt + LINE_LINK] = words[((line & GRANULE_MASK) << 2) + LINE_LINK]!
    // A reader that stands on the line is about to be led astray: it must find the version changed.
    Atomics.add(this.#words, stripeAt + STRIPE.version, 1)
    this.addSpareLines(stripeAt, line, 1)
    this.placed()
  }

  /** The line in hand is in a list again. */
  placed(): void {
    this.#words[this.#me + PARTICIPANT.spareInHand] = 0
  }

  #nameLine(stripeAt: number, line: Reference): void {
    this.#words[this.#me + PARTICIPANT.spareStripe] = stripeAt
    this.#words[this.#me + PARTICIPANT.spareInHand] = line
  }

  #linkLine(stripeAt: number): void {
    const line = this.takeSpareLine(stripeAt)
    this.#lastWords[this.#lastAt + LINE_LINK] = line
    this.placed()
    this.#emptyWords = this.#segments[line >>> GRANULE_BITS]!.words
    this.#emptyAt = ((line & GRANULE_MASK) << 2) + FIRST_SLOT
  }

  #hasKey(reference: Reference, key: KeyBuffer): boolean {
    const words = this.#segments[reference >>> GRANULE_BITS]!.words
    const at = (reference & GRANULE_MASK) << 2
    const valueWord = words[at]!
    // The chunk that is replaced is the next one to be filled: its second line comes along with the first, so that the
    // stores into it do not hold up the next lock (measured: 5 % of a replace in a table of a million keys).
    this.seen = words[at + LINE_WORDS]! | 0
    if ((words[at + 1]! & KEY_LENGTH_MASK) !== key.byteLength) return false
    const keyAt = at + keyOffset(valueWord)
    const length = keyWords(key.byteLength)
    const keyBuffer = key.words
    for (let i = 0; i < length; i++) if (words[keyAt + i] !== keyBuffer[i]) return false
    return true
  }
}
