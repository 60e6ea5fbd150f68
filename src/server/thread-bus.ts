/**
 * The bus of one thread of a node. Threads share a table of who has subscribed to what (BusNames), and every two of them
 * have a message port between them. A message goes to threads that have a subscriber for it, and to no other; those of one
 * turn of the event loop go together (measured here, 130 bytes: 0.2 to 0.6 us a message by 50 on a port, 5 to 10 us one by
 * one, and a BroadcastChannel costs twice that and reaches everybody).
 *
 *   publish -> subscribers of this thread, at once
 *           -> an outbox for each other thread -> its port, at the end of the turn -> subscribers there
 *
 * Order: what one connection publishes goes through one thread, and ports keep the order. A thread that cannot follow does
 * not make the others' memory grow: beyond the limit messages for it are lost, and all its subscribers are dropped, so
 * that everybody who lost something knows.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { MAX_BUS_BACKLOG_BYTES } from '../base/limits.js'
import type { Bus, Subscriber, SubscriptionKind } from '../commands/bus.js'
import { Glob } from '../commands/glob.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import { BusNames } from './bus-names.js'
import { BusOutbox, messagesOf } from './bus-outbox.js'

/** What a thread needs to join; its ports must be in the transfer list. */
export interface BusHandle {
  readonly member: number
  readonly channels: DirectStoreHandle
  readonly patterns: DirectStoreHandle
  readonly words: SharedArrayBuffer
  /** To each other thread. */
  readonly ports: readonly (MessagePort | undefined)[]
}

/** Words: how often the patterns have changed; then for each thread the bytes on their way to it, and whether it lost any. */
const PATTERN_CHANGES = 0
const MEMBERS_AT = 1
const MEMBER_WORDS = 2

interface Pattern {
  readonly name: Buffer
  readonly glob: Glob
}

/** One handle for each of `members` threads. */
export function createBus(members: number): BusHandle[] {
  const ports: (MessagePort | undefined)[][] = Array.from({ length: members }, () =>
    Array.from({ length: members }, () => undefined),
  )
  for (const [one, row] of ports.entries()) {
    for (let other = 0; other < one; other++) {
      const { port1, port2 } = new MessageChannel()
      row[other] = port1
      const otherRow = ports[other]
      if (otherRow !== undefined) otherRow[one] = port2
    }
  }
  const shared = {
    channels: BusNames.create(),
    patterns: BusNames.create(),
    words: new SharedArrayBuffer((MEMBERS_AT + members * MEMBER_WORDS) * Int32Array.BYTES_PER_ELEMENT),
  }
  return ports.map((own, member) => ({ ...shared, member, ports: own }))
}

/** The ports of a handle, for a transfer list. */
export function portsOf({ ports }: BusHandle): MessagePort[] {
  return ports.filter((port) => port !== undefined)
}

export class ThreadBus implements Bus {
  readonly #member: number
  readonly #names: { readonly channel: BusNames; readonly pattern: BusNames }
  readonly #words: Int32Array
  readonly #outboxes: readonly (BusOutbox | undefined)[]
  readonly #ports: readonly MessagePort[]
  /** Subscribers of this thread by name (one character a byte). */
  readonly #own = { channel: new Map<string, Set<Subscriber>>(), pattern: new Map<string, Set<Subscriber>>() }
  readonly #targets: Uint8Array
  #patternList: readonly Pattern[] = []
  #patternChanges = 0

  constructor(handle: BusHandle) {
    const members = handle.ports.length
    this.#member = handle.member
    this.#names = {
      channel: new BusNames(handle.channels, handle.member, members),
      pattern: new BusNames(handle.patterns, handle.member, members),
    }
    this.#words = new Int32Array(handle.words)
    this.#targets = new Uint8Array(members)
    this.#ports = portsOf(handle)
    this.#outboxes = handle.ports.map((port, member) =>
      port === undefined ? undefined : new BusOutbox((batch) => this.#post(port, member, batch)),
    )
    for (const port of this.#ports) {
      port.on('message', (batch: Uint8Array) => this.#receive(batch))
      port.unref()
    }
  }

  subscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    this.#names[kind].add(name, 1)
    if (kind === 'pattern') Atomics.add(this.#words, PATTERN_CHANGES, 1)
    const text = name.toString('latin1')
    const there = this.#own[kind].get(text)
    if (there === undefined) this.#own[kind].set(text, new Set([subscriber]))
    else there.add(subscriber)
  }

  unsubscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    const text = name.toString('latin1')
    const there = this.#own[kind].get(text)
    if (there?.delete(subscriber) !== true) return
    if (there.size === 0) this.#own[kind].delete(text)
    this.#names[kind].add(name, -1)
    if (kind === 'pattern') Atomics.add(this.#words, PATTERN_CHANGES, 1)
  }

  publish(channel: Buffer, message: Buffer): number {
    const targets = this.#targets.fill(0)
    const receivers = this.#count(channel, targets)
    if (receivers === 0) return 0
    for (const [member, isTarget] of targets.entries()) {
      if (isTarget === 0) continue
      if (member === this.#member) this.#deliver(channel, message)
      else this.#outboxes[member]?.add(channel, message)
    }
    return receivers
  }

  receivers(channel: Buffer): number {
    return this.#count(channel)
  }

  subscriptions(channel: Buffer): number {
    return this.#names.channel.count(channel)
  }

  channels(): Buffer[] {
    return this.#names.channel.all()
  }

  get patterns(): number {
    return this.#names.pattern.size
  }

  /** No thread can be reached after that; those of others go on. */
  close(): void {
    for (const outbox of this.#outboxes) outbox?.flush()
    for (const port of this.#ports) port.close()
    this.#names.channel.close()
    this.#names.pattern.close()
  }

  #count(channel: Buffer, targets?: Uint8Array): number {
    let receivers = this.#names.channel.count(channel, targets)
    for (const { name, glob } of this.#knownPatterns()) {
      if (glob.matches(channel)) receivers += this.#names.pattern.count(name, targets)
    }
    return receivers
  }

  /** All patterns of the node; read again when they have changed. */
  #knownPatterns(): readonly Pattern[] {
    const changes = Atomics.load(this.#words, PATTERN_CHANGES)
    if (changes !== this.#patternChanges) {
      this.#patternList = this.#names.pattern.all().map((name) => ({ name, glob: new Glob(name) }))
      this.#patternChanges = changes
    }
    return this.#patternList
  }

  #deliver(channel: Buffer, message: Buffer): void {
    const listeners = this.#own.channel.get(channel.toString('latin1'))
    if (listeners !== undefined) for (const listener of listeners) listener.deliver(channel, message)
    if (this.#own.pattern.size === 0) return
    for (const { name, glob } of this.#knownPatterns()) {
      const matching = this.#own.pattern.get(name.toString('latin1'))
      if (matching === undefined || !glob.matches(channel)) continue
      for (const listener of matching) listener.deliver(channel, message, name)
    }
  }

  #post(port: MessagePort, member: number, batch: Uint8Array<ArrayBuffer>): void {
    const backlogAt = MEMBERS_AT + member * MEMBER_WORDS
    if (Atomics.load(this.#words, backlogAt) > MAX_BUS_BACKLOG_BYTES) {
      Atomics.store(this.#words, backlogAt + 1, 1)
      return
    }
    Atomics.add(this.#words, backlogAt, batch.length)
    port.postMessage(batch, [batch.buffer])
  }

  #receive(batch: Uint8Array): void {
    for (const { channel, message } of messagesOf(batch)) this.#deliver(channel, message)
    const backlogAt = MEMBERS_AT + this.#member * MEMBER_WORDS
    Atomics.sub(this.#words, backlogAt, batch.length)
    if (Atomics.exchange(this.#words, backlogAt + 1, 0) !== 0) this.#dropAll()
  }

  #dropAll(): void {
    const all = [...this.#own.channel.values(), ...this.#own.pattern.values()].flatMap((set) => [...set])
    for (const subscriber of new Set(all)) subscriber.drop()
  }
}
