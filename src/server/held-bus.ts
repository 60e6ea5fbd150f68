/**
 * The bus of evaluations whose effects may still be refused: what one publishes is kept until somebody takes it, who makes
 * it heard once the answer goes out, or never. For one thread, one evaluation at a time.
 */
import type { Bus, Subscriber, SubscriptionKind } from '../commands/bus.js'

export class HeldBus implements Bus {
  readonly #bus: Bus
  #messages: { readonly channel: Buffer; readonly message: Buffer }[] = []

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** What was published since the last time, as a function that makes it heard; undefined if there was nothing. */
  take(): (() => void) | undefined {
    if (this.#messages.length === 0) return undefined
    const messages = this.#messages
    this.#messages = []
    return () => {
      for (const { channel, message } of messages) this.#bus.publish(channel, message)
    }
  }

  publish(channel: Buffer, message: Buffer): number {
    const receivers = this.#bus.receivers(channel)
    if (receivers > 0) this.#messages.push({ channel, message })
    return receivers
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
