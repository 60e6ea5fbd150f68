/**
 * Where the words of a page's descriptor lie, and what its `kind` and the number of a page mean. For pages.ts, which hands
 * them out, and for those who walk over them.
 *
 * A span is a run of pages with one purpose. The descriptor of its first page says which, and how many pages: `kind` is the
 * purpose in its low bits and the pages above; the others hold their distance to the first, negative. Guards stand with
 * each word. No code here touches shared memory.
 */
import { assert } from '../base/assert.js'
import { PAGE_DESCRIPTOR_BYTES } from './geometry.js'
import { wordLayout } from './layout.js'
import type { Reference } from './region.js'
import { PAGE_BYTES } from './size-classes.js'

export const PAGE = wordLayout('page descriptor', PAGE_DESCRIPTOR_BYTES / 4, {
  kind: {
    at: 0,
    writer: 'under pool lock',
    what: '0 free; positive: first page of a span, purpose and pages; negative: distance to the first page',
  },
  freeHead: {
    at: 1,
    writer: 'under class lock',
    what: 'ordinal + 1 of the first free chunk, 0 for none; the chunk holds the next',
  },
  freeCount: { at: 2, writer: 'under class lock', what: 'chunks in that list' },
  carved: {
    at: 3,
    writer: 'under class lock',
    what: 'chunks handed out at least once; those beyond were never touched',
  },
  next: { at: 4, writer: 'under class lock', what: 'next span of the class with free chunks, 0 for none' },
  previous: { at: 5, writer: 'under class lock', what: 'the one before, 0 for the first' },
  backed: {
    at: 6,
    writer: 'under pool lock',
    what: '1: the system has given memory for this page; only where the region must ask for it',
  },
  closed: {
    at: 7,
    writer: 'under class lock',
    what: 'tag of who empties this span: it hands out nothing and stays even if empty; 0: nobody',
  },
})

/** What a span is for: a size class (its index), or one of these. */
export const SPAN_LARGE = 120
export const SPAN_LINES = 121

const PURPOSE_BITS = 7
const PURPOSE_MASK = (1 << PURPOSE_BITS) - 1

/** Granules of a page, as a shift of a reference. */
export const PAGE_SHIFT = 8

/** The `kind` of the first page of a span. */
export function kindOfSpan(purpose: number, pages: number): number {
  return (pages << PURPOSE_BITS) | purpose
}
export function kindPurpose(kind: number): number {
  return kind & PURPOSE_MASK
}
export function kindPages(kind: number): number {
  return kind >>> PURPOSE_BITS
}
/** Page number (over all segments) that holds `reference`. */
export function pageOf(reference: Reference): number {
  return reference >>> PAGE_SHIFT
}
/** Reference of a page's first granule. */
export function pageReference(page: number): Reference {
  return page << PAGE_SHIFT
}

assert(PAGE_BYTES === 16 << PAGE_SHIFT, 'a page is whole granules')
