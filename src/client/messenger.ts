/**
 * Publish/subscribe of one connection: over the registration socket, or, to a server of this process, by hand.
 *
 * Names and messages are bytes. What has been subscribed to is the connection's, and ends with it.
 */
import { ERROR_CODES, type ErrorCode, OperationError } from '../base/errors.js'
import type { ControlMessage, Request } from './control-messages.js'

export type Subject = 'channel' | 'pattern'

/** `pattern`: the one that a message came by; undefined if that was its channel. */
export type MessageListener = (channel: Buffer, message: Buffer, pattern: Buffer | undefined) => void

export interface Messenger {
  subscribe(subject: Subject, name: Buffer): Promise<void>
  unsubscribe(subject: Subject, name: Buffer): Promise<void>
  /** Resolves to how many subscriptions it went to. */
  publish(channel: Buffer, message: Buffer): Promise<number>
  /** Whoever listens; one at a time. */
  onMessage(listener: MessageListener): void
}

interface Waiting {
  readonly resolve: (value: number) => void
  readonly reject: (error: OperationError) => void
}

/** Over a socket: `send` writes a message, what comes is handed to `receive`, and `end` tells that nothing more will. */
export class SocketMessenger implements Messenger {
  readonly #send: (message: Request) => void
  readonly #waiting = new Map<number, Waiting>()
  #listener: MessageListener = () => {}
  #nextId = 1
  #isOver = false

  constructor(send: (message: Request) => void) {
    this.#send = send
  }

  async subscribe(subject: Subject, name: Buffer): Promise<void> {
    await this.#ask({ kind: 'subscribe', subject, name: name.toString('base64') })
  }

  async unsubscribe(subject: Subject, name: Buffer): Promise<void> {
    await this.#ask({ kind: 'unsubscribe', subject, name: name.toString('base64') })
  }

  publish(channel: Buffer, message: Buffer): Promise<number> {
    const [name, text] = [channel.toString('base64'), message.toString('base64')]
    return this.#ask({ kind: 'publish', name, message: text })
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

  end(): void {
    this.#isOver = true
    const gone = new OperationError('SERVER_GONE', 'the server has gone')
    for (const { reject } of this.#waiting.values()) reject(gone)
    this.#waiting.clear()
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #ask(request: WithoutId<Request>): Promise<number> {
    if (this.#isOver)
      return Promise.reject(
        new OperationError('SERVER_GONE', 'the server has gone', { outcome: 'not-applied' }),
      )
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send({ ...request, id })
    })
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
