/**
 * How requests come out of a lane, on the server's side: whole, or in parts.
 *
 * Nothing that the client writes is believed. The head is read once, into locals, and checked there; the payload is copied
 * to private memory, bounded by what was checked, before anybody looks at it. A client that changes a request meanwhile
 * harms its own.
 */
import {
  MAX_KEY_BYTES as IMPORTED_MAX_KEY_BYTES,
  MAX_MESSAGE_VALUE_BYTES as IMPORTED_MAX_MESSAGE_VALUE_BYTES,
} from '../base/limits.js'
import type { LaneView } from './lane-view.js'
import {
  ABANDONED,
  FAULT,
  HAS_TAIL as IMPORTED_HAS_TAIL,
  IN_AREA as IMPORTED_IN_AREA,
  SLOT,
  SLOT_STATE,
  SLOT_TAIL,
  stateWord,
} from './layout.js'
import { Message } from './message.js'
import type { ReplyDesk } from './reply-desk.js'

// Local copies: an imported constant is loaded and checked at every use.
const { GO_ON } = SLOT_STATE
const { code: CODE, keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES } = SLOT
const { first: FIRST, second: SECOND, areaAt: AREA_AT, areaBytes: AREA_BYTES, offset: OFFSET } = SLOT_TAIL
const HAS_TAIL = IMPORTED_HAS_TAIL
const IN_AREA = IMPORTED_IN_AREA
const MAX_KEY_BYTES = IMPORTED_MAX_KEY_BYTES
const MAX_MESSAGE_VALUE_BYTES = IMPORTED_MAX_MESSAGE_VALUE_BYTES

/** What has become of a request; below 0: minus the fault of the client. */
export const INTAKE = { WHOLE: 0, PARTIAL: 1, REFUSED: 2 } as const
const { WHOLE } = INTAKE

/** Where requests that come whole are put, one after the other; and who is told of what failed. */
export interface IntakeKeeper {
  readonly request: Message
  onError(error: unknown): void
}

export class RequestIntake {
  readonly #view: LaneView
  readonly #words: Int32Array
  readonly #desk: ReplyDesk
  readonly #keeper: IntakeKeeper
  /** What arrives in parts, and how much of it is here. */
  #assembly: Message | undefined
  #assembled = 0
  /** The one that is WHOLE. */
  request: Message

  constructor(view: LaneView, desk: ReplyDesk, keeper: IntakeKeeper) {
    this.#view = view
    this.#words = view.words
    this.#desk = desk
    this.#keeper = keeper
    this.request = keeper.request
  }

  get isReceiving(): boolean {
    return this.#assembly !== undefined
  }

  forget(): void {
    this.#assembly = undefined
  }

  /** A request that came in parts was carried out: its memory is not kept. */
  forgetRequest(): void {
    this.request = this.#keeper.request
  }

  /** A slot says REQUESTED. */
  begin(sequence: number, at: number): number {
    const words = this.#words
    const { floats, inlineBytes } = this.#view
    const { request } = this.#keeper
    const code = words[at + CODE]!
    const keyBytes = words[at + KEY_BYTES]!
    const valueBytes = words[at + VALUE_BYTES]!
    const hasTail = (code & HAS_TAIL) !== 0
    const tail = at + this.#view.tailWords
    const areaAt = hasTail ? words[tail + AREA_AT]! : 0
    const areaBytes = hasTail ? words[tail + AREA_BYTES]! : 0
    if (keyBytes < 0 || keyBytes > MAX_KEY_BYTES) return -FAULT.LENGTH
    if (valueBytes < 0 || valueBytes > MAX_MESSAGE_VALUE_BYTES) return -FAULT.LENGTH
    if (!this.#desk.isArea(areaAt, areaBytes)) return -FAULT.AREA
    if ((code & 0xff) === 0) return -FAULT.CODE
    if (this.#assembly !== undefined) return -FAULT.STATE
    request.code = code & 0xff
    request.flags = (code >>> 8) & 0xff
    request.first = hasTail ? floats[(tail + FIRST) >>> 1]! : 0
    request.second = hasTail ? floats[(tail + SECOND) >>> 1]! : 0
    this.#desk.noteArea(sequence & this.#view.mask, areaAt, areaBytes)
    const inArea = code & IN_AREA
    const room = inArea === 0 ? inlineBytes : areaBytes
    const payloadBytes = ((keyBytes + 7) & ~7) + valueBytes
    const from = this.#view.partAt(at, inArea, areaAt)
    this.request = request
    if (payloadBytes <= room) {
      request.shape(keyBytes, valueBytes)
      this.#view.readPart(from, request, 0, payloadBytes)
      return WHOLE
    }
    if (inArea === 0 || room === 0) return -FAULT.LENGTH
    request.keyBytes = keyBytes
    request.valueBytes = valueBytes
    return this.#beginParts(sequence, from, room)
  }

  /** A slot says PART. */
  goOn(sequence: number, at: number): number {
    const slot = sequence & this.#view.mask
    const assembly = this.#assembly
    const offset = this.#words[at + this.#view.tailWords + OFFSET]!
    // Taken back, or its beginning went with a worker that has ended.
    if (assembly === undefined || offset === ABANDONED) {
      this.#assembly = undefined
      return INTAKE.REFUSED
    }
    if (offset !== this.#assembled) return -FAULT.PART
    const bytes = Math.min(this.#desk.areaBytes(slot), assembly.payloadBytes - offset)
    this.#view.readPart(this.#view.partAt(at, IN_AREA, this.#desk.areaAt(slot)), assembly, offset, bytes)
    this.#assembled += bytes
    if (this.#assembled < assembly.payloadBytes) {
      Atomics.store(this.#words, at, stateWord(sequence, GO_ON))
      return INTAKE.PARTIAL
    }
    this.#assembly = undefined
    this.request = assembly
    return WHOLE
  }

  /** The head is in the keeper's request. REFUSED if there is no memory for the rest. */
  #beginParts(sequence: number, from: number, bytes: number): number {
    const assembly = new Message(0)
    try {
      assembly.copyHead(this.#keeper.request)
    } catch (error) {
      this.#keeper.onError(error)
      return INTAKE.REFUSED
    }
    this.#view.readPart(from, assembly, 0, bytes)
    this.#assembly = assembly
    this.#assembled = bytes
    Atomics.store(this.#words, this.#view.slotAt(sequence), stateWord(sequence, GO_ON))
    return INTAKE.PARTIAL
  }
}
