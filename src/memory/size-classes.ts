/**
 * Size classes: which chunk sizes exist and how many pages a span of each takes.
 *
 * Steps of 16 bytes up to 128, then eight steps a doubling, so that rounding up wastes at most an eighth. A span is
 * a run of pages cut into chunks of one class, sized so that the cut-off at its end is at most an eighth too. What is
 * larger than the largest class gets a run of pages of its own. Pure arithmetic: every participant of a region
 * computes the same table from the region's capacity.
 */
import { assert } from '../base/assert.js'
import { GRANULE_BYTES, KIB } from '../base/limits.js'

export const PAGE_BYTES = 4 * KIB
const LARGEST_CHUNK_BYTES = 32 * KIB

export interface SizeClass {
  readonly chunkBytes: number
  readonly spanPages: number
  readonly chunksPerSpan: number
  /** Most chunks a participant keeps at hand; 0 where every chunk goes through the class's lock. */
  readonly magazineDepth: number
}

export interface SizeClasses {
  readonly classes: readonly SizeClass[]
  /** Index of the class by size in granules, rounded up. */
  readonly byGranules: Uint8Array
  readonly largestChunkBytes: number
}

export function sizeClasses(capacityBytes: number): SizeClasses {
  const largest = Math.min(LARGEST_CHUNK_BYTES, Math.max(KIB, capacityBytes / 64))
  const spanGoalBytes = Math.min(64 * KIB, Math.max(PAGE_BYTES, capacityBytes / 512))
  const classes: SizeClass[] = []
  for (let chunkBytes = GRANULE_BYTES; chunkBytes <= largest; chunkBytes += stepAfter(chunkBytes)) {
    const spanPages = pagesFor(chunkBytes, spanGoalBytes)
    const chunksPerSpan = Math.floor((spanPages * PAGE_BYTES) / chunkBytes)
    classes.push({ chunkBytes, spanPages, chunksPerSpan, magazineDepth: depthFor(chunkBytes, capacityBytes) })
  }
  const largestChunkBytes = classes[classes.length - 1]!.chunkBytes
  const byGranules = new Uint8Array(largestChunkBytes / GRANULE_BYTES + 1)
  let index = 0
  for (let granules = 0; granules < byGranules.length; granules++) {
    if (granules * GRANULE_BYTES > classes[index]!.chunkBytes) index++
    byGranules[granules] = index
  }
  assert(classes.length <= 96, 'size classes fit their records')
  return { classes, byGranules, largestChunkBytes }
}

function stepAfter(chunkBytes: number): number {
  if (chunkBytes < 128) return GRANULE_BYTES
  return 2 ** Math.floor(Math.log2(chunkBytes)) / 8
}

function pagesFor(chunkBytes: number, goalBytes: number): number {
  for (let pages = Math.max(1, Math.ceil(goalBytes / PAGE_BYTES)); ; pages++) {
    const bytes = pages * PAGE_BYTES
    if (bytes >= chunkBytes && (bytes % chunkBytes) * 8 <= bytes) return pages
  }
}

/** At most about 3 KiB a class and, in all, a small part of a small region. */
function depthFor(chunkBytes: number, capacityBytes: number): number {
  const depth = chunkBytes <= 128 ? 24 : chunkBytes <= 512 ? 12 : chunkBytes <= 1024 ? 4 : 0
  return depth * chunkBytes * 64 <= capacityBytes ? depth : 0
}
