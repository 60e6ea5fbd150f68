/**
 * Requests that their caller collects himself: `submit` gives an id, `poll` and `result` end it.
 *
 * As many as the window has may be open, answered or not; that is the back-pressure. A lane is a ring, so an answer that
 * is not collected would hold up others: when it does, it is taken from the lane and kept here. Ids name a connection too:
 * one from before a reconnect is known, and its fate is not.
 */
import { OperationError } from '../base/errors.js'
import type { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import type { Effect } from '../commands/operations/operation.js'
import { answerOf } from './answer.js'
import type { Calls } from './calls.js'
import type { Decode } from './requests.js'

/** Ids of one connection; those of the lane are below. */
const IDS_A_CONNECTION = 2 ** 30

/** An answer that has come. */
export interface Answer {
  readonly value: unknown
}

interface Open {
  readonly decode: Decode<unknown>
  readonly effect: Effect
  /** Taken from the lane already. */
  reply: Message | undefined
}

export class Window {
  readonly #lane: LaneClient
  readonly #base: number
  readonly #reply = new Message()
  /** What was submitted and not collected, by lane id. */
  readonly #open = new Map<number, Open>()

  /** `connection` counts those of the client. */
  constructor(lane: LaneClient, connection: number) {
    this.#lane = lane
    this.#base = connection * IDS_A_CONNECTION
  }

  /** Throws OperationError BACK_PRESSURE if there is no room. */
  submit(message: Message, effect: Effect, decode: Decode<unknown>): number {
    const id = this.#open.size < this.#lane.window ? this.#trySubmit(message, effect) : 0
    if (id === 0)
      throw new OperationError(
        'BACK_PRESSURE',
        `${this.#lane.window} requests are in flight: collect some first`,
      )
    this.#open.set(id, { decode, effect, reply: undefined })
    return this.#base + id
  }

  /** The answer, if it is there. Throws what it is if it is an error, RangeError for an id that is not open. */
  poll(id: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const open = this.#find(laneId)
    if (open.reply === undefined && !this.#lane.poll(laneId, this.#reply)) return undefined
    return this.#end(laneId, open)
  }

  /** As {@link poll}, but blocks for up to `timeoutMs`. Undefined after that: the id stays open. */
  wait(id: number, timeoutMs: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const open = this.#find(laneId)
    if (open.reply === undefined && !this.#lane.wait(laneId, this.#reply, timeoutMs)) return undefined
    return this.#end(laneId, open)
  }

  /** Gives the request to `calls`, for a promise. */
  handOver(id: number, calls: Calls, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const laneId = this.#laneId(id)
    const open = this.#find(laneId)
    if (open.reply !== undefined) return Promise.resolve(this.#end(laneId, open).value)
    this.#open.delete(laneId)
    return calls.await(laneId, open.effect, open.decode, timeoutMs, signal)
  }

  /** Takes what has been answered from the lane, so that it holds up nobody. */
  gather(): void {
    for (const [laneId, open] of this.#open)
      if (open.reply === undefined && this.#lane.poll(laneId, this.#reply)) open.reply = this.#reply.copy()
  }

  /** Blocks until one is answered that was not, for at most `timeoutMs`; false if none is left. */
  waitForOne(timeoutMs: number): boolean {
    for (const [laneId, open] of this.#open) {
      if (open.reply !== undefined) continue
      if (this.#lane.wait(laneId, this.#reply, timeoutMs)) open.reply = this.#reply.copy()
      return true
    }
    return false
  }

  /** Requests that were not collected. */
  get size(): number {
    return this.#open.size
  }

  #trySubmit(message: Message, effect: Effect): number {
    const id = this.#lane.trySubmit(message, effect)
    if (id !== 0) return id
    this.gather()
    return this.#lane.trySubmit(message, effect)
  }

  #end(laneId: number, { reply, decode }: Open): Answer {
    this.#open.delete(laneId)
    return { value: answerOf(reply ?? this.#reply, decode) }
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

  #find(laneId: number): Open {
    const open = this.#open.get(laneId)
    if (open === undefined) throw new RangeError('there is no such request, or its answer was collected')
    return open
  }
}
