/**
 * Requests that their caller collects himself: `submit` gives an id, `poll` and `result` end it.
 *
 * As many as the window has may be open, answered or not; that is the back-pressure. A lane is a ring, so an answer that
 * is not collected would hold up others: when it does, it is taken from the lane and kept here. Ids name a connection too:
 * one from before a reconnect is known, and its fate is not.
 *
 * What is known of a request lies in arrays by its slot of the lane, so that none allocates anything but its answer
 * (measured: a map of objects by id took 60 ns of each request).
 */
import { OperationError } from '../base/errors.js'
import type { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import type { Effect } from '../commands/operations/operation.js'
import { answerOf } from './answer.js'
import type { Calls } from './calls.js'
import type { Decode } from './replies.js'

/** Ids of one connection; those of the lane are below. */
const IDS_A_CONNECTION = 1 << 30
/** In place of a lane id: the slot is nobody's. */
const NOBODY = 0

/** An answer that has come. */
export interface Answer {
  readonly value: unknown
}

/** A reply that was taken from the lane before it was asked for. */
interface Kept {
  readonly decode: Decode<unknown>
  readonly reply: Message
}

export class Window {
  readonly #lane: LaneClient
  readonly #base: number
  readonly #mask: number
  readonly #reply = new Message()
  /** What was submitted and is in the lane, by slot: its lane id or NOBODY, how it is decoded, what it may change. */
  readonly #ids: Int32Array
  readonly #decodes: Decode<unknown>[]
  readonly #effects: Effect[]
  #inLane = 0
  /** By lane id: the slots of these belong to later ones. */
  readonly #kept = new Map<number, Kept>()
  #lastId = NOBODY

  /** `connection` counts those of the client. */
  constructor(lane: LaneClient, connection: number) {
    this.#lane = lane
    this.#base = connection * IDS_A_CONNECTION
    const { ring, mask } = lane.view
    this.#mask = mask
    this.#ids = new Int32Array(ring).fill(NOBODY)
    this.#decodes = Array.from({ length: ring }, () => nothing)
    this.#effects = Array.from({ length: ring }, () => 0)
  }

  /** Throws OperationError BACK_PRESSURE if there is no room. */
  submit(message: Message, effect: Effect, decode: Decode<unknown>): number {
    const id = this.size < this.#lane.window ? this.#trySubmit(message, effect) : 0
    if (id === 0) throw full(this.#lane.window)
    const slot = (id - 1) & this.#mask
    this.#ids[slot] = id
    this.#decodes[slot] = decode
    this.#effects[slot] = effect
    this.#inLane++
    this.#lastId = id
    return this.#base + id
  }

  /** The answer, if it is there. Throws what it is if it is an error, RangeError for an id that is not open. */
  poll(id: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const slot = (laneId - 1) & this.#mask
    if (this.#ids[slot] !== laneId) return this.#takeKept(laneId)
    return this.#lane.poll(laneId, this.#reply) ? this.#end(slot) : undefined
  }

  /** As {@link poll}, but blocks for up to `timeoutMs`. Undefined after that: the id stays open. */
  wait(id: number, timeoutMs: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const slot = (laneId - 1) & this.#mask
    if (this.#ids[slot] !== laneId) return this.#takeKept(laneId)
    return this.#lane.wait(laneId, this.#reply, timeoutMs) ? this.#end(slot) : undefined
  }

  /** What an open request may change. */
  effectOf(id: number): Effect {
    return this.#effects[(this.#laneId(id) - 1) & this.#mask] ?? 0
  }

  /** Gives the request to `calls`, for a promise. */
  handOver(id: number, calls: Calls, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const laneId = this.#laneId(id)
    const slot = (laneId - 1) & this.#mask
    if (this.#ids[slot] !== laneId) return Promise.resolve(this.#takeKept(laneId).value)
    const decode = this.#forget(slot)
    return calls.await(laneId, this.#effects[slot] ?? 0, decode, timeoutMs, signal)
  }

  /** Takes what has been answered from the lane, so that it holds up nobody. */
  gather(): void {
    for (let slot = 0; slot <= this.#mask && this.#inLane > 0; slot++) {
      const laneId = this.#ids[slot]!
      if (laneId !== NOBODY && this.#lane.poll(laneId, this.#reply)) this.#keep(slot)
    }
  }

  /** Blocks until one is answered that was not, for at most `timeoutMs`; false if none is left. */
  waitForOne(timeoutMs: number): boolean {
    const slot = this.#oldest()
    if (slot < 0) return false
    if (this.#lane.wait(this.#ids[slot]!, this.#reply, timeoutMs)) this.#keep(slot)
    return true
  }

  /** Requests that were not collected. */
  get size(): number {
    return this.#inLane + this.#kept.size
  }

  #trySubmit(message: Message, effect: Effect): number {
    const id = this.#lane.trySubmit(message, effect)
    if (id !== 0) return id
    this.gather()
    return this.#lane.trySubmit(message, effect)
  }

  /** Slot of the oldest that is in the lane; -1: none is. They lie in the order of their ids, around the ring. */
  #oldest(): number {
    for (let step = 0; step <= this.#mask; step++) {
      const slot = (this.#lastId + step) & this.#mask
      if (this.#ids[slot] !== NOBODY) return slot
    }
    return -1
  }

  #end(slot: number): Answer {
    return { value: answerOf(this.#reply, this.#forget(slot)) }
  }

  #keep(slot: number): void {
    const laneId = this.#ids[slot]!
    this.#kept.set(laneId, { decode: this.#forget(slot), reply: this.#reply.copy() })
  }

  #forget(slot: number): Decode<unknown> {
    this.#ids[slot] = NOBODY
    this.#inLane--
    return this.#decodes[slot] ?? nothing
  }

  #takeKept(laneId: number): Answer {
    const kept = this.#kept.get(laneId)
    if (kept === undefined) throw new RangeError('there is no such request, or its answer was collected')
    this.#kept.delete(laneId)
    return { value: answerOf(kept.reply, kept.decode) }
  }

  #laneId(id: number): number {
    const laneId = id - this.#base
    if (laneId > 0 && laneId < IDS_A_CONNECTION) return laneId
    if (laneId <= 0 && id > 0 && Number.isInteger(id))
      throw new OperationError('SERVER_GONE', `request ${id} went by a connection that is lost`, {
        outcome: 'unknown',
      })
    throw new RangeError(`there is no request ${id}`)
  }
}

/** How an empty slot is decoded. */
function nothing(): undefined {
  return undefined
}

function full(window: number): OperationError {
  return new OperationError('BACK_PRESSURE', `${window} requests are in flight: collect some first`)
}
