/**
 * How replies leave a lane, on the server's side: whole, or in parts that the client fetches, and what is said in the name of
 * a worker that has ended.
 *
 * Published by the slot's state word. Areas that the client names were checked before they are noted here; what it asks for
 * with FETCH is checked here. For the worker that holds the lane; what is remembered (replies that leave in parts) binds the
 * lane to it.
 */
import { MIB } from '../base/limits.js'
import type { LaneView } from './lane-view.js'
import {
  ABANDONED,
  CHANNEL_STATUS,
  FAULT,
  HAS_TAIL,
  AREA_ALIGN_BYTES as IMPORTED_AREA_ALIGN_BYTES,
  IN_AREA as IMPORTED_IN_AREA,
  SEQUENCE_MASK,
  SLOT,
  SLOT_STATE,
  SLOT_TAIL,
  STATE_BITS,
  stateWord,
} from './layout.js'
import { Message } from './message.js'

// Local copies: an imported constant is loaded and checked at every use.
const { REQUESTED, PART, DONE, FETCH } = SLOT_STATE
const AREA_ALIGN_BYTES = IMPORTED_AREA_ALIGN_BYTES
const IN_AREA = IMPORTED_IN_AREA
const STATE_MASK = (1 << STATE_BITS) - 1
const NONE = -1
/** Replies in parts that a client is slow to fetch; beyond, no request of the lane is taken. */
const MOST_HELD_BYTES = 8 * MIB

export class ReplyDesk {
  readonly #view: LaneView
  readonly #words: Int32Array
  /** For each slot: the area that its client gave. */
  readonly #areaAt: Int32Array
  readonly #areaBytes: Int32Array
  /** Replies of which parts are to be fetched, by slot; one without payload stands for one that is lost. */
  readonly #held = new Map<number, Message>()
  #heldBytes = 0
  readonly #empty = new Message(0)

  constructor(view: LaneView) {
    this.#view = view
    this.#words = view.words
    this.#areaAt = new Int32Array(view.ring)
    this.#areaBytes = new Int32Array(view.ring)
  }

  /** Whether parts of replies are still to be fetched. */
  get isHolding(): boolean {
    return this.#held.size > 0
  }

  get isFull(): boolean {
    return this.#heldBytes > MOST_HELD_BYTES
  }

  /** Notes the area of a request, which has been checked. */
  noteArea(slot: number, at: number, bytes: number): void {
    this.#areaAt[slot] = at
    this.#areaBytes[slot] = bytes
  }

  areaAt(slot: number): number {
    return this.#areaAt[slot]!
  }

  areaBytes(slot: number): number {
    return this.#areaBytes[slot]!
  }

  /** Whether those bytes lie within the lane's transfer space. */
  isArea(at: number, bytes: number): boolean {
    const space = this.#view.transferBytes
    const isAligned = at % AREA_ALIGN_BYTES === 0 && bytes % AREA_ALIGN_BYTES === 0
    return isAligned && at >= 0 && bytes >= 0 && at <= space && bytes <= space - at
  }

  answer(sequence: number, reply: Message): void {
    const slot = sequence & this.#view.mask
    if (this.#held.size > 0) this.#drain(slot)
    const bytes = reply.payloadBytes
    if (bytes > this.#view.inlineBytes && bytes > this.#areaBytes[slot]!) this.#hold(slot, reply.copy())
    this.#publishPart(sequence, reply, 0)
  }

  /** A reply of the channel's own. */
  answerEmpty(sequence: number, code: number): void {
    this.#empty.clear(code)
    this.#publish(sequence, this.#empty, 0, 0)
  }

  /** Whether the client asks for a part of a reply. */
  isAskedForPart(): boolean {
    for (const slot of this.#held.keys()) if (this.#fetchedSequence(slot) !== NONE) return true
    return false
  }

  /** Sends the parts that are asked for; returns how many, or minus the fault of the client. */
  sendParts(): number {
    let sent = 0
    for (const [slot, reply] of this.#held) {
      const sequence = this.#fetchedSequence(slot)
      if (sequence === NONE) continue
      const fault = this.#sendPart(sequence, slot, reply)
      if (fault !== 0) return -fault
      sent++
    }
    return sent
  }

  /**
   * For a lane whose holder has ended: answers LOST to all requests before `next` that were taken and are unanswered, and
   * will answer so for the rest of replies that it was sending in parts. A client that forges such states is answered so.
   */
  settle(next: number): void {
    for (let back = this.#view.ring; back > 0; back--) {
      const sequence = (next - back) & SEQUENCE_MASK
      const at = this.#view.slotAt(sequence)
      const word = Atomics.load(this.#words, at)
      const state = word & STATE_MASK
      if (word !== stateWord(sequence, state)) continue
      if (state === REQUESTED || state === PART || state === FETCH)
        this.answerEmpty(sequence, CHANNEL_STATUS.LOST)
      else if (state === DONE && this.#isPartial(at)) this.#holdLost(sequence & this.#view.mask)
    }
  }

  forget(): void {
    this.#held.clear()
    this.#heldBytes = 0
  }

  #isPartial(at: number): boolean {
    const words = this.#words
    const code = words[at + SLOT.code]!
    const tail = at + this.#view.tailWords
    const offset = (code & HAS_TAIL) === 0 ? 0 : words[tail + SLOT_TAIL.offset]!
    const bytes = ((words[at + SLOT.keyBytes]! + 7) & ~7) + words[at + SLOT.valueBytes]! - offset
    return bytes > ((code & IN_AREA) === 0 ? this.#view.inlineBytes : words[tail + SLOT_TAIL.areaBytes]!)
  }

  #holdLost(slot: number): void {
    const lost = new Message(0)
    lost.clear(CHANNEL_STATUS.LOST)
    this.#hold(slot, lost)
  }

  #hold(slot: number, reply: Message): void {
    this.#held.set(slot, reply)
    this.#heldBytes += reply.payloadBytes
  }

  #drain(slot: number): void {
    this.#heldBytes -= this.#held.get(slot)?.payloadBytes ?? 0
    this.#held.delete(slot)
  }

  /** Sequence of the reply whose next part is asked for in that slot. */
  #fetchedSequence(slot: number): number {
    const word = Atomics.load(this.#words, this.#view.slotAt(slot))
    const sequence = (word >>> STATE_BITS) & SEQUENCE_MASK
    const isIts = (sequence & this.#view.mask) === slot
    return isIts && word === stateWord(sequence, FETCH) ? sequence : NONE
  }

  #sendPart(sequence: number, slot: number, reply: Message): number {
    const at = this.#view.slotAt(sequence)
    const tail = at + this.#view.tailWords
    const offset = this.#words[tail + SLOT_TAIL.offset]!
    const areaAt = this.#words[tail + SLOT_TAIL.areaAt]!
    const areaBytes = this.#words[tail + SLOT_TAIL.areaBytes]!
    if (offset === ABANDONED || reply.payloadBytes === 0) {
      this.#drain(slot)
      this.answerEmpty(sequence, reply.code)
      return 0
    }
    if (!this.isArea(areaAt, areaBytes)) return FAULT.AREA
    if (offset < 0 || offset >= reply.payloadBytes || offset % 4 !== 0) return FAULT.PART
    this.noteArea(slot, areaAt, areaBytes)
    if (this.#publishPart(sequence, reply, offset)) this.#drain(slot)
    return 0
  }

  /** Publishes what fits of a reply, from byte `offset` on; returns whether that was the rest. */
  #publishPart(sequence: number, reply: Message, offset: number): boolean {
    const view = this.#view
    const slot = sequence & view.mask
    const left = reply.payloadBytes - offset
    const areaBytes = this.#areaBytes[slot]!
    const inArea = left <= view.inlineBytes || areaBytes <= view.inlineBytes ? 0 : IN_AREA
    const bytes = Math.min(left, inArea === 0 ? view.inlineBytes : areaBytes)
    const to = view.partAt(view.slotAt(sequence), inArea, this.#areaAt[slot]!)
    view.writePart(to, reply, offset, bytes)
    this.#publish(sequence, reply, inArea, offset)
    return bytes === left
  }

  #publish(sequence: number, reply: Message, inArea: number, offset: number): void {
    const at = this.#view.slotAt(sequence)
    this.#view.writeReply(at, reply, inArea, offset)
    Atomics.store(this.#words, at, stateWord(sequence, DONE))
  }
}
