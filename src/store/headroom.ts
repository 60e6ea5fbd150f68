/**
 * What a table behind a log has beyond its capacity, for recovery alone.
 *
 * What fits a table need not fit it again when it is loaded: entries come in another order, sizes share pages otherwise, and
 * a full table would refuse to start. So the region is somewhat larger than asked for, and the writer leaves that much
 * free. Memory that is never used is never touched: the headroom costs address space.
 */
import { KIB, MAX_CAPACITY_BYTES } from '../base/limits.js'
import { PAGE_BYTES } from '../memory/size-classes.js'

/** Room for a span of each size class that fits a small table, and some. */
const LEAST_BYTES = 512 * KIB
/** A larger table has one part in so many. */
const PART = 8

/** Bytes that the region of a table of `capacityBytes` has for entries and buckets. */
export function withHeadroom(capacityBytes: number): number {
  return Math.min(MAX_CAPACITY_BYTES, capacityBytes + Math.max(LEAST_BYTES, Math.ceil(capacityBytes / PART)))
}

/** The capacity that such a region was made for. */
export function capacityWithin(regionBytes: number): number {
  return Math.min(regionBytes - LEAST_BYTES, Math.floor((regionBytes * PART) / (PART + 1)))
}

/** Pages of such a region that the writer leaves free. */
export function reservedPages(capacityBytes: number, totalPages: number): number {
  return Math.max(0, totalPages - Math.ceil(capacityBytes / PAGE_BYTES))
}
