/**
 * The calls of a client that have not been answered: promises that wait for their replies, in the order they were made.
 *
 * What finds the window full waits in a queue of this process, and leaves it in order; as long as there is a queue nothing
 * overtakes it. One timer serves all deadlines; it keeps nothing alive, that is for who looks for replies (link.ts).
 *
 * A call whose time is up is given up: its reply, should it come, is dropped. Nothing is ever sent twice.
 */
import { setMaxListeners } from 'node:events'
import { monotonicMs } from '../base/clock.js'
import { OperationError, type Outcome } from '../base/errors.js'
import type { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import { EFFECT, type Effect } from '../commands/operations/operation.js'
import { answerOf } from './answer.js'
import { abortedBy } from './call-options.js'
import type { Decode } from './replies.js'

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly decode: Decode<unknown>
  readonly effect: Effect
  readonly timeoutMs: number
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
  readonly onAbort: (() => void) | undefined
  /** 0 while it waits for room. */
  id: number
  /** What waits for room; undefined once it is sent. */
  message: Message | undefined
}

export class Calls {
  readonly #lane: LaneClient
  readonly #reply = new Message()
  /** Sent, by id, oldest first. */
  readonly #sent = new Map<number, Call>()
  /** Not sent yet. */
  #queue: Call[] = []
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Infinity

  constructor(lane: LaneClient) {
    this.#lane = lane
  }

  /** Calls without an answer. */
  get pending(): number {
    return this.#sent.size + this.#queue.length
  }

  /** Calls that wait for room: nobody may go past them. */
  get queued(): number {
    return this.#queue.length
  }

  /** Sends `message`, or queues it, and returns the promise of its answer. */
  send<R>(
    message: Message,
    effect: Effect,
    decode: Decode<R>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    if (signal?.aborted === true) return Promise.reject(abortedBy(signal, false))
    const id = this.#queue.length === 0 ? this.#lane.trySubmit(message, effect) : 0
    const waiting = id === 0 ? message.copy() : undefined
    return this.#expect(id, waiting, effect, decode, timeoutMs, signal)
  }

  /** A promise for the reply of what was sent already. */
  await<R>(
    id: number,
    effect: Effect,
    decode: Decode<R>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    if (signal?.aborted === true) {
      this.#lane.giveUp(id)
      return Promise.reject(abortedBy(signal, true))
    }
    return this.#expect(id, undefined, effect, decode, timeoutMs, signal)
  }

  /** Answers every call whose reply is there, and sends what waits for room. Throws OperationError when the server has gone. */
  drain(): void {
    for (;;) {
      let settled = 0
      for (const [id, call] of this.#sent) {
        if (!this.#lane.poll(id, this.#reply)) continue
        this.#sent.delete(id)
        settled++
        this.#answer(call)
      }
      const sent = this.sendQueued()
      if (settled === 0 && !sent) break
    }
  }

  /** Blocks until one of the calls sent is answered, for at most `timeoutMs`; false if there is none. */
  waitForOne(timeoutMs: number): boolean {
    const oldest = this.#sent.entries().next().value
    if (oldest === undefined) return false
    const [id, call] = oldest
    if (!this.#lane.wait(id, this.#reply, timeoutMs)) return true
    this.#sent.delete(id)
    this.#answer(call)
    this.sendQueued()
    return true
  }

  /** Sends what waits for room, as far as there is; whether that was something. */
  sendQueued(): boolean {
    let count = 0
    for (const call of this.#queue) {
      const { message } = call
      if (message === undefined) break
      const id = this.#lane.trySubmit(message, call.effect)
      if (id === 0) break
      call.id = id
      call.message = undefined
      this.#sent.set(id, call)
      count++
    }
    if (count > 0) this.#queue.splice(0, count)
    return count > 0
  }

  /** The server has gone: what was sent may have been done, what was not was not. `error` makes the reason. */
  fail(error: (outcome: Outcome) => unknown): void {
    for (const [id, call] of [...this.#sent]) {
      this.#sent.delete(id)
      if (this.#isAnswered(id)) this.#answer(call)
      else this.#reject(call, error(outcomeOf(call.effect)))
    }
    for (const call of this.#queue.splice(0)) this.#reject(call, error('not-applied'))
  }

  #expect<R>(
    id: number,
    message: Message | undefined,
    effect: Effect,
    decode: Decode<R>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const deadlineMs = monotonicMs() + timeoutMs
      const onAbort = signal && (() => this.#giveUp(call, abortedBy(signal, call.message === undefined)))
      const call: Call = {
        resolve: resolve as (value: unknown) => void,
        reject,
        decode,
        effect,
        timeoutMs,
        deadlineMs,
        signal,
        onAbort,
        id,
        message,
      }
      if (message === undefined) this.#sent.set(id, call)
      else this.#queue.push(call)
      if (signal !== undefined && onAbort !== undefined) {
        // One signal for many calls is no leak, and Node would print that it may be one.
        setMaxListeners(0, signal)
        signal.addEventListener('abort', onAbort, { once: true })
      }
      this.#arm(deadlineMs)
    })
  }

  /** Answers a call whose reply is there: after a long turn of the event loop nobody has looked for it yet. */
  #settle(call: Call): boolean {
    if (this.#sent.get(call.id) !== call || !this.#isAnswered(call.id)) return false
    this.#sent.delete(call.id)
    this.#answer(call)
    return true
  }

  #isAnswered(id: number): boolean {
    try {
      return this.#lane.poll(id, this.#reply)
    } catch {
      return false
    }
  }

  #answer(call: Call): void {
    let value: unknown
    try {
      value = answerOf(this.#reply, call.decode)
    } catch (error) {
      this.#reject(call, error)
      return
    }
    this.#forget(call)
    call.resolve(value)
  }

  #reject(call: Call, error: unknown): void {
    this.#forget(call)
    call.reject(error)
  }

  #forget({ signal, onAbort }: Call): void {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }

  #giveUp(call: Call, error: unknown): void {
    if (call.message !== undefined) {
      const at = this.#queue.indexOf(call)
      if (at < 0) return
      this.#queue.splice(at, 1)
    } else {
      if (!this.#sent.delete(call.id)) return
      this.#lane.giveUp(call.id)
    }
    this.#reject(call, error)
  }

  #arm(deadlineMs: number): void {
    if (deadlineMs >= this.#timerAtMs) return
    clearTimeout(this.#timer)
    this.#timerAtMs = deadlineMs
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, deadlineMs - monotonicMs())).unref()
  }

  #expire(): void {
    this.#timerAtMs = Infinity
    const nowMs = monotonicMs()
    let nextMs = Infinity
    for (const call of [...this.#sent.values(), ...this.#queue]) {
      if (call.deadlineMs > nowMs) nextMs = Math.min(nextMs, call.deadlineMs)
      else if (!this.#settle(call)) this.#giveUp(call, timedOut(call))
    }
    if (nextMs < Infinity) this.#arm(nextMs)
  }
}

/** What became of a request that was sent, and whose reply nobody will see. */
export function outcomeOf(effect: Effect): Outcome {
  return effect === EFFECT.NONE ? 'not-applied' : 'unknown'
}

function timedOut(call: Call): OperationError {
  const isSent = call.message === undefined
  return new OperationError('TIMEOUT', `the server did not answer within ${call.timeoutMs} ms`, {
    outcome: isSent ? outcomeOf(call.effect) : 'not-applied',
  })
}
