/**
 * What a client is behind its methods: the present connection or none, and the ways to carry out a request: by a promise,
 * blocking, or in a window. Reconnects by itself; what was on its way when a connection ended has failed with it and is
 * never sent again.
 */
import { EventEmitter } from 'node:events'
import { monotonicMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import type { Message } from '../channel/message.js'
import { answerOf } from './answer.js'
import { type CallOptions, checkSignal, timeoutOf } from './call-options.js'
import { outcomeOf } from './calls.js'
import type { Connection, Connector } from './connection.js'
import { Link } from './link.js'
import { Reconnection } from './reconnection.js'
import type { Decode } from './replies.js'
import type { Requests } from './requests.js'
import type { Rounds } from './rounds.js'
import type { Answer } from './windowed.js'

/** Between looks for room that only the server can make. */
const ROOM_PAUSE_MS = 1
const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

export interface CoreOptions<K, V> {
  readonly connection: Connection
  /** Undefined: when the connection ends, so does the client. */
  readonly connector: Connector | undefined
  readonly requests: Requests<K, V>
  readonly message: Message
  readonly window: number
  readonly timeoutMs: number
}

export class ClientCore<K, V> {
  readonly requests: Requests<K, V>
  readonly events = new EventEmitter()
  /** Messages that wait for what was asked before them: no later one goes past. */
  unsentMessages = 0
  readonly #message: Message
  readonly #reconnection: Reconnection | undefined
  readonly #timeoutMs: number
  #link: Link<K, V>
  #links = 0
  #isClosed = false
  #isReferenced = false
  /** Something is to come that nobody has asked for: messages. */
  #isHeld = false
  #areCallsReferenced = true

  constructor({ connection, connector, requests, message, window, timeoutMs }: CoreOptions<K, V>) {
    this.requests = requests
    this.#message = message
    this.#timeoutMs = timeoutMs
    if (connector !== undefined)
      this.#reconnection = new Reconnection(
        () => connector.connect(window, timeoutMs),
        (next) => {
          this.#link = this.#open(next)
          // What a listener throws, be it what a call in it was answered, says nothing of the connection.
          queueMicrotask(() => this.events.emit('reconnect'))
        },
      )
    this.#link = this.#open(connection)
    // Whoever got the client a moment ago is listening by then.
    setImmediate(() => this.events.emit('connect')).unref()
  }

  get isConnected(): boolean {
    return !this.#link.isOver
  }

  /** The present connection. Throws OperationError CLOSED or SERVER_GONE if there is none. */
  link(): Link<K, V> {
    const link = this.#link
    if (link.isOver) throw this.#whyNot()
    return link
  }

  /** A request that `make` fills, and a promise of its answer. Never throws. */
  async call<R>(make: () => Decode<R>, options: CallOptions | undefined): Promise<R> {
    const timeoutMs = this.#timeoutOf(options)
    const signal = options?.signal === undefined ? undefined : checkSignal(options.signal)
    return this.#send(make(), timeoutMs, signal)
  }

  /** The request that has just been filled, blocking. */
  callSync<R>(decode: Decode<R>, options: CallOptions | undefined): R {
    const timeoutMs = this.#timeoutOf(options)
    const link = this.link()
    const { effect } = this.requests
    try {
      let id = link.calls.queued === 0 ? link.lane.trySubmit(this.#message, effect) : 0
      let leftMs = timeoutMs
      if (id === 0) {
        const deadlineMs = monotonicMs() + timeoutMs
        id = this.#submitLater(link, timeoutMs)
        leftMs = Math.max(0, deadlineMs - monotonicMs())
      }
      if (link.lane.wait(id, link.reply, leftMs)) return answerOf(link.reply, decode)
      link.lane.giveUp(id)
    } catch (error) {
      link.notice(error)
      throw error
    }
    throw timeout(timeoutMs, outcomeOf(effect))
  }

  /** An operation of several requests, with promises. All of it has one deadline. */
  async run<R>(rounds: Rounds<R>, options: CallOptions | undefined): Promise<R> {
    const limit = new RoundsLimit(this.#timeoutOf(options))
    const signal = options?.signal === undefined ? undefined : checkSignal(options.signal)
    let step = rounds.next()
    while (step.done !== true) {
      try {
        const value = await this.#send(step.value, limit.next(), signal)
        step = rounds.next(value)
      } catch (error) {
        step = rounds.throw(error)
      }
    }
    return step.value
  }

  /** The same, blocking. */
  runSync<R>(rounds: Rounds<R>, options: CallOptions | undefined): R {
    const limit = new RoundsLimit(this.#timeoutOf(options))
    let step = rounds.next()
    while (step.done !== true) {
      try {
        const value = this.callSync(step.value, { timeoutMs: limit.next() })
        step = rounds.next(value)
      } catch (error) {
        step = rounds.throw(error)
      }
    }
    return step.value
  }

  /** The request that has just been filled, by the window. Throws OperationError BACK_PRESSURE if there is no room. */
  submit(decode: Decode<unknown>): number {
    const link = this.link()
    if (link.calls.queued > 0)
      throw new OperationError('BACK_PRESSURE', 'calls with promises wait for room in the window already')
    try {
      return link.window.submit(this.#message, this.requests.effect, decode)
    } catch (error) {
      link.notice(error)
      throw error
    }
  }

  poll(id: number): Answer | undefined {
    const link = this.#linkOf(id)
    try {
      return link.isOver ? link.lastAnswer(id) : link.window.poll(id)
    } catch (error) {
      link.notice(error)
      throw error
    }
  }

  waitFor(id: number, options: CallOptions | undefined): Answer {
    const timeoutMs = this.#timeoutOf(options)
    const link = this.#linkOf(id)
    let answer: Answer | undefined
    try {
      answer = link.isOver ? link.lastAnswer(id) : link.window.wait(id, timeoutMs)
    } catch (error) {
      link.notice(error)
      throw error
    }
    if (answer === undefined) throw timeout(timeoutMs, 'unknown')
    return answer
  }

  async result(id: number, options: CallOptions | undefined): Promise<unknown> {
    const timeoutMs = this.#timeoutOf(options)
    const signal = options?.signal === undefined ? undefined : checkSignal(options.signal)
    const link = this.#linkOf(id)
    if (link.isOver) return link.lastAnswer(id).value
    const answer = link.window.handOver(id, link.calls, timeoutMs, signal)
    link.expect()
    return answer
  }

  check(options: CallOptions | undefined): void {
    this.link().check(this.#timeoutOf(options))
  }

  ref(): void {
    this.#isReferenced = true
    this.#areCallsReferenced = true
    this.#applyReferences()
  }

  unref(): void {
    this.#isReferenced = false
    this.#areCallsReferenced = false
    this.#applyReferences()
  }

  /** Whether the connection is to keep the process alive as if by `ref`, unless `unref` was said. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#applyReferences()
  }

  /** Calls on their way fail with CLOSED. Again: nothing. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#reconnection?.end()
    this.#link.end(new OperationError('CLOSED', 'this client was closed'))
  }

  #timeoutOf(options: CallOptions | undefined): number {
    return (options === undefined ? undefined : timeoutOf(options)) ?? this.#timeoutMs
  }

  #send<R>(decode: Decode<R>, timeoutMs: number, signal: AbortSignal | undefined): Promise<R> {
    const link = this.link()
    try {
      const answer = link.calls.send(this.#message, this.requests.effect, decode, timeoutMs, signal)
      link.expect()
      return answer
    } catch (error) {
      link.notice(error)
      throw error
    }
  }

  /** Sends the filled request when there is room, after all that wait for it. */
  #submitLater(link: Link<K, V>, timeoutMs: number): number {
    const { effect } = this.requests
    // Answering others runs user code, which may fill the next request.
    const message = this.#message.copy()
    const deadlineMs = monotonicMs() + timeoutMs
    for (;;) {
      if (link.calls.queued > 0) link.calls.sendQueued()
      const id = link.calls.queued === 0 ? link.lane.trySubmit(message, effect) : 0
      if (id !== 0) return id
      const leftMs = deadlineMs - monotonicMs()
      if (leftMs <= 0) throw timeout(timeoutMs, 'not-applied')
      // What is in the way is the oldest request of the lane, of whichever kind.
      link.window.gather()
      const pauseMs = Math.min(leftMs, ROOM_PAUSE_MS)
      if (link.calls.waitForOne(pauseMs) || link.window.waitForOne(pauseMs)) continue
      link.lane.checkServer()
      link.lane.pump()
      Atomics.wait(SLEEPER, 0, 0, pauseMs)
    }
  }

  /** The connection to collect `id` from: also one that is over, which may say what became of it. */
  #linkOf(id: number): Link<K, V> {
    if (!Number.isSafeInteger(id) || id < 1)
      throw new RangeError(`an id is what submit gave, not ${String(id)}`)
    return this.#link
  }

  #open(connection: Connection): Link<K, V> {
    try {
      const link = new Link(connection, this.requests, this.#links++, (error) => this.#ended(error))
      link.setReferenced(this.#keepsAlive, this.#areCallsReferenced)
      return link
    } catch (error) {
      connection.close()
      throw asGone(error)
    }
  }

  #ended(error: OperationError): void {
    if (this.#isClosed) return
    // First of all: a listener may throw.
    this.#reconnection?.begin()
    this.events.emit('disconnect', error)
  }

  get #keepsAlive(): boolean {
    return this.#isReferenced || (this.#isHeld && this.#areCallsReferenced)
  }

  #applyReferences(): void {
    this.#reconnection?.setReferenced(this.#keepsAlive)
    this.#link.setReferenced(this.#keepsAlive, this.#areCallsReferenced)
  }

  #whyNot(): OperationError {
    if (this.#isClosed) return new OperationError('CLOSED', 'this client was closed')
    const hope = this.#reconnection === undefined ? '' : ': reconnecting'
    return new OperationError('SERVER_GONE', `there is no server now${hope}`, { outcome: 'not-applied' })
  }
}

/** The time that requests of one operation have together. The first may always be tried. */
class RoundsLimit {
  readonly #timeoutMs: number
  readonly #deadlineMs: number
  #isFirst = true

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#deadlineMs = monotonicMs() + timeoutMs
  }

  /** What is left for the next one, 1 ms at least. Throws OperationError TIMEOUT once the time is up: it is not sent. */
  next(): number {
    const leftMs = this.#deadlineMs - monotonicMs()
    if (leftMs <= 0 && !this.#isFirst) throw timeout(this.#timeoutMs, 'not-applied')
    this.#isFirst = false
    return Math.max(1, leftMs)
  }
}

function timeout(timeoutMs: number, outcome: 'not-applied' | 'unknown'): OperationError {
  return new OperationError('TIMEOUT', `the server did not answer within ${timeoutMs} ms`, { outcome })
}

/** A file of a server that stops just now may be gone already: that is no server, not a failure of ours. */
function asGone(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT') return error
  return new OperationError('NO_SERVER', 'the server went away while this client connected', { cause: error })
}
