/**
 * The fixed front of segment 0: the region's header, the page pool's record and the records of the size classes.
 *
 * Publish rule: a region is ready once its `state` word says READY; everything else in the header is written before
 * and never changes, but for the words whose writer says otherwise.
 */
import { wordLayout } from './layout.js'

export const REGION_MAGIC = 0x48545248
export const LAYOUT_VERSION = 1

export const REGION_STATE = { READY: 1, RETIRED: 2 } as const
export const REGION_ROLE = { DIRECT: 1, SERVED: 2 } as const
export const EVICTION = { NONE: 1, CLOCK: 2 } as const

export const HEADER_WORDS = 1024
export const CODEC_NAME_WORDS = 16

export const HEADER = wordLayout('header', HEADER_WORDS, {
  magic: { at: 0, writer: 'creator', what: 'REGION_MAGIC' },
  layoutVersion: {
    at: 1,
    writer: 'creator',
    what: 'LAYOUT_VERSION: another release may lay things out differently',
  },
  state: { at: 2, writer: 'creator, then whoever retires it', what: 'READY or RETIRED; published last' },
  role: { at: 3, writer: 'creator', what: 'DIRECT: every participant writes; SERVED: one process does' },
  stripeBits: { at: 4, writer: 'creator', what: 'log2 of the number of stripes' },
  baseLineBits: { at: 5, writer: 'creator', what: 'log2 of the lines in the first extent of a stripe' },
  eviction: { at: 6, writer: 'creator', what: 'NONE or CLOCK' },
  maxEntries: { at: 7, writer: 'creator', what: 'most entries, 0 for no limit but memory' },
  capacityBytes: {
    at: 8,
    words: 2,
    writer: 'creator',
    what: 'bytes of pages for chunks and bucket lines (float64)',
  },
  hashKey0: { at: 10, writer: 'creator', what: 'first half of the secret hash key' },
  hashKey1: { at: 11, writer: 'creator', what: 'second half' },
  timeMs: {
    at: 12,
    words: 2,
    writer: 'anyone, by compare-and-swap, only forward',
    what: 'no expiry later than this has been answered (float64)',
  },
  createdAtMs: { at: 14, words: 2, writer: 'creator', what: 'wall clock at creation (float64)' },
  bootId: { at: 16, words: 4, writer: 'creator', what: 'random: tells this region from every other' },
  defaultTtlMs: {
    at: 20,
    words: 2,
    writer: 'creator',
    what: 'ttl of a set that names none, 0 for none (float64)',
  },
  entries: {
    at: 22,
    writer: 'anyone, by compare-and-swap and atomic add, under the stripe lock of the entry',
    what: 'entries of all stripes; kept only where maxEntries is set',
  },
  stampWraps: {
    at: 23,
    writer: 'anyone, by atomic add, before the stripe gives out stamps anew',
    what: 'how often a stripe has used up its stamps: what remembers a stamp remembers this too',
  },
  recountDue: {
    at: 24,
    writer: 'who settles a death; 0 by who has counted anew with all desks held',
    what: 'entries may be too high',
  },
  hasExpiries: {
    at: 25,
    writer: 'who puts the first entry with an expiry',
    what: '1: there is something to sweep',
  },
  sweepTurn: {
    at: 26,
    writer: 'compare-and-swap',
    what: 'number of the period whose sweep somebody has taken over',
  },
  sweepStripe: {
    at: 27,
    writer: 'who sweeps; a hint',
    what: 'stripe number that the next sweep begins with',
  },
  sweepBucket: { at: 28, writer: 'who sweeps; a hint', what: 'bucket of that stripe' },
  pageHand: {
    at: 29,
    writer: 'who empties pages; a hint',
    what: 'where the next search for pages to empty begins, as a number over all pages in use of all segments',
  },
  serverProcess: {
    at: 30,
    writer: 'creator',
    what: 'process id of the server, for messages; 0 where role is DIRECT',
  },
  isRecovering: {
    at: 31,
    writer: 'the server',
    what: '1 until a served table holds what its data directory does: nobody may read it yet',
  },
  keyCodec: {
    at: 32,
    words: CODEC_NAME_WORDS,
    writer: 'creator',
    what: 'UTF-8 name of the key codec, zero-padded',
  },
  valueCodec: {
    at: 48,
    words: CODEC_NAME_WORDS,
    writer: 'creator',
    what: 'UTF-8 name of the value codec, zero-padded',
  },
  registryLock: { at: 64, writer: 'lock protocol', what: 'guards joining and leaving of participants' },
  pool: { at: 80, words: 16, writer: 'see POOL', what: 'the page pool' },
  retiredCounters: {
    at: 96,
    words: 32,
    writer: 'under registryLock',
    what: 'sums of the counters of those who left (16 float64)',
  },
})

export const POOL_WORDS = 16
export const POOL = wordLayout('pool', POOL_WORDS, {
  lock: { at: 0, writer: 'lock protocol', what: 'guards the page tables, bitmaps and this record' },
  freePages: { at: 1, writer: 'under lock', what: 'pages in no span' },
  hint: {
    at: 2,
    writer: 'under lock',
    what: 'no page before this one is free (page number over all segments)',
  },
  linesNext: { at: 3, writer: 'under lock', what: 'reference of the next unused bucket line, 0 for none' },
  linesEnd: { at: 4, writer: 'under lock', what: 'reference past the current page run of bucket lines' },
  freeLines: {
    at: 5,
    writer: 'under lock',
    what: 'first of the single bucket lines left over from earlier runs, chained by their first word; 0 for none',
  },
  freeBacked: {
    at: 6,
    writer: 'under lock',
    what: 'free pages that the system has given memory for; only where the region must ask for it',
  },
})

export const MAX_SIZE_CLASSES = 96
export const CLASS_WORDS = 16
export const CLASSES_AT = HEADER_WORDS
export const CLASS = wordLayout('size class', CLASS_WORDS, {
  lock: { at: 0, writer: 'lock protocol', what: 'guards the spans of this class and this record' },
  partial: { at: 1, writer: 'under lock', what: 'page of the first span with free chunks, 0 for none' },
  spans: { at: 2, writer: 'under lock', what: 'spans of this class' },
  free: { at: 3, writer: 'under lock', what: 'free chunks in spans, magazines not counted' },
})
