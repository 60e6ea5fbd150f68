/**
 * Writing in two steps, for a table with one writer: a change is prepared now and published later, and between the two
 * nobody sees it. Whatever can fail comes first: the chunk is filled, the bucket line that its slot may need lies in
 * its stripe. So what a log has accepted can always be published.
 *
 * **A staged chunk exists once it is published**; until then it is in no slot, magazine or list, and only the caller
 * knows it (`check()` calls it lost). If the one writer dies, its table goes with it, so nobody settles them.
 *
 * Lines: an insert takes at most one spare line of its stripe. It needs none promised if its chain has more empty slots
 * than staged inserts; else one is promised, and a stripe has at least as many spares as it has promised. Growth would take them, so a stripe grows when nothing is staged in it any more (`settle`).
 *
 * Needs no check of what was read before: nobody else writes. Readers see the stores of chain.ts, in their order, under
 * the stripe's lock. Not for tables with several writers.
 */
import { assert } from '../base/assert.js'
import { isOperationError } from '../base/errors.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { LINE_SHIFT } from '../memory/lines.js'
import { SPAN_LARGE, SPAN_LINES } from '../memory/pages.js'
import { COUNTERS, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Chain } from './chain.js'
import { fillChunk } from './chunk.js'
import type { Desk } from './desk.js'
import { Growth } from './growth.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  chunkBytes,
  FIRST_SLOT,
  FLAG_ASCII,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  keyOffset,
  keyWords,
  LINE_LINK,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
  STRIPE_WORDS,
  VALUE_LENGTH_MASK,
} from './layout.js'
import { type MayGo, PageEviction } from './page-eviction.js'
import { POSITIONS, positionOf } from './positions.js'
import type { Space } from './space.js'
import type { ValueBuffer } from './value-buffer.js'
import { NO_EXPIRY } from './writer.js'

/** What `reserve` gives: no memory, or whether a line has been promised. */
export const NO_ROOM = -1
export const ROOM = 0
export const ROOM_BY_LINE = 1
export type Room = typeof NO_ROOM | typeof ROOM | typeof ROOM_BY_LINE

const SCRATCH_BYTES = 64 * 1024
const COUNTER_BITS = 13
/** Buckets that are split in one go, at least. */
const SPLITS_AHEAD = 8
/** 2^32 divided by the golden ratio: spreads neighbours (Knuth). */
const GOLDEN = 0x9e3779b1
const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS

export class Staging {
  readonly #space: Space
  readonly #desk: Desk
  readonly #chain: Chain
  readonly #growth: Growth
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #me: number
  readonly #evicts: boolean
  /** The stamp of what `find` has found, or of what `stage` has staged once it is published; until the next call. */
  stamp = 0
  /** By stripe number: staged chunks, those for inserts, and lines promised to them. */
  readonly #chunks: Int32Array
  readonly #inserts: Int32Array
  readonly #promised: Int32Array
  /** Staged inserts by bucket. */
  readonly #byBucket = new Int32Array(2 ** COUNTER_BITS)
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES)

  constructor(space: Space, desk: Desk) {
    assert(space.facts.maxEntries === 0, 'a sequenced table is limited by memory alone')
    this.#space = space
    this.#desk = desk
    this.#chain = new Chain(space)
    this.#growth = new Growth(space, this.#chain)
    this.#words = space.words
    this.#segments = space.region.segments
    this.#me = space.registry.at
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
    this.#chunks = new Int32Array(space.shape.stripes)
    this.#inserts = new Int32Array(space.shape.stripes)
    this.#promised = new Int32Array(space.shape.stripes)
  }

  /** The published chunk of `key`; 0 if there is none. */
  find(key: KeyBuffer): Reference {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] === 0) return 0
    if (!this.#chain.find(stripeAt, key)) return 0
    if (this.#evicts) this.#chain.markUsed()
    this.stamp = this.#chain.stamp
    return this.#chain.reference
  }

  /** Fills a chunk; 0 if there is no memory for it. `isUrgent`: also what lies in the magazines of others will do. */
  stage(key: KeyBuffer, value: ValueBuffer, expiresAtMs: number, isUrgent: boolean): Reference {
    const flags = (value.ascii ? FLAG_ASCII : 0) | (expiresAtMs === NO_EXPIRY ? 0 : FLAG_EXPIRY)
    const valueWord = value.byteLength | flags
    const bytes = chunkBytes(valueWord, key.byteLength)
    const { slab } = this.#space
    this.#desk.enter()
    let reference = slab.allocate(bytes)
    if (reference === 0 && isUrgent) {
      this.#desk.gather()
      reference = slab.allocate(bytes)
    }
    if (reference !== 0) {
      if ((flags & FLAG_EXPIRY) !== 0 && this.#words[HEADER.hasExpiries] === 0)
        this.#words[HEADER.hasExpiries] = 1
      const segment = this.#segments[reference >>> GRANULE_BITS]!
      fillChunk(segment, (reference & GRANULE_MASK) << 2, key, value, valueWord, expiresAtMs)
      this.#words[this.#me + PARTICIPANT.chunkInHand] = 0
      this.stamp = this.#comingStamp(key.hash)
    }
    this.#desk.leave()
    return reference
  }

  /** The stamp that the next chunk staged in the stripe of `hash` will be published under; stamps are given in order. */
  #comingStamp(hash: number): number {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    const stripe = this.#numberOf(stripeAt)
    const ahead = this.#chunks[stripe]! + 1
    this.#chunks[stripe] = ahead
    const last = this.#words[stripeAt + STRIPE.stamps]!
    const stamp = (last + ahead) | 0
    // 0 is no stamp, and skipped.
    return last < 0 && stamp >= 0 ? stamp + 1 : stamp
  }

  /** Makes room for an insert under `hash`, right after `find` has not found its key or it is about to go. */
  reserve(key: KeyBuffer): Room {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    const stripe = this.#numberOf(stripeAt)
    if (this.#words[stripeAt + STRIPE.buckets] === 0 && !this.#bringExtent(stripeAt)) return NO_ROOM
    const bucket = this.#counterOf(stripeAt, key.hash)
    const needsLine = this.#emptySlots(stripeAt, key.hash) <= this.#byBucket[bucket]!
    if (needsLine && !this.#promiseLine(stripeAt, stripe)) return NO_ROOM
    this.#inserts[stripe]!++
    this.#byBucket[bucket]!++
    return needsLine ? ROOM_BY_LINE : ROOM
  }

  /** The insert that `reserve` made room for has been published, or will not be. */
  unreserve(hash: number, room: Room): void {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    const stripe = this.#numberOf(stripeAt)
    this.#inserts[stripe]!--
    // A stripe does not grow meanwhile: the hash belongs to the same bucket.
    this.#byBucket[this.#counterOf(stripeAt, hash)]!--
    if (room === ROOM_BY_LINE) this.#promised[stripe]!--
    assert(this.#inserts[stripe]! >= 0 && this.#promised[stripe]! >= 0, 'what is given back was reserved')
  }

  /** Gives a chunk back that was staged under `hash`; those staged later have been given back before. */
  discard(hash: number, reference: Reference): void {
    this.#chunks[this.#numberOf(this.#chain.buckets.stripeAt(hash))]!--
    this.free(reference)
  }

  /**
   * Publishes a staged chunk under `key` and the `stamp` it was staged with, in the order of staging. What it replaces is
   * free afterwards.
   */
  publish(key: KeyBuffer, reference: Reference, stamp: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    this.#desk.enter()
    this.#lock(stripeAt)
    this.#chain.aimStamp(stripeAt, stamp)
    let old: Reference = 0
    if (this.#chain.find(stripeAt, key)) {
      old = this.#chain.reference
      this.#words[this.#me + PARTICIPANT.detached] = old
      this.#chain.replace(stripeAt, reference)
      if (this.#evicts) this.#chain.markUsed()
    } else {
      this.#chain.insert(stripeAt, key.hash, reference)
    }
    this.#space.locks.release(stripeAt + STRIPE.lock)
    this.#chunks[this.#numberOf(stripeAt)]!--
    this.#space.count(COUNTERS.sets)
    this.#leaveFreeing(old)
  }

  /**
   * The chunk staged under `hash` with `stamp` has been published by somebody else, or never will be: what was staged
   * after it keeps its own stamp.
   */
  spend(hash: number, stamp: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    if (((stamp - this.#words[stripeAt + STRIPE.stamps]!) | 0) > 0)
      this.#words[stripeAt + STRIPE.stamps] = stamp
    this.#chunks[this.#numberOf(stripeAt)]!--
  }

  /** Frees a chunk that is in no slot, and whose stamp is spent. */
  free(reference: Reference): void {
    this.#desk.enter()
    this.#words[this.#me + PARTICIPANT.detached] = reference
    this.#leaveFreeing(reference)
  }

  /** Removes the entry of `key`, if there is one, and counts it (see COUNTERS). */
  remove(key: KeyBuffer, counter: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] === 0) return
    this.#desk.enter()
    this.#lock(stripeAt)
    let old: Reference = 0
    if (this.#chain.find(stripeAt, key)) {
      old = this.#chain.reference
      this.#words[this.#me + PARTICIPANT.detached] = old
      this.#chain.remove(stripeAt)
      this.#space.count(counter)
    }
    this.#space.locks.release(stripeAt + STRIPE.lock)
    this.#leaveFreeing(old)
  }

  /** Splits buckets of the stripe of `hash` as far as its entries ask for it and memory allows. */
  settle(hash: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(hash)
    if (!this.#growth.isDue(stripeAt) || this.#inserts[this.#numberOf(stripeAt)] !== 0) return
    this.#desk.enter()
    // Some more than are due: neighbours come into the cache together.
    let ahead = SPLITS_AHEAD
    while ((this.#growth.isDue(stripeAt) || ahead-- > 0) && this.#split(stripeAt)) {}
    this.#desk.leave()
  }

  /** Splits one bucket; false if there is no memory for it, or the stripe has as many as it may. */
  #split(stripeAt: number): boolean {
    for (;;) {
      const extent = this.#growth.missingLines(stripeAt)
      if (extent < 0) return false
      if (extent === 0) {
        this.#lock(stripeAt)
        const done = this.#growth.split(stripeAt)
        this.#space.locks.release(stripeAt + STRIPE.lock)
        if (done) return true
      }
      if (!this.#bring(stripeAt, extent)) return false
    }
  }

  #bringExtent(stripeAt: number): boolean {
    this.#desk.enter()
    const done = this.#bring(stripeAt, this.#growth.missingLines(stripeAt))
    this.#desk.leave()
    return done
  }

  /** Gives the stripe its next extent of `extent` lines, or, if that is 0, a spare line. Needs the desk. */
  #bring(stripeAt: number, extent: number): boolean {
    const lines = this.#desk.lines(extent || 1, stripeAt)
    if (lines === 0) return false
    this.#lock(stripeAt)
    if (extent > 0) this.#growth.addExtent(stripeAt, lines, extent)
    else this.#chain.addSpareLines(stripeAt, lines, 1)
    this.#growth.start(stripeAt)
    this.#space.lines.placed()
    this.#space.locks.release(stripeAt + STRIPE.lock)
    return true
  }

  #promiseLine(stripeAt: number, stripe: number): boolean {
    if (!this.#hasSpares(stripeAt, this.#promised[stripe]! + 1)) {
      this.#desk.enter()
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

  /**
   * Empties a run of pages that serves for a chunk of `bytes`, once `mayGo` has agreed; false if there is none. What
   * `mayGo` throws passes through.
   */
  emptyPages(bytes: number, mayGo: MayGo): boolean {
    const { slab } = this.#space
    const pages = new PageEviction(this.#space, () => this.#desk.gather(), mayGo)
    const index = slab.classFor(bytes)
    this.#desk.enter()
    try {
      return pages.evictPages(slab.pagesFor(bytes), index === SPAN_LARGE ? SPAN_LINES : index)
    } finally {
      this.#desk.leave()
    }
  }

  /** Bytes of the chunk of an entry, with room for an expiry. */
  bytesFor(key: KeyBuffer, value: ValueBuffer): number {
    return chunkBytes(value.byteLength | FLAG_EXPIRY, key.byteLength)
  }

  /** Throws OperationError FULL: there is no room for a chunk of so many bytes. */
  sayFull(bytes: number): never {
    return this.#desk.sayFull(bytes)
  }

  /** When the entry in a chunk expires; Infinity: never. The chunk is staged or published, for all of these. */
  expiryOf(reference: Reference): number {
    const { words, floats } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return (words[at]! & FLAG_EXPIRY) === 0 ? NO_EXPIRY : floats[(at + 2) >>> 1]!
  }

  /** Its value, in private memory that the next call uses again. */
  valueOf(reference: Reference): Buffer {
    const { words, bytes } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    const start = (at + keyOffset(words[at]!) + keyWords(words[at + 1]! & KEY_LENGTH_MASK)) << 2
    const length = words[at]! & VALUE_LENGTH_MASK
    const target = length <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafeSlow(length)
    bytes.copy(target, 0, start, start + length)
    return target.subarray(0, length)
  }

  /** Its key, where it lies. */
  keyOf(reference: Reference): Uint8Array {
    const { words, bytes } = this.#segments[reference >>> GRANULE_BITS]!
    const start = this.keyAt(reference) << 2
    const at = (reference & GRANULE_MASK) << 2
    return bytes.subarray(start, start + (words[at + 1]! & KEY_LENGTH_MASK))
  }

  /** Where its key lies: the words, and the index in them. */
  wordsOf(reference: Reference): Int32Array {
    return this.#segments[reference >>> GRANULE_BITS]!.words
  }

  keyAt(reference: Reference): number {
    const at = (reference & GRANULE_MASK) << 2
    return at + keyOffset(this.wordsOf(reference)[at]!)
  }

  /** The cursor of a walk (see Walker) just before an entry under `hash`. */
  cursorOf(hash: number): number {
    return this.#numberOf(this.#chain.buckets.stripeAt(hash)) * POSITIONS + positionOf(hash)
  }

  #numberOf(stripeAt: number): number {
    return (stripeAt - this.#space.shape.stripesAt) / STRIPE_WORDS
  }

  /** What a log has accepted cannot be refused: whoever holds the stripe is waited for, however long it takes. */
  #lock(stripeAt: number): void {
    for (;;) {
      try {
        this.#words[this.#me + PARTICIPANT.holding] = stripeAt + STRIPE.lock
        this.#space.locks.acquire(stripeAt + STRIPE.lock)
        return
      } catch (error) {
        if (!isOperationError(error, 'TIMEOUT')) throw error
      }
    }
  }

  /** Leaves the desk with the chunk freed; if a lock of the slab cannot be had in time, the next operation does both. */
  #leaveFreeing(reference: Reference): void {
    try {
      if (reference !== 0) this.#freeDetached(reference)
      this.#desk.leave()
    } catch (error) {
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
  }

  #freeDetached(reference: Reference): void {
    const { words } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    this.#space.slab.free(PARTICIPANT.detached, chunkBytes(words[at]!, words[at + 1]!))
  }
}
