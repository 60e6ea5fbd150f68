/**
 * Commands of the Redis protocol on their way to the writer thread, and their replies back: the front's half. The writer's
 * half is lane-commands.ts; the form of a request stands in commands/operations (`command` and `exec`).
 */
import { Message } from '../channel/message.js'
import type { CommandCarrier, Replied } from '../commands/carrier.js'
import type { QueuedCommand } from '../commands/connection-state.js'
import { readFailure } from '../commands/operations/failure.js'
import { FieldWriter } from '../commands/operations/fields.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import type { WatchedKey } from '../store/store.js'
import type { WriterLink } from './writer-link.js'

const NUMBER_BYTES = 4

export class WriterCarrier implements CommandCarrier {
  readonly #link: WriterLink
  readonly #request = new Message()
  readonly #fields = new FieldWriter()
  readonly #number = Buffer.alloc(NUMBER_BYTES)

  constructor(link: WriterLink) {
    this.#link = link
  }

  send(args: readonly Buffer[], protocol: 2 | 3, replied: Replied): boolean {
    this.#fields.clear()
    for (const arg of args) this.#fields.add(arg)
    return this.#send(OPERATIONS.command.code, protocol, replied)
  }

  sendTransaction(
    queue: readonly QueuedCommand[],
    watched: readonly WatchedKey[],
    protocol: 2 | 3,
    replied: Replied,
  ): boolean {
    const fields = this.#fields
    fields.clear()
    this.#addNumber(watched.length)
    for (const { key, version } of watched) {
      fields.add(key)
      this.#addNumber(version)
    }
    for (const { args } of queue) {
      this.#addNumber(args.length)
      for (const arg of args) fields.add(arg)
    }
    return this.#send(OPERATIONS.exec.code, protocol, replied)
  }

  whenRoom(again: () => void): void {
    this.#link.whenRoom(again)
  }

  onReplies(listener: () => void): void {
    this.#link.onReplies = listener
  }

  /** Resolves when all that was acknowledged is on disk, whatever the level; rejects with what the log says. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = new Message(0)
      request.clear(OPERATIONS.flush.code)
      const replied = (reply: Message): void => {
        const failure = readFailure(reply)
        if (failure === undefined) resolve()
        else reject(failure)
      }
      const send = (): void => {
        if (!this.#link.send(request, replied)) this.#link.whenRoom(send)
      }
      send()
    })
  }

  #addNumber(value: number): void {
    this.#number.writeUInt32LE(value >>> 0)
    this.#fields.add(this.#number)
  }

  #send(code: number, protocol: 2 | 3, replied: Replied): boolean {
    const request = this.#request
    request.clear(code)
    request.flags = protocol
    this.#fields.moveTo(request)
    const isSent = this.#link.send(request, (reply) => {
      const { valueAt } = reply
      replied(reply.bytes.subarray(valueAt, valueAt + reply.valueBytes))
    })
    request.trim()
    return isSent
  }
}
