/**
 * Spans: runs of pages cut into chunks of one size class, with the list of those that have chunks to hand out.
 *
 *   class record -> first span with free chunks <-> next ...      a span's free chunks hang on its page descriptor
 *
 * A free chunk's first word holds the ordinal + 1 of the next free chunk of its span; a span whose last chunk comes
 * back returns to the pool and may serve another class, unless it is the only one its class has to take from. A closed
 * span is being emptied: it is in no list, and stays until it is opened again.
 *
 * Guard: the class lock (`lock`), for everything that ends in `Locked` and for the descriptors' words but `kind`.
 * Publish rule: a chunk is in a span once `freeHead` leads to it. Not for the magazines: see slab.ts.
 */
import { assert } from '../base/assert.js'
import { CLASS, CLASS_WORDS, CLASSES_AT } from './header.js'
import type { Locks } from './lock.js'
import { kindPages, kindPurpose, PAGE, pageOf, pageReference, SPAN_LARGE } from './page-descriptor.js'
import type { Pages } from './pages.js'
import { PARTICIPANT } from './participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference } from './region.js'
import type { SizeClasses } from './size-classes.js'

const { freeHead: FREE_HEAD, freeCount: FREE_COUNT, carved: CARVED } = PAGE
const { next: NEXT, previous: PREVIOUS, closed: CLOSED } = PAGE

export class Spans {
  readonly sizes: SizeClasses
  readonly #pages: Pages
  readonly #locks: Locks
  readonly #words: Int32Array
  readonly #me: number

  constructor(words: Int32Array, sizes: SizeClasses, pages: Pages, locks: Locks, participantAt: number) {
    this.sizes = sizes
    this.#pages = pages
    this.#locks = locks
    this.#words = words
    this.#me = participantAt
  }

  /**
   * Closes the span at `page` if it is one of class `index` and not closed: nothing is handed out from it any more, and
   * what is freed stays there. Returns how many of its chunks were ever handed out.
   */
  close(page: number, index: number, tag: number): number {
    this.lock(index)
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const kind = words[descriptor]!
    const isFit = kind > 0 && kindPurpose(kind) === index && words[descriptor + CLOSED] === 0
    if (isFit) {
      words[descriptor + CLOSED] = tag
      if (this.#hasFree(index, page)) this.#unlinkLocked(index, page)
    }
    const carved = isFit ? words[descriptor + CARVED]! : 0
    this.unlock(index)
    return carved
  }

  /** Opens the span at `page` again if `tag` has closed it, and gives it back to the pool if it is empty. */
  open(page: number, tag: number): void {
    const words = this.#pages.wordsOf(page)
    const descriptor = this.#pages.descriptorAt(page)
    const index = words[descriptor]! > 0 ? kindPurpose(words[descriptor]!) : SPAN_LARGE
    if (index >= this.sizes.classes.length || words[descriptor + CLOSED] !== tag) return
    this.lock(index)
    words[descriptor + CLOSED] = 0
    if (this.#hasFree(index, page)) this.#linkLocked(index, page)
    if (this.isEmpty(page)) this.releaseLocked(index, page, 0)
    this.unlock(index)
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

  /** Takes a chunk out of a span into word `inHand` of the own record; 0 if there is no memory. Needs the class lock. */
  popLocked(index: number, inHand: number): Reference {
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
  pushLocked(index: number, reference: Reference, inHandAt: number): void {
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
    if (this.isEmpty(page) && (words[descriptor + NEXT] !== 0 || words[descriptor + PREVIOUS] !== 0)) {
      this.releaseLocked(index, page, inHandAt)
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

  /** Whether no chunk of the span is handed out. */
  isEmpty(page: number): boolean {
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

  /** Gives an empty span back to the pool. Needs the class lock. */
  releaseLocked(index: number, page: number, inHandAt: number): void {
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

  lock(index: number): void {
    const lockAt = CLASSES_AT + index * CLASS_WORDS + CLASS.lock
    this.#words[this.#me + PARTICIPANT.holding] = lockAt
    this.#locks.acquire(lockAt)
  }

  unlock(index: number): void {
    this.#locks.release(CLASSES_AT + index * CLASS_WORDS + CLASS.lock)
  }

  /** Word index of a reference within its segment (chunks of a span never cross segments). */
  #wordOf(reference: Reference): number {
    return (reference & GRANULE_MASK) << 2
  }
}
