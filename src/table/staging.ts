/**
 * Writing in two steps, for a table with one writer: a change is prepared now and published later, and between the two
 * nobody sees it. Whatever can fail comes first: the chunk is filled, the bucket line that its slot may need lies in
 * its stripe. So what a log has accepted can always be published.
 *
 * **A staged chunk exists once it is published**; until then it is in no slot, magazine or list, and only the caller
 * knows it (`check()` goes by their number). If the one writer dies, its table goes with it, so nobody settles them.
 *
 * Room for slots is promised by staged-slots.ts, stamps here: in the order of staging, and given in that order, so that who
 * is told of a pending entry's version finds it under that one.
 *
 * Needs no check of what was read before: nobody else writes. Readers see the stores of chain.ts, in their order, under
 * the stripe's lock. Not for tables with several writers.
 */
import { assert } from '../base/assert.js'
import { isOperationError } from '../base/errors.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { SPAN_LARGE, SPAN_LINES } from '../memory/page-descriptor.js'
import { COUNTERS, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import { Chain } from './chain.js'
import { fillChunk } from './chunk.js'
import { ChunkReader } from './chunk-reader.js'
import type { Desk } from './desk.js'
import type { KeyBuffer } from './key-buffer.js'
import { chunkBytes, FLAG_ASCII, FLAG_EXPIRY, STRIPE, STRIPE_WORDS } from './layout.js'
import { type MayGo, PageEviction } from './page-eviction.js'
import { POSITIONS, positionOf } from './positions.js'
import type { Space } from './space.js'
import { type Room, StagedSlots } from './staged-slots.js'
import { waitForStripe } from './stripe-wait.js'
import type { ValueBuffer } from './value-buffer.js'
import { NO_EXPIRY } from './writer.js'

export class Staging {
  readonly #space: Space
  readonly #desk: Desk
  readonly #chain: Chain
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #me: number
  readonly #evicts: boolean
  /** The stamp of what `find` has found, or of what `stage` has staged once it is published; until the next call. */
  stamp = 0
  /** What lies in staged and published chunks. */
  readonly chunks: ChunkReader
  /** Staged chunks by stripe number. */
  readonly #chunks: Int32Array
  readonly #slots: StagedSlots

  constructor(space: Space, desk: Desk) {
    assert(space.facts.maxEntries === 0, 'a sequenced table is limited by memory alone')
    this.#space = space
    this.#desk = desk
    this.#chain = new Chain(space)
    this.#words = space.words
    this.#segments = space.region.segments
    this.#me = space.registry.at
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
    this.#chunks = new Int32Array(space.shape.stripes)
    this.#words[this.#me + PARTICIPANT.staged] = 0
    this.#slots = new StagedSlots(space, desk)
    this.chunks = new ChunkReader(space.region.segments)
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
    this.#desk.enterPatiently()
    let reference = this.#allocate(bytes)
    if (reference === 0 && isUrgent) {
      this.#desk.gather()
      reference = this.#allocate(bytes)
    }
    if (reference !== 0) {
      if ((flags & FLAG_EXPIRY) !== 0 && this.#words[HEADER.hasExpiries] === 0)
        this.#words[HEADER.hasExpiries] = 1
      const segment = this.#segments[reference >>> GRANULE_BITS]!
      fillChunk(segment, (reference & GRANULE_MASK) << 2, key, value, valueWord, expiresAtMs)
      this.#words[this.#me + PARTICIPANT.chunkInHand] = 0
      this.#words[this.#me + PARTICIPANT.staged]!++
      this.stamp = this.#comingStamp(key.hash)
    }
    this.#desk.leave()
    return reference
  }

  /** Takes a chunk, but not of the pages that are kept for recovery. */
  #allocate(bytes: number): Reference {
    const { slab, pages } = this.#space
    const needed = slab.pagesNeeded(bytes)
    if (needed > 0 && pages.freePages - needed < this.#slots.reservedPages) return 0
    return slab.allocate(bytes)
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

  /** Makes room for an insert of `key`, which the table does not hold, or no longer will. */
  reserve(key: KeyBuffer): Room {
    return this.#slots.reserve(key.hash)
  }

  /** The insert that `reserve` made room for has been published, or will not be. */
  unreserve(hash: number, room: Room): void {
    this.#slots.unreserve(hash, room)
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
    this.#desk.enterPatiently()
    waitForStripe(this.#space, stripeAt)
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
    this.#words[this.#me + PARTICIPANT.staged]!--
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

  /** A chunk whose stamp is spent is in its slot. */
  notePublished(): void {
    this.#words[this.#me + PARTICIPANT.staged]!--
  }

  /** Frees a chunk that is in no slot, and whose stamp is spent. */
  free(reference: Reference): void {
    this.#desk.enterPatiently()
    this.#words[this.#me + PARTICIPANT.detached] = reference
    this.#words[this.#me + PARTICIPANT.staged]!--
    this.#leaveFreeing(reference)
  }

  /** Splits buckets of the stripe of `hash`, if its entries ask for it and nothing is staged in it. */
  settle(hash: number): void {
    this.#slots.settle(hash)
  }

  /** Removes the entry of `key`, if there is one, and counts it (see COUNTERS). */
  remove(key: KeyBuffer, counter: number): void {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] === 0) return
    this.#desk.enterPatiently()
    waitForStripe(this.#space, stripeAt)
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

  /**
   * Empties a run of pages that serves for a chunk of `bytes`, once `mayGo` has agreed; false if there is none. What
   * `mayGo` throws passes through. It is asked without the desk: where it is refused, chunks that are staged are given back.
   */
  emptyPages(bytes: number, mayGo: MayGo): boolean {
    const { slab } = this.#space
    const pages = new PageEviction(
      this.#space,
      () => this.#desk.gather(),
      (entries) => {
        this.#desk.leave()
        try {
          return mayGo(entries)
        } finally {
          this.#desk.enterPatiently()
        }
      },
    )
    const index = slab.classFor(bytes)
    this.#desk.enterPatiently()
    try {
      const found = pages.evictPages(slab.pagesFor(bytes), index === SPAN_LARGE ? SPAN_LINES : index)
      // A class keeps a span although it is empty: here it is the pages that are wanted.
      slab.trim()
      return found
    } finally {
      this.#desk.leave()
    }
  }

  /** From now on, chunks and growth leave so many pages free. */
  reservePages(pages: number): void {
    this.#slots.reservedPages = pages
  }

  /** Bytes of the pages that may be used. */
  get capacityBytes(): number {
    return (this.#space.shape.totalPages - this.#slots.reservedPages) * PAGE_BYTES
  }

  /** Bytes of the chunk of an entry, with room for an expiry. */
  bytesFor(key: KeyBuffer, value: ValueBuffer): number {
    return chunkBytes(value.byteLength | FLAG_EXPIRY, key.byteLength)
  }

  /** Throws OperationError FULL: there is no room for a chunk of so many bytes. */
  sayFull(bytes: number): never {
    return this.#desk.sayFull(bytes, this.#slots.reservedPages)
  }

  /** The cursor of a walk (see Walker) just before an entry under `hash`. */
  cursorOf(hash: number): number {
    return this.#numberOf(this.#chain.buckets.stripeAt(hash)) * POSITIONS + positionOf(hash)
  }

  #numberOf(stripeAt: number): number {
    return (stripeAt - this.#space.shape.stripesAt) / STRIPE_WORDS
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
