/**
 * What a connection keeps from one command to the next: a transaction being put together, keys it watches, and what it
 * has subscribed to. Commands that come by themselves, over a lane, have none, and can neither MULTI nor SUBSCRIBE.
 */

import { OperationError } from '../base/errors.js'
import { MAX_TRANSACTION_BYTES, MAX_WATCHED_BYTES } from '../base/limits.js'
import type { WatchedKey } from '../store/store.js'
import type { Bus, Subscriber, SubscriptionKind } from './bus.js'
import type { Command } from './command.js'

export interface QueuedCommand {
  readonly command: Command
  readonly args: readonly Buffer[]
}

/** What an argument of a queued command, or a watched key, takes besides its bytes, about. */
const QUEUED_BYTES = 64

export class ConnectionState {
  readonly bus: Bus
  /** Commands since MULTI; undefined outside. */
  queue: QueuedCommand[] | undefined
  /** A command since MULTI was refused: EXEC will be. */
  isSpoilt = false
  readonly #subscriber: Subscriber
  readonly #watched = new Map<string, WatchedKey>()
  readonly #names = { channel: new Map<string, Buffer>(), pattern: new Map<string, Buffer>() }
  #queuedBytes = 0
  #watchedBytes = 0

  constructor(bus: Bus, subscriber: Subscriber) {
    this.bus = bus
    this.#subscriber = subscriber
  }

  /** Whether not every command runs at once. */
  get isGated(): boolean {
    return this.queue !== undefined || this.subscriptions > 0
  }

  /** How many channels and patterns this connection has subscribed to. */
  get subscriptions(): number {
    return this.#names.channel.size + this.#names.pattern.size
  }

  begin(): void {
    this.queue = []
    this.isSpoilt = false
    this.#queuedBytes = 0
  }

  /** Keeps a copy. Throws OperationError FULL when the transaction has become too large. */
  enqueue(command: Command, args: readonly Buffer[]): void {
    for (const arg of args) this.#queuedBytes += arg.length + QUEUED_BYTES
    if (this.#queuedBytes > MAX_TRANSACTION_BYTES) {
      this.queue = []
      throw new OperationError('FULL', `a transaction takes at most ${MAX_TRANSACTION_BYTES} bytes`)
    }
    this.queue?.push({ command, args: args.map((arg) => Buffer.from(arg)) })
  }

  /** A command was refused: a transaction that is being put together will not run. */
  spoil(): void {
    if (this.queue !== undefined) this.isSpoilt = true
  }

  /** Leaves the transaction, and watches nothing any more. */
  forgetTransaction(): void {
    this.queue = undefined
    this.isSpoilt = false
    this.unwatch()
  }

  get watched(): readonly WatchedKey[] {
    return [...this.#watched.values()]
  }

  isWatching(key: Buffer): boolean {
    return this.#watched.has(key.toString('latin1'))
  }

  /** Throws OperationError FULL when it watches too many. */
  watch(key: Buffer, version: number): void {
    const bytes = this.#watchedBytes + key.length + QUEUED_BYTES
    if (bytes > MAX_WATCHED_BYTES)
      throw new OperationError('FULL', `watched keys take at most ${MAX_WATCHED_BYTES} bytes`)
    this.#watchedBytes = bytes
    this.#watched.set(key.toString('latin1'), { key: Buffer.from(key), version })
  }

  unwatch(): void {
    this.#watched.clear()
    this.#watchedBytes = 0
  }

  subscribe(kind: SubscriptionKind, name: Buffer): void {
    const names = this.#names[kind]
    const text = name.toString('latin1')
    if (names.has(text)) return
    const copy = Buffer.from(name)
    this.bus.subscribe(kind, copy, this.#subscriber)
    names.set(text, copy)
  }

  unsubscribe(kind: SubscriptionKind, name: Buffer): void {
    if (this.#names[kind].delete(name.toString('latin1'))) this.bus.unsubscribe(kind, name, this.#subscriber)
  }

  /** The names that this connection has subscribed to, in the order it did. */
  names(kind: SubscriptionKind): Buffer[] {
    return [...this.#names[kind].values()]
  }

  /** As after connecting; also what is left to do when the connection has gone. */
  reset(): void {
    this.forgetTransaction()
    for (const kind of ['channel', 'pattern'] as const) {
      for (const name of this.names(kind)) this.unsubscribe(kind, name)
    }
  }
}
