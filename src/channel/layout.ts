/**
 * Where the words of a lane file lie: what a client and its server share to talk to each other.
 *
 *   file    header | lane | lane | ...
 *   lane    header | ring of slots | transfer space
 *   slot    head (16 bytes) | payload: the key, zeros to a multiple of 8, the value | tail (32 bytes)
 *
 * A slot is request and reply at once. What few messages have lies in its tail, which is not touched otherwise: a short
 * message is one cache line that goes from core to core instead of two. **A slot is published by its state word**, stored last by the side whose turn ends:
 *
 *     client         server                      client          server
 *   REQUESTED ────────────────────────> DONE ────> REQUESTED ────> ...    (the next request of this slot)
 *       └──> GO_ON ──> PART ──> ... ──> DONE       parts of a long request
 *                                       DONE ──> FETCH ──> DONE ──> ...   parts of a long reply
 *
 * The state word holds the request's sequence too, so a slot of an earlier turn of the ring never passes for one of this
 * turn; a fresh slot looks like one answered in the turn before the first. The server makes and fills the file; of what
 * clients write it believes nothing (served-lane.ts), and what it must remember lies elsewhere, out of their reach
 * (ledger.ts). Not for data that outlives either side.
 */
import { assert } from '../base/assert.js'
import { MAX_KEY_BYTES, MAX_MESSAGE_VALUE_BYTES, MAX_SEGMENT_BYTES } from '../base/limits.js'
import { wordLayout } from '../memory/layout.js'

/** 'Lane' and the layout's version, in one word each. */
export const LANE_MAGIC = 0x656e614c
export const LANE_VERSION = 3

export const MAX_WINDOW = 4096
export const MAX_LANES = 256
/** Workers of one server, a bit each in a word. */
export const MAX_LANE_WORKERS = 30
export const FILE_WORDS = 64
export const LANE_WORDS = 64
const SERVER = 'the server, before the client knows the file'

export const LANE_FILE = wordLayout('lane file', FILE_WORDS, {
  magic: { at: 0, writer: SERVER, what: 'LANE_MAGIC, stored last' },
  version: { at: 1, writer: SERVER, what: 'LANE_VERSION' },
  state: { at: 2, writer: 'the server', what: 'one of FILE_STATE' },
  lanes: { at: 3, writer: SERVER, what: 'number of lanes' },
  window: {
    at: 4,
    writer: SERVER,
    what: 'most requests in flight in a lane; the ring is the next power of two',
  },
  slotBytes: { at: 5, writer: SERVER, what: 'bytes of a slot, head included' },
  transferBytes: { at: 6, writer: SERVER, what: 'bytes of the transfer space of a lane' },
  client: { at: 7, writer: SERVER, what: 'process id of the client; for messages' },
  serverId: { at: 8, words: 4, writer: SERVER, what: 'boot id of the server: another server, another id' },
})

/** Zero is none of them: a file that was never finished says nothing. */
export const FILE_STATE = { READY: 1, CLOSED: 2 } as const

export const LANE = wordLayout('lane', LANE_WORDS, {
  user: {
    at: 0,
    writer: 'threads of the client, by compare-and-swap',
    what: '1 while a thread has it, 0: nobody',
  },
  state: { at: 16, writer: 'the server', what: 'one of LANE_STATE' },
  fault: { at: 17, writer: 'the server, before state', what: 'why it was dropped: index in FAULTS' },
  home: {
    at: 18,
    writer: 'the worker that holds the lane',
    what: 'whom to wake: worker + 1, and HOME_BOUND if no other will do; only a hint',
  },
  asleep: {
    at: 32,
    writer: 'the client before it sleeps, the server when it wakes it',
    what: 'one of ASLEEP; the word that a blocked client sleeps on',
  },
})

export const LANE_STATE = { OPEN: 1, DROPPED: 2, CLOSED: 3 } as const
export const ASLEEP = { NO: 0, ON_FUTEX: 1, IN_EVENT_LOOP: 2 } as const
export const HOME_BOUND = 1 << 16

export const SLOT_HEAD_WORDS = 4
/** The last words of a slot. */
export const SLOT_TAIL_WORDS = 8
const TURN = 'whose turn it is'
export const SLOT = wordLayout('slot', SLOT_HEAD_WORDS, {
  state: { at: 0, writer: `${TURN}, last`, what: 'sequence, and one of SLOT_STATE in the low bits' },
  code: {
    at: 1,
    writer: TURN,
    what: 'operation or status (bits 0-7), flags (8-15), IN_AREA: the payload is in the area, HAS_TAIL',
  },
  keyBytes: { at: 2, writer: TURN, what: 'length of the key; 0 in replies' },
  valueBytes: { at: 3, writer: TURN, what: 'length of the value, all parts together' },
})

/** In REQUESTED and DONE only with HAS_TAIL; without it all of them are 0. */
export const SLOT_TAIL = wordLayout('slot tail', SLOT_TAIL_WORDS, {
  first: { at: 0, words: 2, writer: TURN, what: 'a float64 argument or result' },
  second: { at: 2, words: 2, writer: TURN, what: 'another' },
  areaAt: { at: 4, writer: 'the client', what: 'where its area begins in the transfer space, in bytes' },
  areaBytes: { at: 5, writer: 'the client', what: 'length of that area, 0 for none' },
  offset: { at: 6, writer: TURN, what: 'where in the payload this part begins; ABANDONED: no more of it' },
})

/** States of a slot. REQUESTED, PART and FETCH are the client's word, GO_ON and DONE the server's. */
export const SLOT_STATE = { REQUESTED: 1, GO_ON: 2, PART: 3, DONE: 4, FETCH: 5 } as const
export const STATE_BITS = 3
export const SEQUENCE_MASK = 0x1fffffff
export const IN_AREA = 1 << 16
export const HAS_TAIL = 1 << 17
/** As offset of PART: the request is taken back. As offset of FETCH: the rest of the reply is not wanted. */
export const ABANDONED = -1
/** Areas begin and end on multiples of it. */
export const AREA_ALIGN_BYTES = 64

/** Codes of replies that the channel itself gives; an operation's own statuses are 1 to MAX_OWN_STATUS. */
export const CHANNEL_STATUS = {
  /** Nothing was done: the request was not received whole, because a worker ended or the client took it back. */
  NOT_TAKEN: 253,
  /** The handler threw. It may or may not have been done. */
  FAILED: 254,
  /** A worker ended while it was at it. It may or may not have been done. */
  LOST: 255,
} as const
export const MAX_OWN_STATUS = 239

/** Why a lane was dropped. */
export const FAULTS = [
  'none',
  'a state that cannot follow the one before',
  'a length beyond the limits',
  'an area outside the transfer space',
  'a part that does not follow the one before',
  'an operation number out of range',
] as const
export const FAULT = { STATE: 1, LENGTH: 2, AREA: 3, PART: 4, CODE: 5 } as const

/** Most bytes of a payload: a key and a value, each whole words. */
export const MAX_PAYLOAD_BYTES = MAX_KEY_BYTES + MAX_MESSAGE_VALUE_BYTES

/** The state word of a slot. `sequence` counts for ever, of it the low 29 bits are kept. */
export function stateWord(sequence: number, state: number): number {
  return (sequence << STATE_BITS) | state
}

export interface LaneShape {
  readonly lanes: number
  /** Most requests in flight in a lane; the ring is the next power of two. */
  readonly window: number
  readonly slotBytes: number
  readonly transferBytes: number
}

/** Defaults: 208 bytes inline is a key of 16 and a value of 100 with room to spare (measured: see lane-client.ts). */
export const DEFAULT_LANE_SHAPE: LaneShape = {
  lanes: 1,
  window: 64,
  slotBytes: 256,
  transferBytes: 256 * 1024,
}

/** Word and byte offsets that follow from a shape. */
export interface LaneGeometry extends LaneShape {
  readonly ring: number
  readonly slotWords: number
  readonly inlineBytes: number
  readonly laneWords: number
  readonly fileBytes: number
}

/** Throws RangeError for a shape that cannot be. */
export function laneGeometry(shape: LaneShape): LaneGeometry {
  const { lanes, window, slotBytes, transferBytes } = shape
  checkWhole('lanes', lanes, 1, MAX_LANES)
  checkWhole('window', window, 1, MAX_WINDOW)
  checkWhole('slotBytes', slotBytes, 64, 4096)
  checkWhole('transferBytes', transferBytes, 4096, MAX_SEGMENT_BYTES / 2)
  if (slotBytes % 64 !== 0) throw new RangeError(`slotBytes must be a multiple of 64, not ${slotBytes}`)
  if (transferBytes % 64 !== 0)
    throw new RangeError(`transferBytes must be a multiple of 64, not ${transferBytes}`)
  // As a whole number of 32 bits from the start (`2 **` makes a float64, and of all that is computed from it, too).
  const ring = 1 << (32 - Math.clz32(window - 1))
  const laneWords = LANE_WORDS + (ring * slotBytes + transferBytes) / 4
  const fileBytes = (FILE_WORDS + lanes * laneWords) * 4
  if (fileBytes > MAX_SEGMENT_BYTES)
    throw new RangeError(`lanes of ${fileBytes} bytes: at most ${MAX_SEGMENT_BYTES}`)
  const slotWords = slotBytes / 4
  const inlineBytes = slotBytes - (SLOT_HEAD_WORDS + SLOT_TAIL_WORDS) * 4
  return { lanes, window, slotBytes, transferBytes, ring, slotWords, inlineBytes, laneWords, fileBytes }
}

/** Where lane `index` begins, in words. */
export function laneAt(geometry: LaneGeometry, index: number): number {
  return FILE_WORDS + index * geometry.laneWords
}

/** Where the ring of lane `index` begins, in words. */
export function slotsAt(geometry: LaneGeometry, index: number): number {
  return laneAt(geometry, index) + LANE_WORDS
}

/** Where the transfer space of lane `index` begins, in words. */
export function transferAt(geometry: LaneGeometry, index: number): number {
  return slotsAt(geometry, index) + geometry.ring * geometry.slotWords
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} must be a whole number of ${least} to ${most}, not ${value}`)
}

assert(SEQUENCE_MASK >= MAX_WINDOW * 4, 'a sequence is told from those of the turns before')
assert(
  SLOT_TAIL_WORDS % 2 === 0 && LANE_WORDS % 16 === 0 && FILE_WORDS % 16 === 0,
  'float64 fields are aligned',
)
