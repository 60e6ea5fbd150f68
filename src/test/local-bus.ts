/** The bus of one thread in the simplest words: the double that commands and connections are tested on. */
import type { Bus, Subscriber, SubscriptionKind } from '../commands/bus.js'
import { Glob } from '../commands/glob.js'

export class LocalBus implements Bus {
  #all: { kind: SubscriptionKind; name: Buffer; subscriber: Subscriber }[] = []

  subscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    this.#all.push({ kind, name, subscriber })
  }

  unsubscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    this.#all = this.#all.filter(
      (one) => one.kind !== kind || one.subscriber !== subscriber || !one.name.equals(name),
    )
  }

  publish(channel: Buffer, message: Buffer): number {
    const receiving = this.#receiving(channel)
    for (const { kind, name, subscriber } of receiving)
      subscriber.deliver(channel, message, kind === 'pattern' ? name : undefined)
    return receiving.length
  }

  receivers(channel: Buffer): number {
    return this.#receiving(channel).length
  }

  subscriptions(channel: Buffer): number {
    return this.#receiving(channel).filter(({ kind }) => kind === 'channel').length
  }

  channels(): Buffer[] {
    return this.#distinct('channel')
  }

  get patterns(): number {
    return this.#distinct('pattern').length
  }

  #receiving(channel: Buffer) {
    return this.#all.filter(({ kind, name }) =>
      kind === 'channel' ? name.equals(channel) : new Glob(name).matches(channel),
    )
  }

  #distinct(kind: SubscriptionKind): Buffer[] {
    const names = this.#all.filter((one) => one.kind === kind).map(({ name }) => name.toString('latin1'))
    return [...new Set(names)].map((name) => Buffer.from(name, 'latin1'))
  }
}
