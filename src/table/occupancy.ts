/**
 * How full a table is: how entries lie in stripes and buckets, and what the memory is used for. Read without locks or
 * validation while others write: a report for people, which may be off by what happened meanwhile.
 */

import { PAGE_DESCRIPTOR_BYTES } from '../memory/geometry.js'
import { CLASS, CLASS_WORDS, CLASSES_AT, HEADER, POOL } from '../memory/header.js'
import { kindPages, kindPurpose, SPAN_LARGE, SPAN_LINES } from '../memory/page-descriptor.js'
import { recordsInUse } from '../memory/participant-list.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference } from '../memory/region.js'
import { PAGE_BYTES, type SizeClass, sizeClasses } from '../memory/size-classes.js'
import { magazineOffsets } from '../memory/slab.js'
import { Buckets } from './buckets.js'
import { FIRST_SLOT, LINE_LINK, MAX_CHAIN_LINES, SLOT_WORDS, SLOTS_PER_LINE, STRIPE } from './layout.js'
import type { TableView } from './view.js'

export interface BucketOccupancy {
  readonly stripes: number
  /** Entries of the stripe that has fewest, and of the one that has most. */
  readonly leastPerStripe: number
  readonly mostPerStripe: number
  readonly buckets: number
  /** How many buckets hold 0, 1, 2, ... entries. */
  readonly byEntries: readonly number[]
  /** How many buckets take 1, 2, ... lines of five slots. */
  readonly byLines: readonly number[]
}

export interface ClassOccupancy {
  readonly chunkBytes: number
  /** Chunks that entries have; those that threads keep at hand; those that are free. */
  readonly used: number
  readonly inMagazines: number
  readonly free: number
  /** Of the pages that the class has. */
  readonly bytes: number
}

export interface MemoryOccupancy {
  readonly capacityBytes: number
  /** Of pages that serve nothing now. */
  readonly freeBytes: number
  /** Of pages of bucket lines. */
  readonly lineBytes: number
  /** Values too large for a class, each in pages of its own. */
  readonly largeChunks: number
  readonly largeBytes: number
  /** Those that have pages, by size. */
  readonly classes: readonly ClassOccupancy[]
}

/** Looks at every bucket; `onProgress` hears of every stripe. */
export function bucketOccupancy(
  view: TableView,
  onProgress?: (stripes: number, of: number) => void,
): BucketOccupancy {
  const places = new Buckets(view)
  const byEntries: number[] = []
  const byLines: number[] = []
  let buckets = 0
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (let stripe = 0; stripe < places.stripes; stripe++) {
    const stripeAt = places.stripeNumber(stripe)
    const entries = view.words[stripeAt + STRIPE.count]!
    least = Math.min(least, entries)
    most = Math.max(most, entries)
    const count = view.words[stripeAt + STRIPE.buckets]!
    for (let index = 0; index < count; index++) {
      const chain = lookAtChain(view, places.line(stripeAt, index))
      increase(byEntries, chain.entries)
      if (chain.lines > 0) increase(byLines, chain.lines - 1)
      buckets++
    }
    onProgress?.(stripe + 1, places.stripes)
  }
  return { stripes: places.stripes, leastPerStripe: least, mostPerStripe: most, buckets, byEntries, byLines }
}

function lookAtChain({ region }: TableView, first: Reference): { entries: number; lines: number } {
  let entries = 0
  let lines = 0
  for (let line = first; line !== 0 && lines < MAX_CHAIN_LINES; lines++) {
    const segment = region.segments[line >>> GRANULE_BITS]
    if (segment === undefined) break
    const at = (line & GRANULE_MASK) << 2
    const end = at + FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
    for (let slot = at + FIRST_SLOT; slot < end; slot += SLOT_WORDS)
      if (segment.words[slot + 1] !== 0) entries++
    line = segment.words[at + LINE_LINK]!
  }
  return { entries, lines }
}

function increase(counts: number[], index: number): void {
  while (counts.length <= index) counts.push(0)
  counts[index]!++
}

export function memoryOccupancy(view: TableView): MemoryOccupancy {
  const pages = countPages(view)
  return {
    capacityBytes: view.shape.totalPages * PAGE_BYTES,
    freeBytes: view.words[HEADER.pool + POOL.freePages]! * PAGE_BYTES,
    lineBytes: pages.lines * PAGE_BYTES,
    largeChunks: pages.largeChunks,
    largeBytes: pages.large * PAGE_BYTES,
    classes: classOccupancy(view),
  }
}

function classOccupancy({ words, shape, facts }: TableView): ClassOccupancy[] {
  const sizes = sizeClasses(facts.capacityBytes)
  const offsets = magazineOffsets(sizes)
  const inMagazines = (index: number, { magazineDepth }: SizeClass): number => {
    let chunks = 0
    if (magazineDepth > 0) for (const at of recordsInUse(words, shape)) chunks += words[at + offsets[index]!]!
    return chunks
  }
  return sizes.classes.flatMap((each, index) => {
    const at = CLASSES_AT + index * CLASS_WORDS
    const spans = words[at + CLASS.spans]!
    if (spans === 0) return []
    const free = words[at + CLASS.free]!
    const kept = inMagazines(index, each)
    const used = Math.max(0, spans * each.chunksPerSpan - free - kept)
    const bytes = spans * each.spanPages * PAGE_BYTES
    return [{ chunkBytes: each.chunkBytes, used, inMagazines: kept, free, bytes }]
  })
}

function countPages({ region, shape }: TableView): { lines: number; large: number; largeChunks: number } {
  const counts = { lines: 0, large: 0, largeChunks: 0 }
  for (const [index, { pageTableAt, pages }] of shape.segments.entries()) {
    const { words } = region.segments[index]!
    for (let page = 0; page < pages; ) {
      const kind = words[pageTableAt + page * (PAGE_DESCRIPTOR_BYTES >>> 2)]!
      const run = kind > 0 ? Math.max(1, kindPages(kind)) : 1
      if (kind > 0 && kindPurpose(kind) === SPAN_LINES) counts.lines += run
      if (kind > 0 && kindPurpose(kind) === SPAN_LARGE) {
        counts.large += run
        counts.largeChunks++
      }
      page += run
    }
  }
  return counts
}
