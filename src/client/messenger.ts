/**
 * Publish/subscribe of one connection: over the registration socket, or, to a server of this process, by hand.
 *
 * Names and messages are bytes. What has been subscribed to is the connection's, and ends with it. Over the socket, what is
 * asked has the client's time limit: a server that is stopped answers nothing.
 */
import { setMaxListeners } from 'node:events'
import { ERROR_CODES, type ErrorCode, OperationError } from '../base/errors.js'
import { abortedBy, type CallOptions } from './call-options.js'
import type { ControlMessage, Request } from './control-messages.js'

export type Subject = 'channel' | 'pattern'

/** `pattern`: the one that a message came by; undefined if that was its channel. */
export type MessageListener = (channel: Buffer, message: Buffer, pattern: Buffer | undefined) => void

export interface Messenger {
  subscribe(subject: Subject, name: Buffer): Promise<void>
  unsubscribe(subject: Subject, name: Buffer): Promise<void>
  /** Resolves to how many subscriptions it went to. */
  publish(channel: Buffer, message: Buffer, options?: CallOptions): Promise<number>
  /** Whoever listens; one at a time. */
  onMessage(listener: MessageListener): void
}

interface Waiting {
  readonly resolve: (value: number) => void
  readonly reject: (error: OperationError) => void
  readonly forget: () => void
}

export interface SocketMessengerOptions {
  /** Writes a message. */
  readonly send: (message: Request) => void
  /** Of whatever is asked, unless it has one of its own. */
  readonly timeoutMs: number
  /** Called when there is something to wait for, and when there is not any more. */
  readonly waits: (isWaiting: boolean) => void
}

/** Over a socket: what comes is handed to `receive`, and `end` tells that nothing more will. */
export class SocketMessenger implements Messenger {
  readonly #options: SocketMessengerOptions
  readonly #waiting = new Map<number, Waiting>()
  #listener: MessageListener = () => {}
  #nextId = 1
  #isOver = false

  constructor(options: SocketMessengerOptions) {
    this.#options = options
  }

  async subscribe(subject: Subject, name: Buffer): Promise<void> {
    await this.#ask({ kind: 'subscribe', subject, name: name.toString('base64') })
  }

  async unsubscribe(subject: Subject, name: Buffer): Promise<void> {
    await this.#ask({ kind: 'unsubscribe', subject, name: name.toString('base64') })
  }

  publish(channel: Buffer, message: Buffer, options?: CallOptions): Promise<number> {
    const [name, text] = [channel.toString('base64'), message.toString('base64')]
    return this.#ask({ kind: 'publish', name, message: text }, options)
  }

  onMessage(listener: MessageListener): void {
    this.#listener = listener
  }

  receive(message: ControlMessage): void {
    if (message.kind === 'message') {
      const { name, message: text, pattern } = message
      const by = pattern === undefined ? undefined : Buffer.from(pattern, 'base64')
      this.#listener(Buffer.from(name, 'base64'), Buffer.from(text, 'base64'), by)
    } else if (message.kind === 'done') this.#take(message.id)?.resolve(message.value)
    else if (message.kind === 'failed') {
      const code = Object.hasOwn(ERROR_CODES, message.code) ? (message.code as ErrorCode) : 'REFUSED'
      this.#take(message.id)?.reject(new OperationError(code, message.message))
    }
  }

  /** `why`: what becomes of those that wait. Again: nothing. */
  end(why = new OperationError('SERVER_GONE', 'the server has gone', { outcome: 'unknown' })): void {
    this.#isOver = true
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(why)
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    this.#waiting.delete(id)
    waiting.forget()
    if (this.#waiting.size === 0) this.#options.waits(false)
    return waiting
  }

  #timeIsUp(id: number, timeoutMs: number): void {
    const late = new OperationError('TIMEOUT', `the server did not answer within ${timeoutMs} ms`, {
      outcome: 'unknown',
    })
    // After a long turn of the event loop an answer that came in time is only read now.
    setImmediate(() => this.#take(id)?.reject(late))
  }

  #ask(request: WithoutId<Request>, options: CallOptions = {}): Promise<number> {
    if (this.#isOver)
      return Promise.reject(
        new OperationError('SERVER_GONE', 'the server has gone', { outcome: 'not-applied' }),
      )
    const { timeoutMs = this.#options.timeoutMs, signal } = options
    if (signal?.aborted === true) return Promise.reject(abortedBy(signal, false))
    const id = this.#nextId++
    const { send, waits } = this.#options
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#timeIsUp(id, timeoutMs), timeoutMs).unref()
      const onAbort = signal && (() => this.#take(id)?.reject(abortedBy(signal, true)))
      if (signal !== undefined && onAbort !== undefined) {
        // One signal for many calls is no leak, and Node would print that it may be one.
        setMaxListeners(0, signal)
        signal.addEventListener('abort', onAbort, { once: true })
      }
      const forget = (): void => {
        clearTimeout(timer)
        if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
      }
      if (this.#waiting.size === 0) waits(true)
      this.#waiting.set(id, { resolve, reject, forget })
      send({ ...request, id })
    })
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
