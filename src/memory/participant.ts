/**
 * A participant: one thread's record in the region. It names the thread as an owner of locks, holds the chunks that
 * are on their way ("in hand"), its magazines of free chunks, and its counters.
 *
 * The desk lock is held by its own thread throughout each writing operation, and by another thread only while that
 * one takes over the magazines (memory is short) or repairs after a death. Whoever holds it is the sole writer of
 * the magazines. In-hand words are written by the participant itself alone, or by who repairs it.
 *
 * What a death leaves behind: a chunk is named by an in-hand word before it moves and until it has arrived, so
 * repair finds it wherever the thread stopped: what is in hand and nowhere else is given back.
 */

import { PARTICIPANT_WORDS } from './geometry.js'
import { wordLayout } from './layout.js'

/** Chunks that one operation can detach from the table before it frees them. */
export const MAX_DETACHED = 40
export const MAGAZINES_AT = 128

const own = 'its own thread, or who repairs it'

export const PARTICIPANT = wordLayout('participant', PARTICIPANT_WORDS, {
  desk: {
    at: 0,
    writer: 'lock protocol',
    what: 'guards the magazines; held throughout each writing operation',
  },
  process: { at: 1, writer: 'who joins', what: 'process id; for messages' },
  thread: {
    at: 2,
    writer: 'who joins, by compare-and-swap together with startTime; 0 by who leaves or settles',
    what: 'who: kernel thread id, or minus the worker id and 1 where there is none; 0: free',
  },
  startTime: {
    at: 3,
    writer: 'who joins, in one store with thread: who reads both sees both',
    what: 'start time of the thread in clock ticks, low 31 bits; 0: unknown',
  },
  worker: {
    at: 4,
    writer: 'who joins; 0 by who leaves or settles',
    what: 'worker_threads id + 1; for messages and exit events',
  },
  generation: {
    at: 5,
    writer: 'who leaves, or who settles the dead, before the record is free',
    what: 'counts the users of this record; part of their lock tag',
  },
  repairer: {
    at: 6,
    writer: 'compare-and-swap',
    what: 'tag of the participant that repairs this one, 0: nobody',
  },
  holding: { at: 7, writer: own, what: 'word index of the stripe, class or pool lock being taken or held' },
  chunkInHand: { at: 8, writer: own, what: 'new chunk between its magazine and its slot' },
  moving: { at: 9, writer: own, what: 'chunk between a span and a magazine' },
  linesInHand: { at: 10, writer: own, what: 'new bucket lines between the pool and their stripe' },
  lineCount: { at: 11, writer: own, what: 'how many lines' },
  lineStripe: { at: 12, writer: own, what: 'word index of the stripe they are meant for' },
  dead: {
    at: 13,
    writer: 'the exit listener of its parent',
    what: 'lock tag of the participant whose worker is known to have exited; says nothing about later ones',
  },
  spareInHand: { at: 14, writer: own, what: 'spare bucket line between two lists of one stripe' },
  spareStripe: { at: 15, writer: own, what: 'word index of that stripe' },
  detached: {
    at: 16,
    words: MAX_DETACHED,
    writer: own,
    what: 'old chunks between their slots and a magazine',
  },
  windowAt: {
    at: 56,
    writer: own,
    what: 'first page of the run that is being emptied, whose spans may be closed; 0 for none',
  },
  windowPages: { at: 57, writer: own, what: 'how many pages' },
  staged: {
    at: 58,
    writer: own,
    what: 'chunks that are filled, in no slot yet, and known to their thread alone; never fewer than there are',
  },
  counters: { at: 64, words: 32, writer: own, what: 'see COUNTERS (16 float64)' },
  magazines: {
    at: MAGAZINES_AT,
    words: PARTICIPANT_WORDS - MAGAZINES_AT,
    writer: 'under desk',
    what: 'for each class a count and its chunks',
  },
})

/** Counters of one participant, float64 each, in order. */
export const COUNTERS = {
  hits: 0,
  misses: 1,
  sets: 2,
  deletes: 3,
  evictions: 4,
  expirations: 5,
  readRetries: 6,
  lockWaits: 7,
  splits: 8,
  repairs: 9,
  lockedReads: 10,
} as const
export const COUNTER_SLOTS = 16
export type CounterName = keyof typeof COUNTERS

/** A lock tag: generation and record number, so that a tag of an earlier user never passes for the present one. */
export const TAG_INDEX_BITS = 8
export const TAG_INDEX_MASK = (1 << TAG_INDEX_BITS) - 1
const GENERATION_MASK = 0x3fffff

/** The tag of the `generation`th user of record `index`; positive, below the CONTENDED bit. */
export function lockTag(index: number, generation: number): number {
  return ((generation & GENERATION_MASK) << TAG_INDEX_BITS) | (index + 1)
}

/** Record number of a tag (without its CONTENDED bit). */
export function tagIndex(tag: number): number {
  return (tag & TAG_INDEX_MASK) - 1
}

/** The words of a record that can name a chunk. */
export function* chunkWords(at: number): Generator<number> {
  yield at + PARTICIPANT.chunkInHand
  yield at + PARTICIPANT.moving
  for (let i = 0; i < MAX_DETACHED; i++) yield at + PARTICIPANT.detached + i
}
