/** Publish/subscribe for a client on the server's own thread: the bus itself. */
import type { MessageListener, Messenger, Subject } from '../client/messenger.js'
import type { Bus, Subscriber } from '../commands/bus.js'

export class LocalMessenger implements Messenger, Subscriber {
  readonly #bus: Bus
  readonly #names = new Map<string, readonly [Subject, Buffer]>()
  #listener: MessageListener = () => {}

  constructor(bus: Bus) {
    this.#bus = bus
  }

  async subscribe(subject: Subject, name: Buffer): Promise<void> {
    const key = `${subject} ${name.toString('latin1')}`
    if (this.#names.has(key)) return
    this.#bus.subscribe(subject, name, this)
    this.#names.set(key, [subject, name])
  }

  async unsubscribe(subject: Subject, name: Buffer): Promise<void> {
    if (this.#names.delete(`${subject} ${name.toString('latin1')}`))
      this.#bus.unsubscribe(subject, name, this)
  }

  async publish(channel: Buffer, message: Buffer): Promise<number> {
    return this.#bus.publish(channel, Buffer.from(message))
  }

  onMessage(listener: MessageListener): void {
    this.#listener = listener
  }

  deliver(channel: Buffer, message: Buffer, pattern?: Buffer): void {
    // Not within the publisher's call: its own listeners come after it has returned.
    queueMicrotask(() => this.#listener(channel, message, pattern))
  }

  /** It is the thread of the server that cannot follow: there is nobody to hang up on. */
  drop(): void {}

  close(): void {
    for (const [subject, name] of this.#names.values()) this.#bus.unsubscribe(subject, name, this)
    this.#names.clear()
  }
}
