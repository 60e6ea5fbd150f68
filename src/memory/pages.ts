/**
 * The page pool: hands out runs of adjacent 4 KiB pages, and takes them back.
 *
 * A span is a run of pages with one purpose: chunks of one size class, one large chunk, or bucket lines. The
 * descriptor of its first page says so; those of the others point back to it. The bitmap of free pages only speeds up
 * the search: repair makes it anew from the descriptors.
 *
 * Publish rule: a span exists once the `kind` of its first page is positive; it is gone once that is 0.
 * Guard: the pool lock, for descriptors' `kind` and bitmaps; the other words belong to the span's user.
 */
import { assert } from '../base/assert.js'
import { Backing } from './backing.js'
import { type Geometry, LOCAL_PAGE_MASK, PAGE_DESCRIPTOR_BYTES, PAGES_PER_SEGMENT_BITS } from './geometry.js'
import { HEADER, POOL } from './header.js'
import type { Locks } from './lock.js'
import { kindOfSpan, kindPages, PAGE, pageReference, SPAN_LINES } from './page-descriptor.js'
import { PARTICIPANT } from './participant.js'
import type { Region } from './region.js'

const POOL_AT = HEADER.pool
const { kind: KIND } = PAGE

export class Pages {
  readonly geometry: Geometry
  readonly #region: Region
  readonly #locks: Locks
  readonly #words: Int32Array
  readonly #participantAt: number
  /** Only where the region must ask for memory. */
  readonly #backing: Backing | undefined

  constructor(region: Region, shape: Geometry, locks: Locks, participantAt: number) {
    this.#region = region
    this.geometry = shape
    this.#locks = locks
    this.#words = region.segments[0]!.words
    this.#participantAt = participantAt
    if (region.commit !== undefined) this.#backing = new Backing(region, shape, PAGE.backed)
  }

  /** Creator only, before anybody joins: every page is free. */
  static initialise(region: Region, shape: Geometry): void {
    for (const [index, segment] of shape.segments.entries()) {
      const words = region.segments[index]!.words
      const whole = segment.pages >>> 5
      words.fill(-1, segment.bitmapAt, segment.bitmapAt + whole)
      if ((segment.pages & 31) !== 0) words[segment.bitmapAt + whole] = (1 << (segment.pages & 31)) - 1
    }
    const words = region.segments[0]!.words
    words[POOL_AT + POOL.freePages] = shape.totalPages
    words[POOL_AT + POOL.hint] = shape.segments[0]!.firstPage
  }

  /** Words of the segment that holds `page` and its descriptor. */
  wordsOf(page: number): Int32Array {
    return this.#region.segments[page >>> PAGES_PER_SEGMENT_BITS]!.words
  }

  /** Word index of the page's descriptor, in `wordsOf(page)`. */
  descriptorAt(page: number): number {
    const segment = this.geometry.segments[page >>> PAGES_PER_SEGMENT_BITS]!
    return (
      segment.pageTableAt + ((page & LOCAL_PAGE_MASK) - segment.firstPage) * (PAGE_DESCRIPTOR_BYTES >>> 2)
    )
  }

  /** First page of the span that holds `page`. */
  spanOf(page: number): number {
    const kind = this.wordsOf(page)[this.descriptorAt(page) + KIND]!
    assert(kind !== 0, 'a page in use belongs to a span')
    return kind > 0 ? page : page + kind
  }

  kindOf(page: number): number {
    return this.wordsOf(page)[this.descriptorAt(page) + KIND]!
  }

  get freePages(): number {
    return this.#words[POOL_AT + POOL.freePages]!
  }

  /**
   * Takes a run of `pages` for `purpose`; returns its first page, 0 if there is none. `inHand` is the participant's
   * word that names the run's first granule before it exists, so that a death here loses nothing; 0 if the purpose
   * alone is enough to find it again.
   */
  allocate(pages: number, purpose: number, inHand: number): number {
    const lockAt = POOL_AT + POOL.lock
    const backing = this.#backing
    let isShort = false
    for (let backed = 0; ; ) {
      this.#words[this.#participantAt + PARTICIPANT.holding] = lockAt
      this.#locks.acquire(lockAt)
      const page: number = isShort ? backing!.findLocked(pages) : this.findLocked(pages, purpose)
      if (page !== 0 && page === backed) backing!.markLocked(page, pages)
      const isReady = page === 0 || backing === undefined || backing.isBackedLocked(page, pages)
      if (isReady && page !== 0) {
        if (inHand !== 0) this.#words[this.#participantAt + inHand] = pageReference(page)
        this.takeLocked(page, pages, purpose)
      }
      this.#locks.release(lockAt)
      if (isReady) return page
      // Not under the lock, since it takes its time (the system clears the memory), and nothing needs to be undone: the
      // pages are still free, and if somebody else takes them meanwhile, they have been asked for once too often.
      isShort = !backing.back(page, pages)
      backed = isShort ? 0 : page
    }
  }

  /** Whether the pool's count of backed free pages is right; for checks, with the pool lock. */
  isBackingCountedLocked(): boolean {
    return this.#backing === undefined || this.#backing.isCountedLocked()
  }

  /** As {@link findLocked}, but the system has given memory for the run. Asks under the lock: for few pages. */
  findBackedLocked(pages: number, purpose: number): number {
    const page = this.findLocked(pages, purpose)
    const backing = this.#backing
    if (page === 0 || backing === undefined || backing.isBackedLocked(page, pages)) return page
    if (!backing.back(page, pages)) return backing.findLocked(pages)
    backing.markLocked(page, pages)
    return page
  }

  /** First page of a free run of `pages`, 0 if there is none. Needs the pool lock. */
  findLocked(pages: number, purpose: number): number {
    if (this.#words[POOL_AT + POOL.freePages]! < pages) return 0
    // Bucket lines never come back: kept together at the far end they do not break up the room for large chunks.
    return purpose === SPAN_LINES ? this.#findLastRunLocked(pages) : this.#findRunLocked(pages)
  }

  /** Makes the free run at `page` a span. Needs the pool lock. */
  takeLocked(page: number, pages: number, purpose: number): void {
    const words = this.wordsOf(page)
    const at = this.descriptorAt(page)
    const step = PAGE_DESCRIPTOR_BYTES >>> 2
    for (let i = 1; i < pages; i++) words[at + i * step + KIND] = -i
    words.fill(0, at + PAGE.freeHead, at + PAGE.previous + 1)
    words[at + PAGE.closed] = 0
    words[at + KIND] = kindOfSpan(purpose, pages)
    this.#markLocked(page, pages, false)
  }

  /**
   * Gives back the span that starts at `page`. `inHandAt`, if not 0, is the word that names it: cleared before anybody
   * else can take the pages, so that a name never outlives what it names.
   */
  free(page: number, inHandAt: number): void {
    const lockAt = POOL_AT + POOL.lock
    this.#words[this.#participantAt + PARTICIPANT.holding] = lockAt
    this.#locks.acquire(lockAt)
    const words = this.wordsOf(page)
    const at = this.descriptorAt(page)
    const pages = kindPages(words[at + KIND]!)
    words[at + KIND] = 0
    this.#markLocked(page, pages, true)
    if (inHandAt !== 0) this.#words[inHandAt] = 0
    this.#locks.release(lockAt)
  }

  /** Makes bitmap, count and hint anew from the descriptors. Needs the pool lock. */
  rebuildLocked(): void {
    let freePages = 0
    for (const [index, segment] of this.geometry.segments.entries()) {
      const words = this.#region.segments[index]!.words
      words.fill(0, segment.bitmapAt, segment.bitmapAt + Math.ceil(segment.pages / 32))
      const base = index << PAGES_PER_SEGMENT_BITS
      for (let local = 0; local < segment.pages; ) {
        const at = this.descriptorAt(base + segment.firstPage + local)
        const kind = words[at + KIND]!
        if (kind > 0) {
          local += kindPages(kind)
        } else {
          words[at + KIND] = 0
          words[segment.bitmapAt + (local >>> 5)]! |= 1 << (local & 31)
          freePages++
          local++
        }
      }
    }
    this.#words[POOL_AT + POOL.freePages] = freePages
    this.#backing?.recountLocked()
    this.#words[POOL_AT + POOL.hint] = this.geometry.segments[0]!.firstPage
  }

  #markLocked(page: number, pages: number, free: boolean): void {
    const segment = this.geometry.segments[page >>> PAGES_PER_SEGMENT_BITS]!
    const words = this.wordsOf(page)
    const first = (page & LOCAL_PAGE_MASK) - segment.firstPage
    for (let bit = first; bit < first + pages; bit++) {
      const at = segment.bitmapAt + (bit >>> 5)
      const mask = 1 << (bit & 31)
      words[at] = free ? words[at]! | mask : words[at]! & ~mask
    }
    this.#words[POOL_AT + POOL.freePages]! += free ? pages : -pages
    this.#backing?.noteFreedLocked(free ? pages : -pages)
    const hintAt = POOL_AT + POOL.hint
    if (free) {
      if (page < this.#words[hintAt]!) this.#words[hintAt] = page
    } else if (page === this.#words[hintAt]!) {
      this.#words[hintAt] = page + pages
    }
  }

  /** The last run of free pages. */
  #findLastRunLocked(pages: number): number {
    for (let index = this.geometry.segments.length - 1; index >= 0; index--) {
      const segment = this.geometry.segments[index]!
      const words = this.#region.segments[index]!.words
      let run = 0
      for (let bit = segment.pages - 1; bit >= 0; bit--) {
        const word = words[segment.bitmapAt + (bit >>> 5)]!
        if (word === 0) {
          run = 0
          bit &= ~31
        } else if ((word & (1 << (bit & 31))) === 0) {
          run = 0
        } else if (++run === pages) {
          return (index << PAGES_PER_SEGMENT_BITS) + segment.firstPage + bit
        }
      }
    }
    return 0
  }

  /** First fit from the hint on. Runs do not cross segments. */
  #findRunLocked(pages: number): number {
    const hint = this.#words[POOL_AT + POOL.hint]!
    const from = hint >>> PAGES_PER_SEGMENT_BITS
    for (let index = from; index < this.geometry.segments.length; index++) {
      const segment = this.geometry.segments[index]!
      const words = this.#region.segments[index]!.words
      const start = index === from ? (hint & LOCAL_PAGE_MASK) - segment.firstPage : 0
      let run = 0
      for (let bit = Math.max(0, start); bit < segment.pages; bit++) {
        const word = words[segment.bitmapAt + (bit >>> 5)]!
        if (word === 0) {
          run = 0
          bit |= 31
          continue
        }
        if ((word & (1 << (bit & 31))) === 0) {
          run = 0
        } else if (++run === pages) {
          return (index << PAGES_PER_SEGMENT_BITS) + segment.firstPage + bit - pages + 1
        }
      }
    }
    return 0
  }
}
