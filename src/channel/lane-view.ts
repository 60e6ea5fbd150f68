/**
 * The words of one lane, as both sides see them: where its slots and its transfer space lie, and how a message gets into
 * a slot. Copies whole words, so a payload's last word may carry up to three bytes of leftovers (seven where short-slots.ts
 * copies).
 *
 * Decides nothing and checks nothing: the client trusts its server, and the server checks before it comes here.
 */
import { copyWords } from '../base/word-copy.js'
import type { Region } from '../memory/region.js'
import {
  HAS_TAIL as IMPORTED_HAS_TAIL,
  IN_AREA as IMPORTED_IN_AREA,
  SLOT_HEAD_WORDS as IMPORTED_SLOT_HEAD_WORDS,
  LANE,
  type LaneGeometry,
  laneAt,
  SLOT,
  SLOT_TAIL,
  SLOT_TAIL_WORDS,
  slotsAt,
  transferAt,
} from './layout.js'
import type { Message } from './message.js'

// Local copies: an imported constant is loaded and checked at every use.
const IN_AREA = IMPORTED_IN_AREA
const SLOT_HEAD_WORDS = IMPORTED_SLOT_HEAD_WORDS
const HAS_TAIL = IMPORTED_HAS_TAIL
const { code: CODE, keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES } = SLOT
const { first: FIRST, second: SECOND, areaAt: AREA_AT, areaBytes: AREA_BYTES, offset: OFFSET } = SLOT_TAIL

/** Beyond, a call of `set` with its view is faster. */
const WORDS_BY_HAND = 128

export class LaneView {
  readonly words: Int32Array
  readonly floats: Float64Array
  /** Words: the lane, its first slot, its transfer space. */
  readonly laneAt: number
  readonly slotsAt: number
  readonly transferAt: number
  readonly slotWords: number
  /** Words from the begin of a slot to its tail. */
  readonly tailWords: number
  readonly inlineBytes: number
  readonly transferBytes: number
  readonly ring: number
  readonly mask: number
  readonly asleepAt: number

  constructor(region: Region, geometry: LaneGeometry, lane: number) {
    this.words = region.segments[0]!.words
    this.floats = region.segments[0]!.floats
    this.laneAt = laneAt(geometry, lane)
    this.slotsAt = slotsAt(geometry, lane)
    this.transferAt = transferAt(geometry, lane)
    this.slotWords = geometry.slotWords
    this.tailWords = geometry.slotWords - SLOT_TAIL_WORDS
    this.inlineBytes = geometry.inlineBytes
    this.transferBytes = geometry.transferBytes
    this.ring = geometry.ring
    this.mask = geometry.ring - 1
    this.asleepAt = this.laneAt + LANE.asleep
  }

  /** Where the slot of a sequence begins, in words. */
  slotAt(sequence: number): number {
    return this.slotsAt + (sequence & this.mask) * this.slotWords
  }

  /** Head and tail of a request but for its state. */
  writeRequest(at: number, message: Message, inArea: number, areaAt: number, areaBytes: number): void {
    const hasTail = areaBytes !== 0 || hasNumbers(message)
    this.#writeHead(at, message, hasTail ? inArea | HAS_TAIL : inArea)
    if (!hasTail) return
    this.#writeTail(at, message, 0)
    this.writeArea(at, areaAt, areaBytes)
  }

  /** Head and tail of a reply, or of a part of it, but for its state. */
  writeReply(at: number, message: Message, inArea: number, offset: number): void {
    const hasTail = offset !== 0 || hasNumbers(message)
    this.#writeHead(at, message, hasTail ? inArea | HAS_TAIL : inArea)
    if (hasTail) this.#writeTail(at, message, offset)
  }

  /** The area that a client gives. */
  writeArea(at: number, areaAt: number, areaBytes: number): void {
    const tail = at + this.tailWords
    this.words[tail + AREA_AT] = areaAt
    this.words[tail + AREA_BYTES] = areaBytes
  }

  /** Where in the payload the part begins that a client sends or asks for, or ABANDONED. */
  writeOffset(at: number, offset: number): void {
    this.words[at + this.tailWords + OFFSET] = offset
  }

  #writeHead(at: number, message: Message, marks: number): void {
    const { words } = this
    words[at + CODE] = message.code | (message.flags << 8) | marks
    words[at + KEY_BYTES] = message.keyBytes
    words[at + VALUE_BYTES] = message.valueBytes
  }

  #writeTail(at: number, message: Message, offset: number): void {
    const { words, floats } = this
    const tail = at + this.tailWords
    floats[(tail + FIRST) >>> 1] = message.first
    floats[(tail + SECOND) >>> 1] = message.second
    words[tail + OFFSET] = offset
  }

  /** Head of a reply. */
  readHead(at: number, message: Message): void {
    const { words, floats } = this
    const code = words[at + CODE]!
    const tail = at + this.tailWords
    const hasTail = (code & HAS_TAIL) !== 0
    message.code = code & 0xff
    message.flags = (code >>> 8) & 0xff
    message.first = hasTail ? floats[(tail + FIRST) >>> 1]! : 0
    message.second = hasTail ? floats[(tail + SECOND) >>> 1]! : 0
    message.shape(words[at + KEY_BYTES]!, words[at + VALUE_BYTES]!)
  }

  /** Word where the part of a payload lies: in the area that begins at that byte, or in the slot. */
  partAt(at: number, inArea: number, areaAt: number): number {
    return inArea === 0 ? at + SLOT_HEAD_WORDS : this.transferAt + (areaAt >>> 2)
  }

  /** Copies `bytes` of the payload, from byte `offset` on, into the lane. */
  writePart(to: number, message: Message, offset: number, bytes: number): void {
    copyPart(message.words, offset >>> 2, this.words, to, (bytes + 3) >>> 2)
  }

  readPart(from: number, message: Message, offset: number, bytes: number): void {
    copyPart(this.words, from, message.words, offset >>> 2, (bytes + 3) >>> 2)
  }
}

/** Whether the numbers of a message need a tail: those that a reader takes for 0 do not. */
function hasNumbers({ first, second }: Message): boolean {
  return first !== 0 || second !== 0 || Object.is(first, -0) || Object.is(second, -0)
}

function copyPart(source: Int32Array, from: number, target: Int32Array, to: number, count: number): void {
  if (count <= WORDS_BY_HAND) copyWords(source, from, target, to, count)
  else target.set(source.subarray(from, from + count), to)
}

/** Where the payload of a slot's part lies, by its code word. */
export function inAreaOf(codeWord: number): number {
  return codeWord & IN_AREA
}
