/**
 * The slab: chunks of 16 bytes to 64 MiB, cut from spans of pages.
 *
 *   magazine of a participant  <->  free lists of the spans of a size class  <->  page pool
 *   (no lock but the own desk)      (class lock)                                  (pool lock)
 *
 * This file has the magazines and what is larger than any class; spans.ts the rest.
 *
 * Publish rule: a chunk is in a magazine once the magazine's count covers it.
 * Every chunk on its way is named by an in-hand word of its participant from before it leaves until after it has
 * arrived; where two places name it, repair believes the place.
 *
 * All methods need the own desk held. A chunk's memory may be read by others at any time (a reader that came too
 * late): nobody may conclude anything from chunk bytes alone.
 */
import { assert } from '../base/assert.js'
import { GRANULE_BYTES } from '../base/limits.js'
import { CLASS, CLASS_WORDS, CLASSES_AT } from './header.js'
import type { Locks } from './lock.js'
import { pageOf, pageReference, SPAN_LARGE } from './page-descriptor.js'
import type { Pages } from './pages.js'
import { MAGAZINES_AT, PARTICIPANT } from './participant.js'
import type { Reference, Region } from './region.js'
import { PAGE_BYTES, type SizeClasses } from './size-classes.js'
import { Spans } from './spans.js'

const { chunkInHand: CHUNK_IN_HAND, moving: MOVING } = PARTICIPANT

/** Word offsets of each class's magazine within a participant's record. */
export function magazineOffsets(sizes: SizeClasses): Int32Array {
  const offsets = new Int32Array(sizes.classes.length)
  let at: number = MAGAZINES_AT
  for (const [index, { magazineDepth }] of sizes.classes.entries()) {
    offsets[index] = at
    if (magazineDepth > 0) at += 1 + magazineDepth
  }
  assert(at <= 1024, 'magazines fit the participant record')
  return offsets
}

export class Slab {
  readonly sizes: SizeClasses
  readonly spans: Spans
  readonly #pages: Pages
  readonly #words: Int32Array
  readonly #me: number
  readonly #magazines: Int32Array
  readonly #depths: Int32Array

  constructor(region: Region, sizes: SizeClasses, pages: Pages, locks: Locks, participantAt: number) {
    this.sizes = sizes
    this.#pages = pages
    this.#words = region.segments[0]!.words
    this.spans = new Spans(this.#words, sizes, pages, locks, participantAt)
    this.#me = participantAt
    this.#magazines = magazineOffsets(sizes)
    this.#depths = Int32Array.from(sizes.classes, (sizeClass) => sizeClass.magazineDepth)
  }

  /** Bytes that a chunk for `bytes` really takes. */
  chunkBytes(bytes: number): number {
    if (bytes > this.sizes.largestChunkBytes) return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
    return this.sizes.classes[this.sizes.byGranules[(bytes + GRANULE_BYTES - 1) >>> 4]!]!.chunkBytes
  }

  /** The size class that serves for `bytes`, or SPAN_LARGE. */
  classFor(bytes: number): number {
    if (bytes > this.sizes.largestChunkBytes) return SPAN_LARGE
    return this.sizes.byGranules[(bytes + GRANULE_BYTES - 1) >>> 4]!
  }

  /** Adjacent pages that a chunk for `bytes` needs if none is free. */
  pagesFor(bytes: number): number {
    const index = this.classFor(bytes)
    return index === SPAN_LARGE ? Math.ceil(bytes / PAGE_BYTES) : this.sizes.classes[index]!.spanPages
  }

  /** Pages that a chunk for `bytes` would take from the pool now; 0 if one is at hand. */
  pagesNeeded(bytes: number): number {
    const index = this.classFor(bytes)
    if (index !== SPAN_LARGE) {
      if (this.#depths[index]! > 0 && this.#words[this.#me + this.#magazines[index]!]! > 0) return 0
      if (this.#words[CLASSES_AT + index * CLASS_WORDS + CLASS.free]! > 0) return 0
    }
    return this.pagesFor(bytes)
  }

  /** Takes a chunk of at least `bytes` into the hand (`chunkInHand`); 0 if there is no memory for it. */
  allocate(bytes: number): Reference {
    const words = this.#words
    if (bytes > this.sizes.largestChunkBytes) {
      const page = this.#pages.allocate(Math.ceil(bytes / PAGE_BYTES), SPAN_LARGE, CHUNK_IN_HAND)
      return pageReference(page)
    }
    const index = this.sizes.byGranules[(bytes + GRANULE_BYTES - 1) >>> 4]!
    if (this.#depths[index] === 0) return this.#allocateDirectly(index)
    const magazine = this.#me + this.#magazines[index]!
    if (words[magazine] === 0 && !this.#refill(index, magazine)) return 0
    const count = words[magazine]!
    const reference = words[magazine + count]!
    words[this.#me + CHUNK_IN_HAND] = reference
    words[magazine] = count - 1
    return reference
  }

  /** Frees the chunk that word `inHand` of the own record names; `bytes` is what it was allocated for. */
  free(inHand: number, bytes: number): void {
    const words = this.#words
    const reference = words[this.#me + inHand]!
    if (bytes > this.sizes.largestChunkBytes) {
      this.#pages.free(pageOf(reference), this.#me + inHand)
    } else {
      const index = this.sizes.byGranules[(bytes + GRANULE_BYTES - 1) >>> 4]!
      const depth = this.#depths[index]!
      if (depth === 0) {
        this.spans.lock(index)
        this.spans.pushLocked(index, reference, this.#me + inHand)
        words[this.#me + inHand] = 0
        this.spans.unlock(index)
      } else {
        const magazine = this.#me + this.#magazines[index]!
        if (words[magazine] === depth) this.#flush(index, magazine, depth >>> 1)
        const count = words[magazine]! + 1
        words[magazine + count] = reference
        words[magazine] = count
        words[this.#me + inHand] = 0
      }
    }
  }

  /**
   * Frees the chunk that word `inHand` of the own record names into its span, past the magazine: for spans that are to
   * come empty.
   */
  freeToSpan(inHand: number): void {
    const reference = this.#words[this.#me + inHand]!
    const index = this.spans.classOf(reference)
    if (index === SPAN_LARGE) {
      this.#pages.free(pageOf(reference), this.#me + inHand)
    } else {
      this.spans.lock(index)
      this.spans.pushLocked(index, reference, this.#me + inHand)
      this.#words[this.#me + inHand] = 0
      this.spans.unlock(index)
    }
  }

  /** Puts all chunks of the magazines of the participant at `deskAt` back into their spans. Needs that desk. */
  drain(deskAt: number): void {
    for (let index = 0; index < this.#depths.length; index++) {
      const magazine = deskAt + this.#magazines[index]!
      if (this.#depths[index]! > 0 && this.#words[magazine]! > 0) this.#flush(index, magazine, 0)
    }
  }

  /** Gives the spans that are kept although empty back to the pool. */
  trim(): void {
    for (let index = 0; index < this.#depths.length; index++) {
      const at = CLASSES_AT + index * CLASS_WORDS
      if (this.#words[at + CLASS.partial] === 0) continue
      this.spans.lock(index)
      const page = this.#words[at + CLASS.partial]!
      if (page !== 0 && this.spans.isEmpty(page)) this.spans.releaseLocked(index, page, 0)
      this.spans.unlock(index)
    }
  }

  /**
   * Puts the chunk that word `inHandAt` names, and that repair has found in nobody's possession, back into its span, or
   * its pages into the pool. The word is cleared before anybody else can take the chunk.
   */
  giveBack(inHandAt: number): void {
    const reference = this.#words[inHandAt]!
    const index = this.spans.classOf(reference)
    if (index === SPAN_LARGE) {
      this.#pages.free(pageOf(reference), inHandAt)
    } else if (index >= 0) {
      this.spans.lock(index)
      this.putBackLocked(index, reference, inHandAt)
      this.#words[inHandAt] = 0
      this.spans.unlock(index)
    } else {
      this.#words[inHandAt] = 0
    }
  }

  /** Puts the chunk that word `inHandAt` names into its span unless it is there. Needs the class lock. */
  putBackLocked(index: number, reference: Reference, inHandAt: number): void {
    if (!this.spans.isFree(reference)) this.spans.pushLocked(index, reference, inHandAt)
  }

  #allocateDirectly(index: number): Reference {
    this.spans.lock(index)
    const reference = this.spans.popLocked(index, CHUNK_IN_HAND)
    this.spans.unlock(index)
    return reference
  }

  #refill(index: number, magazine: number): boolean {
    const words = this.#words
    const wanted = Math.max(1, this.#depths[index]! >>> 1)
    this.spans.lock(index)
    for (let count = 0; count < wanted; count++) {
      const reference = this.spans.popLocked(index, MOVING)
      if (reference === 0) break
      words[magazine + count + 1] = reference
      words[magazine] = count + 1
    }
    words[this.#me + MOVING] = 0
    this.spans.unlock(index)
    return words[magazine]! > 0
  }

  /** Moves chunks from the top of a magazine to their spans until `keep` are left. */
  #flush(index: number, magazine: number, keep: number): void {
    const words = this.#words
    this.spans.lock(index)
    for (let count = words[magazine]!; count > keep; count--) {
      const reference = words[magazine + count]!
      words[this.#me + MOVING] = reference
      words[magazine] = count - 1
      this.spans.pushLocked(index, reference, this.#me + MOVING)
    }
    words[this.#me + MOVING] = 0
    this.spans.unlock(index)
  }

  /** Whether a magazine of the participant at `deskAt` holds the chunk. Needs that desk. */
  isInMagazine(deskAt: number, reference: Reference): boolean {
    const index = this.spans.classOf(reference)
    if (index < 0 || index === SPAN_LARGE || this.#depths[index] === 0) return false
    const magazine = deskAt + this.#magazines[index]!
    for (let i = this.#words[magazine]!; i > 0; i--) if (this.#words[magazine + i] === reference) return true
    return false
  }
}
