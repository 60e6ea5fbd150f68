/**
 * The operations of a client, blocking: `client.sync`. Each returns the answer, or throws what a promise would be rejected
 * with. The event loop stands still meanwhile, so a thread that does nothing else hears of no reconnect; and messages, which go
 * by it, are published and heard by promises alone.
 */
import { checkFunction } from '../map/arguments.js'
import type { Entry, SetOptions } from '../map/entry.js'
import type { StoreStats } from '../store/store.js'
import { type CallOptions, checkCallOptions } from './call-options.js'
import type { ClientCore } from './client-core.js'
import { ASK } from './direct-reads.js'
import type { Hit, Page } from './replies.js'
import { compareAndSet, compute, entryPage, getMany, getOrInsert, setMany } from './rounds.js'
import { type Change, transaction } from './transactions.js'

/** Without `signal`: nobody could give it while this thread blocks. */
export type SyncOptions = Omit<CallOptions, 'signal'>

export class SyncOperations<K, V> {
  readonly #core: ClientCore<K, V>

  constructor(core: ClientCore<K, V>) {
    this.#core = core
  }

  get(key: K, options?: SyncOptions): V | undefined {
    const core = this.#core
    if (options !== undefined) checkCallOptions(options)
    const value = core.link().direct.get(key)
    return value === ASK ? core.callSync(core.requests.get(key), options) : value
  }

  has(key: K, options?: SyncOptions): boolean {
    const core = this.#core
    if (options !== undefined) checkCallOptions(options)
    const has = core.link().direct.has(key)
    return has === ASK ? core.callSync(core.requests.has(key), options) : has
  }

  getEntry(key: K, options?: SyncOptions): Entry<V> | undefined {
    const core = this.#core
    if (options !== undefined) checkCallOptions(options)
    const entry = core.link().direct.getEntry(key)
    return entry === ASK ? core.callSync(core.requests.getEntry(key), options) : entry
  }

  remainingTtlMs(key: K, options?: SyncOptions): number | undefined {
    const core = this.#core
    if (options !== undefined) checkCallOptions(options)
    const remainingMs = core.link().direct.remainingTtlMs(key)
    return remainingMs === ASK ? core.callSync(core.requests.remainingTtlMs(key), options) : remainingMs
  }

  getMany(keys: Iterable<K>, options?: SyncOptions): (V | undefined)[] {
    return this.#core.runSync(getMany(this.#core.requests, this.#core.link().direct, keys), options)
  }

  set(key: K, value: V, options?: SetOptions & SyncOptions): void {
    this.#core.callSync(this.#core.requests.set(key, value, options), options)
  }

  setMany(entries: Iterable<readonly [K, V]>, options?: SetOptions & SyncOptions): void {
    this.#core.runSync(setMany(this.#core.requests, entries, options), options)
  }

  insert(key: K, value: V, options?: { readonly ttlMs?: number } & SyncOptions): boolean {
    return this.#core.callSync(this.#core.requests.insert(key, value, options), options)
  }

  replace(key: K, value: V, options?: SyncOptions): boolean {
    return this.#core.callSync(this.#core.requests.replace(key, value), options)
  }

  delete(key: K, options?: SyncOptions): boolean {
    return this.#core.callSync(this.#core.requests.delete(key), options)
  }

  take(key: K, options?: SyncOptions): V | undefined {
    return this.#core.callSync(this.#core.requests.take(key), options)
  }

  exchange(key: K, value: V, options?: SyncOptions): V | undefined {
    return this.#core.callSync(this.#core.requests.exchange(key, value), options)
  }

  compareAndSet(key: K, expected: V | undefined, next: V, options?: SyncOptions): boolean {
    return this.#core.runSync(compareAndSet(this.#core.requests, key, expected, next), options)
  }

  compute(key: K, fn: (old: V | undefined) => V | undefined, options?: SyncOptions): V | undefined {
    return this.#core.runSync(compute(this.#core.requests, key, fn), options)
  }

  getOrInsert(key: K, value: V, options?: SyncOptions): V {
    return this.#core.runSync(
      getOrInsert(this.#core.requests, key, () => value),
      options,
    )
  }

  getOrInsertComputed(key: K, make: (key: K) => V, options?: SyncOptions): V {
    return this.#core.runSync(getOrInsert(this.#core.requests, key, make), options)
  }

  increment(key: K, by?: V | number | bigint, options?: { readonly ttlMs?: number } & SyncOptions): V {
    return this.#core.callSync(this.#core.requests.increment(key, by, options), options)
  }

  hit(key: K, options: { readonly ttlMs: number; readonly by?: V | number } & SyncOptions): Hit {
    return this.#core.callSync(this.#core.requests.hit(key, options), options)
  }

  expire(key: K, ttlMs: number, options?: SyncOptions): boolean {
    return this.#core.callSync(this.#core.requests.expire(key, ttlMs), options)
  }

  persist(key: K, options?: SyncOptions): boolean {
    return this.#core.callSync(this.#core.requests.persist(key), options)
  }

  scan(cursor: number, options?: { readonly count?: number } & SyncOptions): Page<K> {
    return this.#core.callSync(this.#core.requests.scan(cursor, options), options)
  }

  transaction(keys: Iterable<K>, change: Change<K, V>, options?: SyncOptions): (V | undefined)[] {
    return this.#core.runSync(transaction(this.#core.requests, keys, change), options)
  }

  size(options?: SyncOptions): number {
    return this.#core.callSync(this.#core.requests.size(), options)
  }

  clear(options?: SyncOptions): void {
    this.#core.callSync(this.#core.requests.clear(), options)
  }

  stats(options?: SyncOptions): StoreStats {
    return this.#core.callSync(this.#core.requests.stats(), options)
  }

  /** As that of {@link Client}. */
  check(options?: SyncOptions): void {
    this.#core.check(options)
  }

  /** A Redis command, its reply as RESP2 bytes. */
  command(args: readonly (string | Uint8Array)[], options?: SyncOptions): Buffer {
    return this.#core.callSync(this.#core.requests.command(args), options)
  }

  /** The answer to what was submitted under `id`: waits for it. */
  result(id: number, options?: SyncOptions): unknown {
    return this.#core.waitFor(id, options).value
  }

  *entries(options?: SyncOptions): Generator<[K, V]> {
    let cursor = 0
    do {
      const core = this.#core
      const page = core.runSync(entryPage(core.requests, core.link().direct, cursor), options)
      yield* page.entries
      cursor = page.cursor
    } while (cursor !== 0)
  }

  forEach(callback: (value: V, key: K, client: this) => void, options?: SyncOptions): void {
    checkFunction(callback, 'forEach')
    for (const [key, value] of this.entries(options)) callback(value, key, this)
  }

  *keys(options?: SyncOptions): Generator<K> {
    let cursor = 0
    do {
      const page = this.scan(cursor, { count: SCAN_COUNT, ...options })
      yield* page.keys
      cursor = page.cursor
    } while (cursor !== 0)
  }

  *values(options?: SyncOptions): Generator<V> {
    for (const [, value] of this.entries(options)) yield value
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries()
  }
}

const SCAN_COUNT = 4096
