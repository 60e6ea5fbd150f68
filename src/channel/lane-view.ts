/**
 * The words of one lane, as both sides see them: where its slots and its transfer space lie, and how a message gets into
 * a slot. Copies whole words, so a payload's last word may carry up to three bytes of leftovers.
 *
 * Decides nothing and checks nothing: the client trusts its server, and the server checks before it comes here.
 */
import type { Region } from '../memory/region.js'
import {
  ABANDONED,
  IN_AREA as IMPORTED_IN_AREA,
  SLOT_HEAD_WORDS as IMPORTED_SLOT_HEAD_WORDS,
  LANE,
  type LaneGeometry,
  laneAt,
  SLOT,
  slotsAt,
  transferAt,
} from './layout.js'
import { copyWords, type Message } from './message.js'

// Local copies: an imported constant is loaded and checked at every use.
const IN_AREA = IMPORTED_IN_AREA
const SLOT_HEAD_WORDS = IMPORTED_SLOT_HEAD_WORDS
const {
  code: CODE,
  keyBytes: KEY_BYTES,
  valueBytes: VALUE_BYTES,
  first: FIRST,
  second: SECOND,
  offset: OFFSET,
} = SLOT

export class LaneView {
  readonly words: Int32Array
  readonly floats: Float64Array
  /** Words: the lane, its first slot, its transfer space. */
  readonly laneAt: number
  readonly slotsAt: number
  readonly transferAt: number
  readonly slotWords: number
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

  /** Writes the head of a message but for its state and its area. */
  writeHead(at: number, message: Message, inArea: number, offset: number): void {
    const { words, floats } = this
    words[at + CODE] = message.code | (message.flags << 8) | inArea
    words[at + KEY_BYTES] = message.keyBytes
    words[at + VALUE_BYTES] = message.valueBytes
    floats[(at + FIRST) >>> 1] = message.first
    floats[(at + SECOND) >>> 1] = message.second
    words[at + OFFSET] = offset
  }

  /** Head of a reply. */
  readHead(at: number, message: Message): void {
    const { words, floats } = this
    const code = words[at + CODE]!
    message.code = code & 0xff
    message.flags = (code >>> 8) & 0xff
    message.first = floats[(at + FIRST) >>> 1]!
    message.second = floats[(at + SECOND) >>> 1]!
    message.shape(words[at + KEY_BYTES]!, words[at + VALUE_BYTES]!)
  }

  /** Word where the part of a payload lies: in the area that begins at that byte, or in the slot. */
  partAt(at: number, inArea: number, areaAt: number): number {
    return inArea === 0 ? at + SLOT_HEAD_WORDS : this.transferAt + (areaAt >>> 2)
  }

  /** Copies `bytes` of the payload, from byte `offset` on, into the lane. */
  writePart(to: number, message: Message, offset: number, bytes: number): void {
    copyWords(this.words, to, message.words, offset >>> 2, (bytes + 3) >>> 2)
  }

  readPart(from: number, message: Message, offset: number, bytes: number): void {
    copyWords(message.words, offset >>> 2, this.words, from, (bytes + 3) >>> 2)
  }

  /** Marks a slot as one whose rest is not wanted or will not come. */
  abandon(at: number): void {
    this.words[at + OFFSET] = ABANDONED
  }
}

/** Where the payload of a slot's part lies, by its code word. */
export function inAreaOf(codeWord: number): number {
  return codeWord & IN_AREA
}
