/**
 * A request or a reply that goes through a lane in parts, as the client sees it. Each part waits for the other side's word:
 * GO_ON asks for the next part of the request, FETCH for the next of the reply.
 *
 * Goes on only when `advance` is called, by whichever call of the client comes next. An exchange that was abandoned ends as
 * soon as the server lets it: the rest is not sent, or not fetched.
 */

import { inAreaOf, type LaneView } from './lane-view.js'
import { ABANDONED, SLOT, SLOT_STATE, stateWord } from './layout.js'
import { Message } from './message.js'
import type { SlotAreas } from './slot-areas.js'

export class PartedExchange {
  readonly #view: LaneView
  readonly #areas: SlotAreas
  readonly #sequence: number
  readonly #slot: number
  readonly #at: number
  /** What is being sent, until it is. */
  #request: Message | undefined
  #sent: number
  /** What has come, so far. */
  readonly reply = new Message()
  #received = 0
  #isReplying = false
  #isAbandoned = false
  isComplete = false

  /** `request` with `sent` bytes of its payload on their way; undefined if it has been sent whole. */
  constructor(view: LaneView, areas: SlotAreas, sequence: number, request?: Message, sent = 0) {
    this.#view = view
    this.#areas = areas
    this.#sequence = sequence
    this.#slot = sequence & view.mask
    this.#at = view.slotAt(sequence)
    this.#request = request
    this.#sent = sent
  }

  abandon(): void {
    this.#isAbandoned = true
    this.#request = undefined
  }

  /** Does what the server's last word asks for. True if that was something, which the server is to be rung for. */
  advance(): boolean {
    if (this.isComplete) return false
    const word = Atomics.load(this.#view.words, this.#at)
    if (word === stateWord(this.#sequence, SLOT_STATE.GO_ON)) this.#sendPart()
    else if (word !== stateWord(this.#sequence, SLOT_STATE.DONE) || !this.#receivePart()) return false
    return true
  }

  #sendPart(): void {
    const view = this.#view
    const request = this.#request
    if (request === undefined) {
      view.writeOffset(this.#at, ABANDONED)
    } else {
      const bytes = Math.min(this.#areas.bytes(this.#slot), request.payloadBytes - this.#sent)
      view.writePart(view.partAt(this.#at, 1, this.#areas.at(this.#slot)), request, this.#sent, bytes)
      view.writeOffset(this.#at, this.#sent)
      this.#sent += bytes
    }
    Atomics.store(view.words, this.#at, stateWord(this.#sequence, SLOT_STATE.PART))
  }

  /** True if it asked for more. */
  #receivePart(): boolean {
    const view = this.#view
    const { reply } = this
    this.#request = undefined
    if (this.#isReplying && this.#isCutShort()) {
      this.isComplete = true
      return false
    }
    if (!this.#isReplying) view.readHead(this.#at, reply)
    this.#isReplying = true
    const inArea = inAreaOf(view.words[this.#at + SLOT.code]!)
    const room = inArea === 0 ? view.inlineBytes : this.#areas.bytes(this.#slot)
    const bytes = Math.min(room, reply.payloadBytes - this.#received)
    view.readPart(view.partAt(this.#at, inArea, this.#areas.at(this.#slot)), reply, this.#received, bytes)
    this.#received += bytes
    const left = reply.payloadBytes - this.#received
    this.isComplete = left === 0
    if (this.isComplete) return false
    this.#fetch(left)
    return true
  }

  /** Another head than the first: the rest is not wanted, or a worker has ended, and its successor has no more of the reply. */
  #isCutShort(): boolean {
    const { words } = this.#view
    const { reply } = this
    const code = words[this.#at + SLOT.code]! & 0xff
    const isSame =
      code === reply.code &&
      words[this.#at + SLOT.keyBytes] === reply.keyBytes &&
      words[this.#at + SLOT.valueBytes] === reply.valueBytes
    if (!isSame) reply.clear(code)
    return !isSame
  }

  #fetch(left: number): void {
    const view = this.#view
    const areas = this.#areas
    // That of the request may be small, and parts of that size very many.
    if (!this.#isAbandoned) areas.enlarge(this.#slot, left)
    view.writeArea(this.#at, areas.at(this.#slot), areas.bytes(this.#slot))
    view.writeOffset(this.#at, this.#isAbandoned ? ABANDONED : this.#received)
    Atomics.store(view.words, this.#at, stateWord(this.#sequence, SLOT_STATE.FETCH))
  }
}
