/**
 * The way of most messages through a lane: those that fit their slot and use no area, whichever side sends them.
 *
 * What lane-view.ts, request-intake.ts and reply-desk.ts do for any message is done here in one go for these. Long
 * functions on purpose, with the arithmetic of layout.ts written out: taken apart, each piece loads and checks anew what
 * the piece before it had in registers (measured: a third of a request's time on either side). Fields that are numbers
 * begin as numbers, so that the engine never asks what they are. Payloads are copied eight bytes at a time (half the time of
 * four), so up to seven bytes of leftovers follow one.
 *
 * **Published by the slot's state word, stored last.** Plainly, and looked at plainly: on x86-64 that is order enough, and
 * each atomic access is a call. Only a request is stored so that its client may look at the bell at once; a worker that has
 * stored replies sees to that itself before it looks whether the client sleeps (served-lane.ts). A message that is not short
 * is left to the others, and nothing has happened. On the server's side nothing that the client writes is believed: each
 * word of the head is read once, and checked.
 *
 * For one thread on either side.
 */
import { assert } from '../base/assert.js'
import { copyLongs as importedCopyLongs } from '../memory/long-copy.js'
import type { LaneView } from './lane-view.js'
import {
  HAS_TAIL as IMPORTED_HAS_TAIL,
  IN_AREA as IMPORTED_IN_AREA,
  SEQUENCE_MASK as IMPORTED_SEQUENCE_MASK,
  SLOT_HEAD_WORDS as IMPORTED_SLOT_HEAD_WORDS,
  STATE_BITS as IMPORTED_STATE_BITS,
  SLOT,
  SLOT_STATE,
  SLOT_TAIL,
  SLOT_TAIL_WORDS,
} from './layout.js'
import type { Message } from './message.js'

// Local copies: an imported constant is loaded and checked at every use, and so is a function.
const copyLongs = importedCopyLongs
const { REQUESTED, GO_ON, DONE } = SLOT_STATE
const { code: CODE, keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES } = SLOT
const { first: FIRST, second: SECOND, areaAt: AREA_AT, areaBytes: AREA_BYTES, offset: OFFSET } = SLOT_TAIL
const HAS_TAIL = IMPORTED_HAS_TAIL
const IN_AREA = IMPORTED_IN_AREA
const SEQUENCE_MASK = IMPORTED_SEQUENCE_MASK
const HEAD_WORDS = IMPORTED_SLOT_HEAD_WORDS
const STATE_BITS = IMPORTED_STATE_BITS

assert(
  HEAD_WORDS % 2 === 0 && SLOT_TAIL_WORDS % 2 === 0,
  'a payload in a slot begins and ends at whole eight bytes',
)

export class ShortSlots {
  /** Set by `take`: the client has nothing more to say. */
  isDrained = false
  readonly #words: Int32Array
  readonly #floats: Float64Array
  /** The same memory, for copying: eight bytes at a time. */
  readonly #longs: BigInt64Array
  readonly #slotsAt: number = 0
  readonly #slotWords: number = 0
  readonly #tailWords: number = 0
  readonly #mask: number = 0
  readonly #room: number = 0

  constructor(view: LaneView) {
    this.#words = view.words
    this.#floats = view.floats
    this.#longs = new BigInt64Array(view.words.buffer, view.words.byteOffset, view.words.length >>> 1)
    this.#slotsAt = view.slotsAt
    this.#slotWords = view.slotWords
    this.#tailWords = view.tailWords
    this.#mask = view.mask
    this.#room = view.inlineBytes
  }

  /** Publishes a request or a reply with that state; false if it is not short. */
  put(sequence: number, state: number, message: Message): boolean {
    const { keyBytes, valueBytes, first, second } = message
    const payloadBytes = ((keyBytes + 7) & ~7) + valueBytes
    if (payloadBytes > this.#room) return false
    const words = this.#words
    const at = this.#slotsAt + Math.imul(sequence & this.#mask, this.#slotWords)
    copyLongs(message.longs, 0, this.#longs, (at + HEAD_WORDS) >>> 1, (payloadBytes + 7) >>> 3)
    let code = message.code | (message.flags << 8)
    if (first !== 0 || second !== 0 || Object.is(first, -0) || Object.is(second, -0)) {
      this.#putNumbers(at + this.#tailWords, first, second, state)
      code |= HAS_TAIL
    }
    words[at + CODE] = code
    words[at + KEY_BYTES] = keyBytes
    words[at + VALUE_BYTES] = valueBytes
    if (state === REQUESTED) Atomics.store(words, at, (sequence << STATE_BITS) | REQUESTED)
    else words[at] = (sequence << STATE_BITS) | state
    return true
  }

  /**
   * The server's side: copies what the client has published from sequence `next` on, up to `most` requests, into `group`;
   * returns how many. Ends before the first that is not there, not short, or not as it should be.
   */
  take(next: number, most: number, group: readonly Message[]): number {
    const words = this.#words
    const room = this.#room
    const mask = this.#mask
    let count = 0
    for (; count < most; count++) {
      const sequence = (next + count) & SEQUENCE_MASK
      const at = this.#slotsAt + Math.imul(sequence & mask, this.#slotWords)
      const word = words[at]!
      if (word !== ((sequence << STATE_BITS) | REQUESTED)) {
        const isOld = word >>> STATE_BITS === ((sequence - mask - 1) & SEQUENCE_MASK)
        this.isDrained = isOld || word === ((sequence << STATE_BITS) | GO_ON)
        break
      }
      const code = words[at + CODE]!
      const keyBytes = words[at + KEY_BYTES]!
      const valueBytes = words[at + VALUE_BYTES]!
      if (keyBytes < 0 || keyBytes > room || valueBytes < 0 || valueBytes > room) break
      const payloadBytes = ((keyBytes + 7) & ~7) + valueBytes
      if (payloadBytes > room || (code & IN_AREA) !== 0 || (code & 0xff) === 0) break
      const request = group[count]!
      if ((code & HAS_TAIL) === 0) {
        request.first = 0
        request.second = 0
      } else if (!this.#takeNumbers(at + this.#tailWords, request)) break
      request.code = code & 0xff
      request.flags = (code >>> 8) & 0xff
      request.keyBytes = keyBytes
      request.valueBytes = valueBytes
      request.hint = 0
      copyLongs(this.#longs, (at + HEAD_WORDS) >>> 1, request.longs, 0, (payloadBytes + 7) >>> 3)
    }
    return count
  }

  /** The client's side: looks for the reply to a request, so many times at most; whether it is there, whatever its length. */
  lookFor(sequence: number, looks: number): boolean {
    const words = this.#words
    const at = this.#slotsAt + Math.imul(sequence & this.#mask, this.#slotWords)
    const done = (sequence << STATE_BITS) | DONE
    for (let look = 0; look < looks; look++) if (words[at] === done) return true
    return false
  }

  /** The client's side: copies the reply to a request, whose area is none; false if it is not there, or not short. */
  receive(sequence: number, reply: Message): boolean {
    const words = this.#words
    const at = this.#slotsAt + Math.imul(sequence & this.#mask, this.#slotWords)
    if (words[at] !== ((sequence << STATE_BITS) | DONE)) return false
    const code = words[at + CODE]!
    const keyBytes = words[at + KEY_BYTES]!
    const valueBytes = words[at + VALUE_BYTES]!
    const payloadBytes = ((keyBytes + 7) & ~7) + valueBytes
    if (payloadBytes > this.#room || (code & IN_AREA) !== 0) return false
    if ((code & HAS_TAIL) === 0) {
      reply.first = 0
      reply.second = 0
    } else {
      const tail = at + this.#tailWords
      reply.first = this.#floats[(tail + FIRST) >>> 1]!
      reply.second = this.#floats[(tail + SECOND) >>> 1]!
    }
    reply.code = code & 0xff
    reply.flags = (code >>> 8) & 0xff
    reply.shape(keyBytes, valueBytes)
    copyLongs(this.#longs, (at + HEAD_WORDS) >>> 1, reply.longs, 0, (payloadBytes + 7) >>> 3)
    return true
  }

  #putNumbers(tail: number, first: number, second: number, state: number): void {
    const words = this.#words
    this.#floats[(tail + FIRST) >>> 1] = first
    this.#floats[(tail + SECOND) >>> 1] = second
    words[tail + OFFSET] = 0
    // The area is the client's to write.
    if (state !== REQUESTED) return
    words[tail + AREA_AT] = 0
    words[tail + AREA_BYTES] = 0
  }

  /** False if the client offers an area. */
  #takeNumbers(tail: number, request: Message): boolean {
    if (this.#words[tail + AREA_BYTES] !== 0 || this.#words[tail + AREA_AT] !== 0) return false
    request.first = this.#floats[(tail + FIRST) >>> 1]!
    request.second = this.#floats[(tail + SECOND) >>> 1]!
    return true
  }
}
