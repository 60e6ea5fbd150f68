/**
 * Layouts of the table: stripe, bucket line, chunk.
 *
 *   stripe (one cache line)          bucket (one cache line)                chunk
 *   lock version count stamps        link | hash ref stamp | ... x5         lengths and flags | expiry? | key | value
 *   buckets free-lines extents[10] ->  |            |                          ^
 *                                      v next line  +--------------------------+
 *
 * A stripe's buckets lie in extents: the first holds 2^b lines, each further one as many as all before it, so that the
 * array grows without moving (linear hashing, Litwin 1980): bucket i of n splits into i and i + 2^level.
 *
 * Publish rules: an entry exists once its slot's stamp is not 0; a bucket exists once the stripe's `buckets` covers it.
 */
import { wordLayout } from '../memory/layout.js'

export const STRIPE_WORDS = 16
export const STRIPE = wordLayout('stripe', STRIPE_WORDS, {
  lock: { at: 0, writer: 'lock protocol', what: 'guards every slot of the stripe and this record' },
  version: {
    at: 1,
    writer: 'under lock',
    what: 'changes whenever an entry has moved: a miss is valid if it did not change',
  },
  count: { at: 2, writer: 'under lock', what: 'entries' },
  stamps: { at: 3, writer: 'under lock', what: 'last stamp given out; stored before the slot that gets it' },
  buckets: { at: 4, writer: 'under lock', what: 'buckets in use; published by this one store' },
  freeLines: {
    at: 5,
    writer: 'under lock',
    what: 'first of the spare bucket lines of this stripe, chained by link',
  },
  extents: {
    at: 6,
    words: 10,
    writer: 'under lock',
    what: 'references of the bucket extents, 0 where not there yet',
  },
})
export const MAX_EXTENTS = 10

/** A bucket line: link, then five slots of three words. */
export const LINE_LINK = 0
export const FIRST_SLOT = 1
export const SLOT_WORDS = 3
export const SLOTS_PER_LINE = 5
export const SLOT = wordLayout('slot', SLOT_WORDS, {
  hash: {
    at: 0,
    writer: 'under stripe lock; the clock bit by anyone, atomically',
    what: 'low 31 bits of the hash; top bit: clock',
  },
  reference: { at: 1, writer: 'under stripe lock', what: 'the chunk; 0: empty' },
  stamp: { at: 2, writer: 'under stripe lock', what: 'version of this entry; 0: being changed, look again' },
})
/** Top bit of a slot's hash word: used since the clock hand last came by. Never compared. */
export const CLOCK_BIT = 1 << 31

/** A chunk's header; the expiry is there only if the flag says so, then the key, then the value on an even word. */
export const CHUNK = wordLayout('chunk', 4, {
  valueWord: {
    at: 0,
    writer: 'who fills the chunk, before it is published',
    what: 'value length in bytes (27 bits) and flags',
  },
  keyWord: {
    at: 1,
    writer: 'who fills the chunk, before it is published',
    what: 'key length in bytes (17 bits)',
  },
  expiry: {
    at: 2,
    words: 2,
    writer: 'under stripe lock while the slot is busy',
    what: 'milliseconds since 1970, Infinity for none (float64)',
  },
})
export const VALUE_LENGTH_MASK = (1 << 27) - 1
export const KEY_LENGTH_MASK = (1 << 17) - 1
/** The value is ASCII: its bytes are its characters, and may be read in one pass from shared memory. */
export const FLAG_ASCII = 1 << 27
/** The chunk has the expiry field. */
export const FLAG_EXPIRY = 1 << 28

/** Words from the chunk's start to its key. */
export function keyOffset(valueWord: number): number {
  return (valueWord & FLAG_EXPIRY) !== 0 ? 4 : 2
}

/** Words that a key takes: whole 8-byte units, so that the value is aligned for one 8-byte store. */
export function keyWords(keyBytes: number): number {
  return ((keyBytes + 7) >>> 3) << 1
}

/** Bytes of a whole chunk. */
export function chunkBytes(valueWord: number, keyWord: number): number {
  return ((keyOffset(valueWord) + keyWords(keyWord & KEY_LENGTH_MASK)) << 2) + (valueWord & VALUE_LENGTH_MASK)
}

/** Average entries a bucket holds before the next one is split off (five fit a line). */
export const ENTRIES_PER_BUCKET = 3.5
/** Lines that a walk of one chain may look at before it counts as broken; far beyond what hashing can do. */
export const MAX_CHAIN_LINES = 1 << 16
