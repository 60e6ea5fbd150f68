/**
 * The slab: chunks of 16 bytes to 64 MiB, cut from spans of pages.
 *
 *   magazine of a participant  <->  free lists of the spans of a size class  <->  page pool
 *   (no lock but the own desk)      (class lock)                                  (pool lock)
 *
 * A free chunk's first word holds the ordinal + 1 of the next free chunk of its span; a span whose last chunk comes
 * back returns to the pool and may serve another class, unless it is the only one its class has to take from.
 *
 * Publish rule: a chunk is in a magazine once the magazine's count covers it, in a span once `freeHead` leads to it.
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
import { kindPages, kindPurpose, PAGE, type Pages, pageOf, pageReference, SPAN_LARGE } from './pages.js'
import { MAGAZINES_AT, PARTICIPANT } from './participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Region } from './region.js'
import { PAGE_BYTES, type SizeClasses } from './size-classes.js'

const { chunkInHand: CHUNK_IN_HAND, moving: MOVING, holding: HOLDING } = PARTICIPANT
const { freeHead: FREE_HEAD, freeCount: FREE_COUNT, carved: CARVED } = PAGE
const { next: NEXT, previous: PREVIOUS, closed: CLOSED } = PAGE

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
  readonly #pages: Pages
  readonly #locks: Locks
  readonly #words: Int32Array
  readonly #me: number
  readonly #magazines: Int32Array
  readonly #depths: Int32Array

  constructor(region: Region, sizes: SizeClasses, pages: Pages, locks: Locks, participantAt: number) {
    this.sizes = sizes
    this.#pages = pages
    this.#locks = locks
    this.#words = region.segments[0]!.words
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
        this.#lockClass(index)
        this.#pushLocked(index, reference, this.#me + inHand)
        words[this.#me + inHand] = 0
        this.#unlockClass(index)
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
    const index = this.classOf(reference)
    if (index === SPAN_LARGE) {
      this.#pages.free(pageOf(reference), this.#me + inHand)
    } else {
      this.#lockClass(index)
      this.#pushLocked(index, reference, this.#me + inHand)
      this.#words[this.#me + inHand] = 0
      this.#unlockClass(index)
    }
  }

  /**
   * Closes the span at `page` if it is one of class `index` and not closed: nothing is handed out from it any more, and
   * what is freed stays there. Returns how many of its chunks were ever handed out.
   */
  closeSpan(page: number, index: number, tag: number): number {
    this.#lockClass(index)
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const kind = words[descriptor]!
    const isFit = kind > 0 && kindPurpose(kind) === index && words[descriptor + CLOSED] === 0
    if (isFit) {
      words[descriptor + CLOSED] = tag
      if (this.#hasFree(index, page)) this.#unlinkLocked(index, page)
    }
    const carved = isFit ? words[descriptor + CARVED]! : 0
    this.#unlockClass(index)
    return carved
  }

  /** Opens the span at `page` again if `tag` has closed it, and gives it back to the pool if it is empty. */
  openSpan(page: number, tag: number): void {
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const index = words[descriptor]! > 0 ? kindPurpose(words[descriptor]!) : SPAN_LARGE
    if (index >= this.sizes.classes.length || words[descriptor + CLOSED] !== tag) return
    this.#lockClass(index)
    words[descriptor + CLOSED] = 0
    if (this.#hasFree(index, page)) this.#linkLocked(index, page)
    if (this.#isEmpty(page)) this.#releaseLocked(index, page, 0)
    this.#unlockClass(index)
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
      this.#lockClass(index)
      const page = this.#words[at + CLASS.partial]!
      if (page !== 0 && this.#isEmpty(page)) this.#releaseLocked(index, page, 0)
      this.#unlockClass(index)
    }
  }

  /**
   * Puts the chunk that word `inHandAt` names, and that repair has found in nobody's possession, back into its span, or
   * its pages into the pool. The word is cleared before anybody else can take the chunk.
   */
  giveBack(inHandAt: number): void {
    const reference = this.#words[inHandAt]!
    const index = this.classOf(reference)
    if (index === SPAN_LARGE) {
      this.#pages.free(pageOf(reference), inHandAt)
    } else if (index >= 0) {
      this.#lockClass(index)
      this.putBackLocked(index, reference, inHandAt)
      this.#words[inHandAt] = 0
      this.#unlockClass(index)
    } else {
      this.#words[inHandAt] = 0
    }
  }

  /** Puts the chunk that word `inHandAt` names into its span unless it is there. Needs the class lock. */
  putBackLocked(index: number, reference: Reference, inHandAt: number): void {
    if (!this.isFree(reference)) this.#pushLocked(index, reference, inHandAt)
  }

  /** Class index of a chunk, SPAN_LARGE, or -1 where the pages are free or hold no chunks. */
  classOf(reference: Reference): number {
    const page = pageOf(reference)
    if (this.#pages.kindOf(page) === 0) return -1
    const purpose = kindPurpose(this.#pages.kindOf(this.#pages.spanOf(page)))
    return purpose < this.sizes.classes.length || purpose === SPAN_LARGE ? purpose : -1
  }

  /** Whether the chunk stands in its span's free list, was never handed out, or its pages are free. */
  isFree(reference: Reference): boolean {
    const index = this.classOf(reference)
    if (index === SPAN_LARGE || index < 0) return index < 0
    const span = this.#pages.spanOf(pageOf(reference))
    const words = this.#pages.wordsOf(span)
    const at = this.#pages.descriptorAt(span)
    const granules = this.sizes.classes[index]!.chunkBytes >>> 4
    const ordinal = Math.floor(((reference - pageReference(span)) >>> 0) / granules)
    if (ordinal >= words[at + CARVED]!) return true
    for (let free = words[at + FREE_HEAD]!; free !== 0; ) {
      if (free - 1 === ordinal) return true
      free = words[this.#wordOf(pageReference(span) + (free - 1) * granules)]!
    }
    return false
  }

  /** Makes the list and counts of a class anew from the page descriptors. Needs the class lock. */
  rebuildLocked(index: number): void {
    const words = this.#words
    const at = CLASSES_AT + index * CLASS_WORDS
    words[at + CLASS.partial] = 0
    let spans = 0
    let freeChunks = 0
    for (const page of this.#spansOf(index)) {
      const spanWords = this.#pages.wordsOf(page)
      const descriptor = this.#pages.descriptorAt(page)
      const granules = this.sizes.classes[index]!.chunkBytes >>> 4
      let count = 0
      for (let free = spanWords[descriptor + FREE_HEAD]!; free !== 0; count++) {
        free = spanWords[this.#wordOf(pageReference(page) + (free - 1) * granules)]!
      }
      spanWords[descriptor + FREE_COUNT] = count
      const total = this.sizes.classes[index]!.chunksPerSpan
      const available = count + total - spanWords[descriptor + CARVED]!
      spans++
      freeChunks += available
      if (available > 0 && spanWords[descriptor + CLOSED] === 0) this.#linkLocked(index, page)
    }
    words[at + CLASS.spans] = spans
    words[at + CLASS.free] = freeChunks
  }

  *#spansOf(index: number): Generator<number> {
    for (const [number, segment] of this.#pages.geometry.segments.entries()) {
      const first = (number << (GRANULE_BITS - 8)) + segment.firstPage
      for (let page = first; page < first + segment.pages; ) {
        const kind = this.#pages.kindOf(page)
        if (kind > 0 && kindPurpose(kind) === index) yield page
        page += kind > 0 ? kindPages(kind) : 1
      }
    }
  }

  #allocateDirectly(index: number): Reference {
    this.#lockClass(index)
    const reference = this.#popLocked(index, CHUNK_IN_HAND)
    this.#unlockClass(index)
    return reference
  }

  #refill(index: number, magazine: number): boolean {
    const words = this.#words
    const wanted = Math.max(1, this.#depths[index]! >>> 1)
    this.#lockClass(index)
    for (let count = 0; count < wanted; count++) {
      const reference = this.#popLocked(index, MOVING)
      if (reference === 0) break
      words[magazine + count + 1] = reference
      words[magazine] = count + 1
    }
    words[this.#me + MOVING] = 0
    this.#unlockClass(index)
    return words[magazine]! > 0
  }

  /** Moves chunks from the top of a magazine to their spans until `keep` are left. */
  #flush(index: number, magazine: number, keep: number): void {
    const words = this.#words
    this.#lockClass(index)
    for (let count = words[magazine]!; count > keep; count--) {
      const reference = words[magazine + count]!
      words[this.#me + MOVING] = reference
      words[magazine] = count - 1
      this.#pushLocked(index, reference, this.#me + MOVING)
    }
    words[this.#me + MOVING] = 0
    this.#unlockClass(index)
  }

  #popLocked(index: number, inHand: number): Reference {
    const at = CLASSES_AT + index * CLASS_WORDS
    const { chunkBytes, chunksPerSpan } = this.sizes.classes[index]!
    const page = this.#words[at + CLASS.partial]! || this.#addSpanLocked(index)
    if (page === 0) return 0
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const granules = chunkBytes >>> 4
    const free = words[descriptor + FREE_HEAD]!
    const ordinal = free !== 0 ? free - 1 : words[descriptor + CARVED]!
    const reference = (pageReference(page) + ordinal * granules) | 0
    this.#words[this.#me + inHand] = reference
    if (free !== 0) {
      words[descriptor + FREE_HEAD] = words[this.#wordOf(reference)]!
      words[descriptor + FREE_COUNT]!--
    } else {
      words[descriptor + CARVED] = ordinal + 1
    }
    this.#words[at + CLASS.free]!--
    if (words[descriptor + FREE_HEAD] === 0 && words[descriptor + CARVED] === chunksPerSpan) {
      this.#unlinkLocked(index, page)
    }
    return reference
  }

  /**
   * Puts a chunk into its span, and the span back into the pool if it is empty now. The word that names the chunk is then
   * cleared under the pool lock: once that is free, others may use the page for anything.
   */
  #pushLocked(index: number, reference: Reference, inHandAt: number): void {
    const at = CLASSES_AT + index * CLASS_WORDS
    const { chunkBytes, chunksPerSpan } = this.sizes.classes[index]!
    const page = this.#pages.spanOf(pageOf(reference))
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const ordinal = ((reference - pageReference(page)) >>> 0) / (chunkBytes >>> 4)
    assert(Number.isInteger(ordinal) && ordinal < words[descriptor + CARVED]!, 'a freed chunk was handed out')
    const wasFull = words[descriptor + FREE_HEAD] === 0 && words[descriptor + CARVED] === chunksPerSpan
    words[this.#wordOf(reference)] = words[descriptor + FREE_HEAD]!
    words[descriptor + FREE_HEAD] = ordinal + 1
    words[descriptor + FREE_COUNT]!++
    this.#words[at + CLASS.free]!++
    if (words[descriptor + CLOSED] !== 0) return
    if (wasFull) this.#linkLocked(index, page)
    if (this.#isEmpty(page) && (words[descriptor + NEXT] !== 0 || words[descriptor + PREVIOUS] !== 0)) {
      this.#releaseLocked(index, page, inHandAt)
    }
  }

  /** Whether the span has chunks to hand out: those are in the list of their class, unless they are closed. */
  #hasFree(index: number, page: number): boolean {
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    return (
      words[descriptor + FREE_HEAD] !== 0 ||
      words[descriptor + CARVED] !== this.sizes.classes[index]!.chunksPerSpan
    )
  }

  #isEmpty(page: number): boolean {
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    return words[descriptor + FREE_COUNT] === words[descriptor + CARVED]
  }

  #addSpanLocked(index: number): number {
    const { spanPages, chunksPerSpan } = this.sizes.classes[index]!
    const page = this.#pages.allocate(spanPages, index, 0)
    if (page === 0) return 0
    const at = CLASSES_AT + index * CLASS_WORDS
    this.#words[at + CLASS.spans]!++
    this.#words[at + CLASS.free]! += chunksPerSpan
    this.#linkLocked(index, page)
    return page
  }

  #releaseLocked(index: number, page: number, inHandAt: number): void {
    const at = CLASSES_AT + index * CLASS_WORDS
    this.#unlinkLocked(index, page)
    this.#words[at + CLASS.spans]!--
    this.#words[at + CLASS.free]! -= this.sizes.classes[index]!.chunksPerSpan
    this.#pages.free(page, inHandAt)
  }

  #linkLocked(index: number, page: number): void {
    const at = CLASSES_AT + index * CLASS_WORDS
    const head = this.#words[at + CLASS.partial]!
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    words[descriptor + NEXT] = head
    words[descriptor + PREVIOUS] = 0
    if (head !== 0) this.#pages.wordsOf(head)[this.#pages.descriptorAt(head) + PREVIOUS] = page
    this.#words[at + CLASS.partial] = page
  }

  #unlinkLocked(index: number, page: number): void {
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const next = words[descriptor + NEXT]!
    const previous = words[descriptor + PREVIOUS]!
    if (next !== 0) this.#pages.wordsOf(next)[this.#pages.descriptorAt(next) + PREVIOUS] = previous
    if (previous !== 0) this.#pages.wordsOf(previous)[this.#pages.descriptorAt(previous) + NEXT] = next
    else this.#words[CLASSES_AT + index * CLASS_WORDS + CLASS.partial] = next
    words[descriptor + NEXT] = 0
    words[descriptor + PREVIOUS] = 0
  }

  /** Whether a magazine of the participant at `deskAt` holds the chunk. Needs that desk. */
  isInMagazine(deskAt: number, reference: Reference): boolean {
    const index = this.classOf(reference)
    if (index < 0 || index === SPAN_LARGE || this.#depths[index] === 0) return false
    const magazine = deskAt + this.#magazines[index]!
    for (let i = this.#words[magazine]!; i > 0; i--) if (this.#words[magazine + i] === reference) return true
    return false
  }

  #lockClass(index: number): void {
    const lockAt = CLASSES_AT + index * CLASS_WORDS + CLASS.lock
    this.#words[this.#me + HOLDING] = lockAt
    this.#locks.acquire(lockAt)
  }

  #unlockClass(index: number): void {
    this.#locks.release(CLASSES_AT + index * CLASS_WORDS + CLASS.lock)
  }

  /** Word index of a reference within its segment (chunks of a span never cross segments). */
  #wordOf(reference: Reference): number {
    return (reference & GRANULE_MASK) << 2
  }
}
