/** The bus of a transaction: what it publishes goes out when it has happened, and never if it has not. */
import type { Bus, Subscriber, SubscriptionKind } from './bus.js'

export class DeferredBus implements Bus {
  readonly #bus: Bus
  #messages: { readonly channel: Buffer; readonly message: Buffer }[] = []

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Before the transaction runs again. */
  forget(): void {
    this.#messages = []
  }

  publishAll(): void {
    for (const { channel, message } of this.#messages) this.#bus.publish(channel, message)
  }

  publish(channel: Buffer, message: Buffer): number {
    this.#messages.push({ channel, message })
    return this.#bus.receivers(channel)
  }

  subscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    this.#bus.subscribe(kind, name, subscriber)
  }

  unsubscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    this.#bus.unsubscribe(kind, name, subscriber)
  }

  receivers(channel: Buffer): number {
    return this.#bus.receivers(channel)
  }

  subscriptions(channel: Buffer): number {
    return this.#bus.subscriptions(channel)
  }

  channels(): Buffer[] {
    return this.#bus.channels()
  }

  get patterns(): number {
    return this.#bus.patterns
  }
}
