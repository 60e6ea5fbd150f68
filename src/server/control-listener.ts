/**
 * Publish/subscribe of one client that came by the registration socket: carries its requests out on the bus, and writes it
 * what it has subscribed to. One that does not read is dropped when too much waits for it; nobody else waits.
 */
import type { Socket } from 'node:net'
import { isOperationError, OperationError } from '../base/errors.js'
import { MAX_KEY_BYTES, MIB } from '../base/limits.js'
import { controlLine, MAX_MESSAGE_BYTES, type Request, type Told } from '../client/control-messages.js'
import type { Bus, Subscriber, SubscriptionKind } from '../commands/bus.js'

const MAX_UNREAD_BYTES = 64 * MIB
/** Of one client. */
const MAX_SUBSCRIPTIONS = 65_536

export class ControlListener implements Subscriber {
  readonly #socket: Socket
  readonly #bus: Bus
  readonly #names = { channel: new Set<string>(), pattern: new Set<string>() }

  constructor(socket: Socket, bus: Bus) {
    this.#socket = socket
    this.#bus = bus
  }

  /** Answers `request`. Throws RangeError for what cannot be one. */
  handle(request: Request): void {
    const { id } = request
    if (!Number.isSafeInteger(id) || typeof request.name !== 'string')
      throw new RangeError('a request has id and name')
    const name = Buffer.from(request.name, 'base64')
    if (name.length > MAX_KEY_BYTES) throw new RangeError('the name of a channel is too long')
    try {
      this.#tell({ kind: 'done', id, value: this.#carryOut(request, name) })
    } catch (error) {
      if (!isOperationError(error)) throw error
      const { code, message } = error
      this.#tell({ kind: 'failed', id, code, message: message.slice(code.length + 2) })
    }
  }

  deliver(channel: Buffer, message: Buffer, pattern?: Buffer): void {
    const by = pattern === undefined ? {} : { pattern: pattern.toString('base64') }
    const [name, text] = [channel.toString('base64'), message.toString('base64')]
    this.#tell({ kind: 'message', name, message: text, ...by })
  }

  drop(): void {
    this.#socket.destroy()
  }

  /** The client has gone. */
  close(): void {
    for (const kind of ['channel', 'pattern'] as const)
      for (const name of this.#names[kind]) this.#bus.unsubscribe(kind, Buffer.from(name, 'latin1'), this)
  }

  #carryOut(request: Request, name: Buffer): number {
    if (request.kind === 'publish') {
      if (typeof request.message !== 'string') throw new RangeError('what is published is a message')
      const message = Buffer.from(request.message, 'base64')
      if (message.length > MAX_MESSAGE_BYTES) throw new RangeError('a message is too long')
      return this.#bus.publish(name, message)
    }
    const kind: SubscriptionKind = request.subject === 'pattern' ? 'pattern' : 'channel'
    const names = this.#names[kind]
    const text = name.toString('latin1')
    if (request.kind === 'unsubscribe') {
      if (names.delete(text)) this.#bus.unsubscribe(kind, name, this)
    } else if (!names.has(text)) {
      if (names.size === MAX_SUBSCRIPTIONS)
        throw new OperationError('REFUSED', `a client has at most ${MAX_SUBSCRIPTIONS} subscriptions`)
      this.#bus.subscribe(kind, name, this)
      names.add(text)
    }
    return names.size
  }

  #tell(told: Told): void {
    if (this.#socket.destroyed) return
    this.#socket.write(controlLine(told))
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.drop()
  }
}
