/**
 * A client of a server on the same machine: every operation of a `SharedMap`, carried out by the server, over shared memory.
 *
 * Reads go past the server, to its table, which this process has mapped without the right to store, wherever that shows
 * what the server would answer; everything else goes by a lane of this client's own. One client belongs to one thread; any
 * number of threads and processes have one each. Requests of one client are carried out in the order they were made,
 * promises, blocking ones and windowed ones together.
 *
 * Waiting keeps the process alive, an idle client does not. When the server goes, calls on their way fail with SERVER_GONE
 * (`outcome: 'unknown'` for what may have been done; nothing is ever sent twice), and the client reconnects by itself.
 */
import type { OperationError } from '../base/errors.js'
import { packageVersion } from '../base/version.js'
import { Message } from '../channel/message.js'
import { codecs } from '../codec/codecs.js'
import { checkFunction } from '../map/arguments.js'
import type { Entry, SetOptions } from '../map/entry.js'
import { regionName } from '../memory/region-name.js'
import type { StoreStats } from '../store/store.js'
import { type CallOptions, checkCallOptions } from './call-options.js'
import { ClientCore } from './client-core.js'
import { type ClientOptions, checkClientOptions, WINDOWED, type WindowedName } from './client-options.js'
import { type Connection, connectorTo } from './connection.js'
import { ASK, type DirectReads } from './direct-reads.js'
import { checkChannel, publish } from './publishing.js'
import type { Decode, Hit, Page } from './replies.js'
import { Requests } from './requests.js'
import { compareAndSet, compute, entryPage, getMany, getOrInsert, setMany } from './rounds.js'
import { type Listener, type SubscribeOptions, Subscriptions } from './subscriptions.js'
import { SyncOperations } from './sync-operations.js'
import { type Change, transaction } from './transactions.js'
import type { Answer } from './windowed.js'

export type ClientEvent = 'connect' | 'disconnect' | 'reconnect'

const SCAN_COUNT = 4096
const TEXT = codecs.string as never

export class Client<K = string, V = string> {
  /** The same operations, blocking. */
  readonly sync: SyncOperations<K, V>
  readonly #core: ClientCore<K, V>
  #subscriptions: Subscriptions<K, V> | undefined

  private constructor(core: ClientCore<K, V>) {
    this.#core = core
    this.sync = new SyncOperations(core)
  }

  /**
   * Connects to the server of that name. Throws OperationError NO_SERVER at once if there is none, MISMATCH for another
   * release, REFUSED for a server of another user or one that has all the clients it takes.
   */
  static async connect<K = string, V = string>(
    name: string,
    options: ClientOptions<K, V> = {},
  ): Promise<Client<K, V>> {
    const parts = prepare(options)
    const connector = connectorTo(regionName(name), packageVersion())
    const connection = await connector.connect(parts.window, parts.timeoutMs)
    return new Client(new ClientCore({ ...parts, connection, connector }))
  }

  /** Over a connection that a server of this process makes: it ends with that. */
  static over<K = string, V = string>(
    connect: (window: number) => Connection,
    options: ClientOptions<K, V> = {},
  ): Client<K, V> {
    const parts = prepare(options)
    return new Client(new ClientCore({ ...parts, connection: connect(parts.window), connector: undefined }))
  }

  get isConnected(): boolean {
    return this.#core.isConnected
  }

  get(key: K, options?: CallOptions): Promise<V | undefined> {
    return this.#read(
      (direct) => direct.get(key),
      (requests) => requests.get(key),
      options,
    )
  }

  has(key: K, options?: CallOptions): Promise<boolean> {
    return this.#read(
      (direct) => direct.has(key),
      (requests) => requests.has(key),
      options,
    )
  }

  /** The value with its version and remaining ttl. */
  getEntry(key: K, options?: CallOptions): Promise<Entry<V> | undefined> {
    return this.#read(
      (direct) => direct.getEntry(key),
      (requests) => requests.getEntry(key),
      options,
    )
  }

  /** `undefined`: absent; Infinity: no ttl. */
  remainingTtlMs(key: K, options?: CallOptions): Promise<number | undefined> {
    return this.#read(
      (direct) => direct.remainingTtlMs(key),
      (requests) => requests.remainingTtlMs(key),
      options,
    )
  }

  /** The values of many keys, in their order; each read is atomic, all together are not. */
  async getMany(keys: Iterable<K>, options?: CallOptions): Promise<(V | undefined)[]> {
    return this.#core.run(getMany(this.#core.requests, this.#core.link().direct, keys), options)
  }

  /** A plain `set` clears the ttl. Rejects with OperationError FULL, or ABORTED if `ifVersion` does not hold. */
  set(key: K, value: V, options?: SetOptions & CallOptions): Promise<void> {
    return this.#core.call(() => this.#core.requests.set(key, value, options), options)
  }

  /** Each entry is stored by itself, in order: an error leaves those before it stored. */
  async setMany(entries: Iterable<readonly [K, V]>, options?: SetOptions & CallOptions): Promise<void> {
    return this.#core.run(setMany(this.#core.requests, entries, options), options)
  }

  /** Stores only if the key is absent; whether it did. */
  insert(key: K, value: V, options?: { readonly ttlMs?: number } & CallOptions): Promise<boolean> {
    return this.#core.call(() => this.#core.requests.insert(key, value, options), options)
  }

  /** Stores only if the key is present, keeping its ttl; whether it did. */
  replace(key: K, value: V, options?: CallOptions): Promise<boolean> {
    return this.#core.call(() => this.#core.requests.replace(key, value), options)
  }

  delete(key: K, options?: CallOptions): Promise<boolean> {
    return this.#core.call(() => this.#core.requests.delete(key), options)
  }

  /** Deletes and returns the old value. */
  take(key: K, options?: CallOptions): Promise<V | undefined> {
    return this.#core.call(() => this.#core.requests.take(key), options)
  }

  /** Sets and returns the old value; clears the ttl. */
  exchange(key: K, value: V, options?: CallOptions): Promise<V | undefined> {
    return this.#core.call(() => this.#core.requests.exchange(key, value), options)
  }

  /** Stores `next` if the value is `expected` by its encoded bytes (`undefined`: absent); keeps the ttl. */
  async compareAndSet(key: K, expected: V | undefined, next: V, options?: CallOptions): Promise<boolean> {
    return this.#core.run(compareAndSet(this.#core.requests, key, expected, next), options)
  }

  /** `fn(old)` in this process, tried again when somebody was faster; `undefined` deletes. Keeps the ttl. */
  async compute(
    key: K,
    fn: (old: V | undefined) => V | undefined,
    options?: CallOptions,
  ): Promise<V | undefined> {
    return this.#core.run(compute(this.#core.requests, key, fn), options)
  }

  async getOrInsert(key: K, value: V, options?: CallOptions): Promise<V> {
    return this.#core.run(
      getOrInsert(this.#core.requests, key, () => value),
      options,
    )
  }

  async getOrInsertComputed(key: K, make: (key: K) => V, options?: CallOptions): Promise<V> {
    return this.#core.run(getOrInsert(this.#core.requests, key, make), options)
  }

  /**
   * Adds to a number, absent counting as 0, and returns the sum; the ttl is set only when the key is created. Needs a numeric
   * value codec. Rejects with OperationError BAD_VALUE when the sum is out of its range.
   */
  increment(
    key: K,
    by?: V | number | bigint,
    options?: { readonly ttlMs?: number } & CallOptions,
  ): Promise<V> {
    return this.#core.call(() => this.#core.requests.increment(key, by, options), options)
  }

  /** Counts one event in a window of `ttlMs` that begins with the first: a rate limit in one step. */
  hit(key: K, options: { readonly ttlMs: number; readonly by?: V | number } & CallOptions): Promise<Hit> {
    return this.#core.call(() => this.#core.requests.hit(key, options), options)
  }

  /** Sets the ttl; false if the key is absent. */
  expire(key: K, ttlMs: number, options?: CallOptions): Promise<boolean> {
    return this.#core.call(() => this.#core.requests.expire(key, ttlMs), options)
  }

  /** Removes the ttl; true if the key is there and had one. */
  persist(key: K, options?: CallOptions): Promise<boolean> {
    return this.#core.call(() => this.#core.requests.persist(key), options)
  }

  /** A page of keys and where to go on (0: done). A key present throughout is never missed. */
  scan(cursor: number, options?: { readonly count?: number } & CallOptions): Promise<Page<K>> {
    return this.#core.call(() => this.#core.requests.scan(cursor, options), options)
  }

  /**
   * Reads `keys` at one moment, calls `change` with their values in this process, and makes all that it returns happen at
   * one moment, which nobody sees half of; if one of `keys` has changed since, again from the start. `change` returns
   * `[key, value]` entries (undefined deletes), or nothing. Resolves to the values that it was called with last. A key keeps
   * its ttl. Rejects with OperationError FULL, and nothing has changed.
   */
  async transaction(
    keys: Iterable<K>,
    change: Change<K, V>,
    options?: CallOptions,
  ): Promise<(V | undefined)[]> {
    return this.#core.run(transaction(this.#core.requests, keys, change), options)
  }

  /**
   * Calls `listener` with every message on `channel`, or on all channels that match it with `pattern`, whoever publishes it,
   * Redis clients too; messages are values. Resolves, when nothing of what follows will be missed, to what ends it. Keeps the
   * process alive. After a reconnect it goes on by itself; what was published in between is lost.
   */
  async subscribe(
    channel: string,
    listener: Listener<V>,
    options: SubscribeOptions = {},
  ): Promise<() => Promise<void>> {
    checkChannel(channel)
    checkFunction(listener, 'subscribe')
    this.#subscriptions ??= new Subscriptions(this.#core)
    return this.#subscriptions.add(channel, listener, options)
  }

  /** Sends a message to all who listen, after everything this client has asked before; resolves to how many they are. */
  publish(channel: string, message: V, options?: CallOptions): Promise<number> {
    return publish(this.#core, channel, message, options)
  }

  size(options?: CallOptions): Promise<number> {
    return this.#core.call(() => this.#core.requests.size(), options)
  }

  clear(options?: CallOptions): Promise<void> {
    return this.#core.call(() => this.#core.requests.clear(), options)
  }

  stats(options?: CallOptions): Promise<StoreStats> {
    return this.#core.call(() => this.#core.requests.stats(), options)
  }

  /**
   * Walks the whole table past the server and throws InvariantError on a broken invariant; nobody else is held up, this thread
   * is. Rejects with OperationError TIMEOUT if some of it did not hold still for that long.
   */
  async check(options?: CallOptions): Promise<void> {
    this.#core.check(options)
  }

  /** A Redis command (name and arguments), its reply as RESP2 bytes. */
  command(args: readonly (string | Uint8Array)[], options?: CallOptions): Promise<Buffer> {
    return this.#core.call(() => this.#core.requests.command(args), options)
  }

  async *entries(options?: CallOptions): AsyncGenerator<[K, V]> {
    const core = this.#core
    let cursor = 0
    do {
      const page = await core.run(entryPage(core.requests, core.link().direct, cursor), options)
      yield* page.entries
      cursor = page.cursor
    } while (cursor !== 0)
  }

  async forEach(callback: (value: V, key: K, client: this) => void, options?: CallOptions): Promise<void> {
    checkFunction(callback, 'forEach')
    for await (const [key, value] of this.entries(options)) callback(value, key, this)
  }

  async *keys(options?: CallOptions): AsyncGenerator<K> {
    let cursor = 0
    do {
      const page = await this.scan(cursor, { count: SCAN_COUNT, ...options })
      yield* page.keys
      cursor = page.cursor
    } while (cursor !== 0)
  }

  async *values(options?: CallOptions): AsyncGenerator<V> {
    for await (const [, value] of this.entries(options)) yield value
  }

  [Symbol.asyncIterator](): AsyncGenerator<[K, V]> {
    return this.entries()
  }

  /**
   * Sends one request and returns its id, to be ended by {@link poll}, {@link result} or `sync.result`. Throws OperationError
   * BACK_PRESSURE if `window` requests are in flight, and what a wrong argument throws.
   */
  submit<N extends WindowedName>(name: N, ...args: Parameters<Requests<K, V>[N]>): number {
    const core = this.#core
    const { requests } = core
    // By name where it counts: a method that is looked up and applied takes 30 ns more.
    if (name === 'get') return core.submit(requests.get(args[0] as K))
    if (name === 'set')
      return core.submit(requests.set(args[0] as K, args[1] as V, args[2] as SetOptions | undefined))
    if (!WINDOWED.has(name))
      throw new RangeError(`submit takes one of ${[...WINDOWED].join(', ')}, not ${String(name)}`)
    const fill = requests[name] as (...values: unknown[]) => Decode<unknown>
    return core.submit(fill.apply(requests, args))
  }

  /** `{ value }` once the answer is there, until then undefined. Throws what the answer is if it is an error. */
  poll(id: number): Answer | undefined {
    return this.#core.poll(id)
  }

  /** A promise of the answer. */
  result(id: number, options?: CallOptions): Promise<unknown> {
    return this.#core.result(id, options)
  }

  /** 'disconnect' comes with the error that ended the connection. */
  on(event: ClientEvent, listener: (error?: OperationError) => void): this {
    this.#core.events.on(event, listener)
    return this
  }

  once(event: ClientEvent, listener: (error?: OperationError) => void): this {
    this.#core.events.once(event, listener)
    return this
  }

  off(event: ClientEvent, listener: (error?: OperationError) => void): this {
    this.#core.events.off(event, listener)
    return this
  }

  /** The client keeps the process alive, idle as well. */
  ref(): this {
    this.#core.ref()
    return this
  }

  /** The client never keeps the process alive, not even with calls on their way. */
  unref(): this {
    this.#core.unref()
    return this
  }

  /** Ends the connection. Calls on their way fail with CLOSED. May be called again. */
  async close(): Promise<void> {
    this.#core.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Past the lane if that may be, else by it. Never throws. */
  async #read<R>(
    direct: (reads: DirectReads<K, V>) => R | typeof ASK,
    fill: (requests: Requests<K, V>) => Decode<R>,
    options: CallOptions | undefined,
  ): Promise<R> {
    const core = this.#core
    const link = core.link()
    if (options !== undefined) checkCallOptions(options)
    if (options?.signal?.aborted !== true) {
      const answer = direct(link.direct)
      if (answer !== ASK) return answer
    }
    return core.call(() => fill(core.requests), options)
  }
}

/** All that options can be wrong in, before anybody is asked for lanes. */
function prepare<K, V>(options: ClientOptions<K, V>) {
  const message = new Message()
  const { window, timeoutMs } = checkClientOptions(options)
  const requests = new Requests<K, V>(options.keys ?? TEXT, options.values ?? TEXT, message)
  return { window, timeoutMs, message, requests }
}
