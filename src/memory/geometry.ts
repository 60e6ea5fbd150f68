/**
 * Where everything lies in a region, computed from its capacity and number of stripes alone.
 *
 *   segment 0   header, pool, size classes | participants | stripes | stripe hands | page table | bitmap | pages ...
 *   others      page table | bitmap | pages ...
 *
 * Pure arithmetic: the creator and every later participant compute the same numbers.
 */
import { assert } from '../base/assert.js'
import { GRANULE_BYTES, LINE_BYTES, MAX_PARTICIPANTS, MAX_SEGMENT_BYTES } from '../base/limits.js'
import { CLASS_WORDS, CLASSES_AT, MAX_SIZE_CLASSES } from './header.js'
import { GRANULE_BITS } from './region.js'
import { PAGE_BYTES } from './size-classes.js'

export const PARTICIPANT_WORDS = 1024
const PARTICIPANTS_AT_BYTES = 12288
/** Words of one page descriptor (see PAGE in pages.ts). */
export const PAGE_DESCRIPTOR_BYTES = 32
const STRIPE_HAND_BYTES = 4
/** A page's number: the segment, and the page within it. */
export const PAGES_PER_SEGMENT_BITS = GRANULE_BITS - Math.log2(PAGE_BYTES / GRANULE_BYTES)
export const LOCAL_PAGE_MASK = (1 << PAGES_PER_SEGMENT_BITS) - 1

assert(
  (CLASSES_AT + MAX_SIZE_CLASSES * CLASS_WORDS) * 4 <= PARTICIPANTS_AT_BYTES,
  'class records end before participants',
)

export interface SegmentGeometry {
  readonly byteLength: number
  /** Word index of the descriptor of the segment's first page. */
  readonly pageTableAt: number
  /** Word index of the bitmap of free pages. */
  readonly bitmapAt: number
  /** Page number within the segment of the first usable page. */
  readonly firstPage: number
  readonly pages: number
}

export interface Geometry {
  readonly segments: readonly SegmentGeometry[]
  readonly stripes: number
  readonly participantsAt: number
  readonly stripesAt: number
  readonly stripeHandsAt: number
  readonly totalPages: number
}

export function geometry(capacityBytes: number, stripes: number): Geometry {
  const totalPages = Math.ceil(capacityBytes / PAGE_BYTES)
  const participantsAt = PARTICIPANTS_AT_BYTES
  const stripesAt = participantsAt + MAX_PARTICIPANTS * PARTICIPANT_WORDS * 4
  const stripeHandsAt = stripesAt + stripes * LINE_BYTES
  const segments: SegmentGeometry[] = []
  let left = totalPages
  let frontBytes = stripeHandsAt + stripes * STRIPE_HAND_BYTES
  while (left > 0) {
    const segment = placePages(frontBytes, left)
    segments.push(segment)
    left -= segment.pages
    frontBytes = 0
  }
  return {
    segments,
    stripes,
    participantsAt: participantsAt >>> 2,
    stripesAt: stripesAt >>> 2,
    stripeHandsAt: stripeHandsAt >>> 2,
    totalPages,
  }
}

function placePages(frontBytes: number, wanted: number): SegmentGeometry {
  const tableAtBytes = roundUp(frontBytes, LINE_BYTES)
  const perPage = PAGE_BYTES + PAGE_DESCRIPTOR_BYTES + 1 / 8
  const room = Math.floor((MAX_SEGMENT_BYTES - tableAtBytes - 2 * PAGE_BYTES) / perPage)
  const pages = Math.min(wanted, room)
  assert(pages > 0, 'a segment has room for pages')
  const bitmapAtBytes = tableAtBytes + pages * PAGE_DESCRIPTOR_BYTES
  const firstPage = roundUp(bitmapAtBytes + Math.ceil(pages / 32) * 4, PAGE_BYTES) / PAGE_BYTES
  const byteLength = (firstPage + pages) * PAGE_BYTES
  assert(byteLength <= MAX_SEGMENT_BYTES, 'a segment stays within its limit')
  return { byteLength, pageTableAt: tableAtBytes >>> 2, bitmapAt: bitmapAtBytes >>> 2, firstPage, pages }
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
