/**
 * Which pages the system has given memory for, in a region that must ask for it (`commit`). A page is asked for before it
 * first leaves the pool, and stays so; the mark in its descriptor saves asking again.
 *
 * Guard: the pool lock, but for `back`, which asks: that may be done at any time and by several at once, since it changes
 * nothing that is there.
 */
import type { Geometry, SegmentGeometry } from './geometry.js'
import { LOCAL_PAGE_MASK, PAGE_DESCRIPTOR_BYTES, PAGES_PER_SEGMENT_BITS } from './geometry.js'
import { HEADER, POOL } from './header.js'
import type { Region } from './region.js'
import { PAGE_BYTES } from './size-classes.js'

const STEP = PAGE_DESCRIPTOR_BYTES >>> 2
const FREE_BACKED_AT = HEADER.pool + POOL.freeBacked

export class Backing {
  readonly #region: Region
  readonly #geometry: Geometry
  /** Word of a page descriptor. */
  readonly #markAt: number

  constructor(region: Region, shape: Geometry, markAt: number) {
    this.#region = region
    this.#geometry = shape
    this.#markAt = markAt
  }

  /** Asks for the run at `page`; false if the system has no memory for it. */
  back(page: number, pages: number): boolean {
    const firstByte = (page & LOCAL_PAGE_MASK) * PAGE_BYTES
    return this.#region.commit!(page >>> PAGES_PER_SEGMENT_BITS, firstByte, pages * PAGE_BYTES)
  }

  isBackedLocked(page: number, pages: number): boolean {
    const words = this.#words(page)
    const at = this.#at(page)
    for (let i = 0; i < pages; i++) if (words[at + i * STEP] === 0) return false
    return true
  }

  /** The system has given memory for this free run. */
  markLocked(page: number, pages: number): void {
    const words = this.#words(page)
    const at = this.#at(page)
    let fresh = 0
    for (let i = 0; i < pages; i++) {
      if (words[at + i * STEP] === 1) continue
      words[at + i * STEP] = 1
      fresh++
    }
    this.noteFreedLocked(fresh)
  }

  /** Pages that are all backed came back to the pool; below 0: left it. */
  noteFreedLocked(pages: number): void {
    this.#region.segments[0]!.words[FREE_BACKED_AT]! += pages
  }

  /** Counts anew, by the bitmaps and marks. */
  recountLocked(): void {
    this.#region.segments[0]!.words[FREE_BACKED_AT] = this.#countLocked()
  }

  isCountedLocked(): boolean {
    return this.#region.segments[0]!.words[FREE_BACKED_AT] === this.#countLocked()
  }

  #countLocked(): number {
    let count = 0
    for (const [index, segment] of this.#geometry.segments.entries()) {
      const words = this.#region.segments[index]!.words
      for (let bit = 0; bit < segment.pages; bit++) if (this.#isUsable(words, segment, bit)) count++
    }
    return count
  }

  #isUsable(words: Int32Array, segment: SegmentGeometry, bit: number): boolean {
    const isFree = (words[segment.bitmapAt + (bit >>> 5)]! & (1 << (bit & 31))) !== 0
    return isFree && words[segment.pageTableAt + bit * STEP + this.#markAt] === 1
  }

  /** First page of a free run that is backed, 0 if there is none: all there is when the system has no more. */
  findLocked(pages: number): number {
    if (this.#region.segments[0]!.words[FREE_BACKED_AT]! < pages) return 0
    for (const [index, segment] of this.#geometry.segments.entries()) {
      const words = this.#region.segments[index]!.words
      let run = 0
      for (let bit = 0; bit < segment.pages; bit++) {
        const free = words[segment.bitmapAt + (bit >>> 5)]!
        if (free === 0) {
          run = 0
          bit |= 31
          continue
        }
        run = this.#isUsable(words, segment, bit) ? run + 1 : 0
        if (run === pages) return (index << PAGES_PER_SEGMENT_BITS) + segment.firstPage + bit - pages + 1
      }
    }
    return 0
  }

  #words(page: number): Int32Array {
    return this.#region.segments[page >>> PAGES_PER_SEGMENT_BITS]!.words
  }

  #at(page: number): number {
    const segment = this.#geometry.segments[page >>> PAGES_PER_SEGMENT_BITS]!
    return segment.pageTableAt + ((page & LOCAL_PAGE_MASK) - segment.firstPage) * STEP + this.#markAt
  }
}
