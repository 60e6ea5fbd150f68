/**
 * Publish/subscribe as commands see it: who wants to hear what, on every thread of the node, and how many that are.
 *
 * A message goes to all who have subscribed by then, on whichever thread their connection is, and is kept for nobody.
 * What one connection publishes arrives in that order. Names are bytes; a pattern is a glob as in KEYS.
 */

/** Someone who listens: a connection of this thread. */
export interface Subscriber {
  /** `pattern`: the one that it came by; absent for a channel. What is handed in may be kept. */
  deliver(channel: Buffer, message: Buffer, pattern?: Buffer): void
  /** Has fallen so far behind that messages were lost: must leave. */
  drop(): void
}

export type SubscriptionKind = 'channel' | 'pattern'

export interface Bus {
  /** Once a subscriber and name. Throws OperationError FULL when there are too many names. */
  subscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void
  unsubscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void
  /** Delivers to all; returns how many that are: subscriptions, by channel and by pattern. Copies nothing. */
  publish(channel: Buffer, message: Buffer): number
  /** What `publish` would return. */
  receivers(channel: Buffer): number
  /** Subscriptions to a channel, without those by pattern. */
  subscriptions(channel: Buffer): number
  /** Names of all channels that somebody has subscribed to. */
  channels(): Buffer[]
  /** How many different patterns somebody has subscribed to. */
  readonly patterns: number
}
