/**
 * Bucket memory: cache lines that hold buckets and nothing else, ever.
 *
 * A reader may still look at a slot that it remembers long after the entry has gone. That is harmless only while the
 * slot's memory can never hold anything but slots, so lines that a stripe has led to are never taken back. Less than a
 * page comes from a current run of pages (`linesNext` to `linesEnd`), more gets pages of its own. What a run has left
 * when more is wanted goes into a list of single lines, from which single lines are taken first.
 *
 * Publish rule: lines belong to their stripe once the stripe leads to them; until then the participant's in-hand
 * words name them (`linesInHand` last). Every line is at every moment in one place: a stripe, the run, the list, a hand;
 * where a death leaves it in two, repair believes list and run (`repairLocked`). Lines are zeroed when they are taken.
 */
import { assert } from '../base/assert.js'
import { LINE_BYTES } from '../base/limits.js'
import { HEADER, POOL } from './header.js'
import type { Locks } from './lock.js'
import { kindPurpose, pageOf, pageReference, SPAN_LINES } from './page-descriptor.js'
import type { Pages } from './pages.js'
import { PARTICIPANT } from './participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Region } from './region.js'
import { PAGE_BYTES } from './size-classes.js'

/** Granules of a line, as a shift. */
export const LINE_SHIFT = 2
const LINE_GRANULES = 1 << LINE_SHIFT

const POOL_AT = HEADER.pool
const { linesNext: LINES_NEXT, linesEnd: LINES_END, freeLines: FREE_LINES } = POOL
const {
  linesInHand: LINES_IN_HAND,
  lineCount: LINE_COUNT,
  lineStripe: LINE_STRIPE,
  holding: HOLDING,
} = PARTICIPANT
export const LINES_PER_PAGE = PAGE_BYTES / LINE_BYTES

export class Lines {
  readonly #region: Region
  readonly #pages: Pages
  readonly #locks: Locks
  readonly #words: Int32Array
  readonly #me: number
  readonly #runPages: number

  constructor(region: Region, pages: Pages, locks: Locks, participantAt: number) {
    this.#region = region
    this.#pages = pages
    this.#locks = locks
    this.#words = region.segments[0]!.words
    this.#me = participantAt
    this.#runPages = Math.max(1, Math.min(16, pages.geometry.totalPages >>> 10))
  }

  /** Takes `count` adjacent zeroed lines (a power of two) into the hand, for the stripe at `stripeAt`; 0 if none. */
  take(count: number, stripeAt: number): Reference {
    assert(count > 0, 'lines are taken by the one or more')
    this.#words[this.#me + LINE_STRIPE] = stripeAt
    const reference = count >= LINES_PER_PAGE ? this.#takePages(count) : this.#takeLines(count)
    if (reference !== 0) this.#zero(reference, count)
    return reference
  }

  /** The stripe leads to the lines now. */
  placed(): void {
    this.#words[this.#me + LINES_IN_HAND] = 0
  }

  /** Takes back the lines that the record at `at` has in hand and no stripe has been given. */
  giveBack(at: number): void {
    const words = this.#words
    const reference = words[at + LINES_IN_HAND]!
    if (reference === 0) return
    if (words[at + LINE_COUNT]! >= LINES_PER_PAGE) {
      this.#pages.free(pageOf(reference), at + LINES_IN_HAND)
      return
    }
    this.#lockPool()
    for (let count = words[at + LINE_COUNT]!; count > 0; count--) {
      this.#pushLocked((reference + ((count - 1) << LINE_SHIFT)) | 0)
      words[at + LINE_COUNT] = count - 1
    }
    words[at + LINES_IN_HAND] = 0
    this.#locks.release(POOL_AT + POOL.lock)
  }

  /** Puts run, list and the hands of `names` in order after a death under the pool lock; needs it, and whole pages. */
  repairLocked(names: readonly number[]): void {
    const words = this.#words
    const next = words[POOL_AT + LINES_NEXT]!
    if (next !== 0 && next !== words[POOL_AT + LINES_END]) {
      // The run is announced before its pages are taken, and a line is in the list before it has left the run.
      if (!this.#isLine(next)) words[POOL_AT + LINES_NEXT] = 0
      else if (words[POOL_AT + FREE_LINES] === next) words[POOL_AT + LINES_NEXT] = next + LINE_GRANULES
    }
    for (const at of names) this.#repairHandLocked(at)
  }

  #repairHandLocked(at: number): void {
    const words = this.#words
    const reference = words[at + LINES_IN_HAND]!
    if (reference === 0) return
    const count = words[at + LINE_COUNT]!
    const next = words[POOL_AT + LINES_NEXT]!
    const left = next === 0 ? 0 : (words[POOL_AT + LINES_END]! - next) >>> 0
    const last = (reference + ((count - 1) << LINE_SHIFT)) | 0
    const isInRun = (reference - next) >>> 0 < left
    const isInList = count > 0 && words[POOL_AT + FREE_LINES] === last
    if (isInList) words[at + LINE_COUNT] = count - 1
    if (!this.#isLine(reference) || isInRun || count === (isInList ? 1 : 0)) words[at + LINES_IN_HAND] = 0
  }

  /** The single lines of the pool's list, and those left in the current run. Needs the pool lock. */
  *unusedLocked(): Generator<Reference> {
    const words = this.#words
    for (let line = words[POOL_AT + FREE_LINES]!; line !== 0; line = this.#link(line)) yield line
    const next = words[POOL_AT + LINES_NEXT]!
    if (next === 0) return
    for (let line = next; line !== words[POOL_AT + LINES_END]; line = (line + LINE_GRANULES) | 0) yield line
  }

  #isLine(reference: Reference): boolean {
    const page = pageOf(reference)
    if (this.#pages.kindOf(page) === 0) return false
    return kindPurpose(this.#pages.kindOf(this.#pages.spanOf(page))) === SPAN_LINES
  }

  #takePages(count: number): Reference {
    this.#words[this.#me + LINE_COUNT] = count
    return pageReference(this.#pages.allocate(count / LINES_PER_PAGE, SPAN_LINES, LINES_IN_HAND))
  }

  #takeLines(count: number): Reference {
    const words = this.#words
    this.#lockPool()
    const isSingle = count === 1 && words[POOL_AT + FREE_LINES] !== 0
    const there = isSingle || this.#leftLocked() >= count << LINE_SHIFT || this.#startRunLocked()
    const reference = there ? words[POOL_AT + (isSingle ? FREE_LINES : LINES_NEXT)]! : 0
    if (there) {
      words[this.#me + LINE_COUNT] = count
      words[this.#me + LINES_IN_HAND] = reference
      if (isSingle) words[POOL_AT + FREE_LINES] = this.#link(reference)
      else words[POOL_AT + LINES_NEXT] = reference + (count << LINE_SHIFT)
    }
    this.#locks.release(POOL_AT + POOL.lock)
    return reference
  }

  /** Granules left in the current run. */
  #leftLocked(): number {
    const next = this.#words[POOL_AT + LINES_NEXT]!
    return next === 0 ? 0 : (this.#words[POOL_AT + LINES_END]! - next) >>> 0
  }

  /** Starts another run of pages; what is left of the current one goes into the list. */
  #startRunLocked(): boolean {
    const words = this.#words
    let pages = this.#runPages
    let page = this.#pages.findBackedLocked(pages, SPAN_LINES)
    if (page === 0) {
      pages = 1
      page = this.#pages.findBackedLocked(pages, SPAN_LINES)
    }
    if (page === 0) return false
    while (this.#leftLocked() > 0) {
      const line = words[POOL_AT + LINES_NEXT]!
      this.#pushLocked(line)
      words[POOL_AT + LINES_NEXT] = line + LINE_GRANULES
    }
    words[POOL_AT + LINES_NEXT] = 0
    words[POOL_AT + LINES_END] = pageReference(page + pages)
    words[POOL_AT + LINES_NEXT] = pageReference(page)
    this.#pages.takeLocked(page, pages, SPAN_LINES)
    return true
  }

  #pushLocked(line: Reference): void {
    this.#lineWords(line)[lineAt(line)] = this.#words[POOL_AT + FREE_LINES]!
    this.#words[POOL_AT + FREE_LINES] = line
  }

  #zero(reference: Reference, count: number): void {
    const at = lineAt(reference)
    this.#lineWords(reference).fill(0, at, at + count * (LINE_BYTES >>> 2))
  }

  #link(line: Reference): Reference {
    return this.#lineWords(line)[lineAt(line)]!
  }

  #lineWords(line: Reference): Int32Array {
    return this.#region.segments[line >>> GRANULE_BITS]!.words
  }

  #lockPool(): void {
    this.#words[this.#me + HOLDING] = POOL_AT + POOL.lock
    this.#locks.acquire(POOL_AT + POOL.lock)
  }
}

function lineAt(line: Reference): number {
  return (line & GRANULE_MASK) << 2
}
