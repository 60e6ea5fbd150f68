/**
 * Requests that their caller collects himself: `submit` gives an id, `poll` and `result` end it.
 *
 * Nothing here takes a reply that was not asked for, so what is not collected keeps its place in the window; that is the
 * back-pressure. Ids name a connection too: one from before a reconnect is known, and its fate is not.
 */
import { OperationError } from '../base/errors.js'
import type { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import type { Effect } from '../commands/operations/operation.js'
import { answerOf } from './answer.js'
import type { Decode } from './requests.js'

/** Ids of one connection; those of the lane are below. */
const IDS_A_CONNECTION = 2 ** 30

/** An answer that has come. */
export interface Answer {
  readonly value: unknown
}

export interface Windowed {
  readonly decode: Decode<unknown>
  readonly effect: Effect
}

export class Window {
  readonly #lane: LaneClient
  readonly #base: number
  readonly #reply = new Message()
  /** What was submitted and not collected, by lane id. */
  readonly #open = new Map<number, Windowed>()

  /** `connection` counts those of the client. */
  constructor(lane: LaneClient, connection: number) {
    this.#lane = lane
    this.#base = connection * IDS_A_CONNECTION
  }

  /** Throws OperationError BACK_PRESSURE if there is no room. */
  submit(message: Message, effect: Effect, decode: Decode<unknown>): number {
    const id = this.#lane.trySubmit(message, effect)
    if (id === 0)
      throw new OperationError(
        'BACK_PRESSURE',
        `${this.#lane.window} requests are in flight: collect some first`,
      )
    this.#open.set(id, { decode, effect })
    return this.#base + id
  }

  /** The answer, if it is there. Throws what it is if it is an error, RangeError for an id that is not open. */
  poll(id: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const { decode } = this.#find(laneId)
    if (!this.#lane.poll(laneId, this.#reply)) return undefined
    this.#open.delete(laneId)
    return { value: answerOf(this.#reply, decode) }
  }

  /** As {@link poll}, but blocks for up to `timeoutMs`. Undefined after that: the id stays open. */
  wait(id: number, timeoutMs: number): Answer | undefined {
    const laneId = this.#laneId(id)
    const { decode } = this.#find(laneId)
    if (!this.#lane.wait(laneId, this.#reply, timeoutMs)) return undefined
    this.#open.delete(laneId)
    return { value: answerOf(this.#reply, decode) }
  }

  /** Gives the request to somebody else, who will collect it: its lane id and what was kept with it. */
  handOver(id: number): Windowed & { readonly laneId: number } {
    const laneId = this.#laneId(id)
    const open = this.#find(laneId)
    this.#open.delete(laneId)
    return { ...open, laneId }
  }

  /** Requests that were not collected. */
  get size(): number {
    return this.#open.size
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

  #find(laneId: number): Windowed {
    const open = this.#open.get(laneId)
    if (open === undefined) throw new RangeError('there is no such request, or its answer was collected')
    return open
  }
}
