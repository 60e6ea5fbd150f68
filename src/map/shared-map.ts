/**
 * SharedMap: a `Map` that all worker threads of a process share, or all processes of a machine that open its name, at
 * memory speed, without a server.
 *
 * A handle belongs to the thread that made it; others attach their own with `share()` and `SharedMap.attach`, or open
 * the name. Every operation on one key is atomic and linearizable across all of them. Operations that read, decide and write
 * (`compareAndSet`, `compute`, `exchange`, ...) run user code outside any lock and try again when somebody was faster.
 * Iteration is weakly consistent: what is there throughout is seen exactly once.
 */
import { READ_NOTHING } from '../table/reader.js'
import type { TableStats } from '../table/stats.js'
import { ALWAYS, IF_ABSENT } from '../table/writer.js'
import type { MapAccess } from './access.js'
import { checkCallNames, checkFunction, checkIterable, checkTtl, ttlOf } from './arguments.js'
import {
  compareAndSet,
  compute,
  exchange,
  getOrInsert,
  putIfVersion,
  putKeepingTtl,
  take,
} from './conditional.js'
import { count } from './counting.js'
import type { DecodedCache } from './decoded-cache.js'
import { checkSetOptions, type Entry, type SetOptions, type SharedMapHandle } from './entry.js'
import { entriesOf, keysOf, scan, valuesOf } from './iteration.js'
import { readMany } from './many.js'
import { type Attached, listNamed, type NamedTable, openNamed, unlinkNamed } from './named.js'
import { openReadOnly } from './named-read-only.js'
import type { OpenOptions } from './open-terms.js'
import { attachShared, type MapRegion, openParts } from './opening.js'
import type { AttachOptions, MapOptions } from './options.js'
import type { TableWatch } from './table-watch.js'

const HIT_NAMES: ReadonlySet<string> = new Set(['ttlMs', 'by'])

export class SharedMap<K = string, V = string> implements Map<K, V> {
  readonly #region: MapRegion
  readonly #access: MapAccess<K, V>
  #cache: DecodedCache<K, V> | undefined
  readonly #watch: TableWatch | undefined

  /** Creates a table of its own. Throws TypeError or RangeError for options that cannot be. */
  constructor(options: MapOptions<K, V> = {}, attached?: Attached<K, V>) {
    const { region, access, cache, watch } = openParts(options, attached, () => this.#giveUp())
    this.#region = region
    this.#access = access
    this.#cache = cache
    this.#watch = watch
  }

  /**
   * The map of another thread, by what its `share()` gave. Codecs may be left out where the region names built-in ones.
   * Throws OperationError MISMATCH if one given here has another name than the region's.
   */
  static attach<K = string, V = string>(
    handle: SharedMapHandle,
    options: AttachOptions<K, V> = {},
  ): SharedMap<K, V> {
    return new SharedMap<K, V>(options, attachShared(handle, options))
  }

  /**
   * The table of that name, which every process of this machine that opens it shares; Linux only. What the options name
   * must be what the table is (OperationError MISMATCH shows both), and may be left out. With access 'ro' nothing here can
   * change it, and what would write fails with READ_ONLY.
   */
  static open<K = string, V = string>(name: string, options: OpenOptions<K, V> = {}): SharedMap<K, V> {
    const open = options?.access === 'ro' ? openReadOnly : openNamed
    return open(name, options, (attached: Attached<K, V>) => new SharedMap<K, V>(options, attached))
  }

  /** The named tables of this machine. */
  static list(): NamedTable[] {
    return listNamed()
  }

  /**
   * Removes the name: who still uses the table gets OperationError CLOSED. False if there was none. Throws OperationError
   * SERVED while a server has it.
   */
  static unlink(name: string): boolean {
    return unlinkNamed(name)
  }

  /** What another thread needs to attach this map. */
  share(): SharedMapHandle {
    this.#access.open()
    return { hearth: 'shared-map', region: this.#region.share() }
  }

  readonly [Symbol.toStringTag] = 'SharedMap'

  /** Number of entries; what has expired and was not touched since may still count. */
  get size(): number {
    return this.#access.open().size
  }

  /** With `decodedCache`, the value is frozen, and the same object is returned again: see there. */
  get(key: K): V | undefined {
    const cache = this.#cache
    return cache === undefined ? this.#access.values.read(this.#access.seek(key)) : cache.get(key)
  }

  has(key: K): boolean {
    return this.#access.seek(key).look(READ_NOTHING)
  }

  /** The value with its version and remaining ttl. */
  getEntry(key: K): Entry<V> | undefined {
    const { values } = this.#access
    const table = this.#access.seek(key)
    if (!table.find(values.reads)) return undefined
    const { stamp, expiresAtMs } = table.reader
    const remainingTtlMs = this.#access.remainingMs(expiresAtMs)
    return { value: values.decode(table.reader), version: stamp >>> 0, remainingTtlMs }
  }

  /** The values of many keys, in their order; each read is atomic, all together are not. */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    checkIterable(keys, 'getMany takes an array or another iterable of keys')
    return readMany(this.#access, keys)
  }

  /** Stores `value`; a plain `set` clears the ttl. Throws OperationError FULL, or ABORTED if `ifVersion` does not hold. */
  set(key: K, value: V, options?: SetOptions): this {
    if (options === undefined) this.#access.stage(key, value).put(this.#access.expiryMs(undefined), ALWAYS)
    else this.#setAs(key, value, options)
    return this
  }

  #setAs(key: K, value: V, options: SetOptions): void {
    const { ttlMs, keepTtl, ifVersion } = checkSetOptions(options)
    const table = this.#access.stage(key, value)
    if (ifVersion !== undefined) putIfVersion(this.#access, table, ifVersion, ttlMs, keepTtl)
    else if (keepTtl) putKeepingTtl(this.#access, table, true)
    else table.put(this.#access.expiryMs(ttlMs), ALWAYS)
  }

  /** Each entry is stored by itself, in order: an error leaves those before it stored. */
  setMany(entries: Iterable<readonly [K, V]>, options?: SetOptions): this {
    checkIterable(entries, 'setMany takes an array or another iterable of [key, value]')
    for (const entry of entries) {
      checkIterable(entry, 'an entry of setMany is a [key, value]')
      this.set(entry[0], entry[1], options)
    }
    return this
  }

  /** Stores only if the key is absent; returns whether it did. */
  insert(key: K, value: V, options?: { readonly ttlMs?: number }): boolean {
    const ttlMs = ttlOf(options, 'insert')
    return this.#access.stage(key, value).put(this.#access.expiryMs(ttlMs), IF_ABSENT)
  }

  /** Stores only if the key is present, keeping its ttl; returns whether it did. */
  replace(key: K, value: V): boolean {
    return putKeepingTtl(this.#access, this.#access.stage(key, value), false)
  }

  delete(key: K): boolean {
    return this.#access.seekToWrite(key).delete()
  }

  /** Deletes and returns the old value. */
  take(key: K): V | undefined {
    return take(this.#access, key)
  }

  /** Sets and returns the old value; clears the ttl. */
  exchange(key: K, value: V): V | undefined {
    return exchange(this.#access, key, value)
  }

  /** Stores `next` if the value is `expected` by its encoded bytes (`undefined`: absent); keeps the ttl. */
  compareAndSet(key: K, expected: V | undefined, next: V): boolean {
    if (expected === undefined) return this.insert(key, next)
    return compareAndSet(this.#access, key, expected, next)
  }

  /** `fn(old)` outside any lock, tried again when somebody was faster; `undefined` deletes. Keeps the ttl. */
  compute(key: K, fn: (old: V | undefined) => V | undefined): V | undefined {
    checkFunction(fn, 'compute')
    return compute(this.#access, key, fn)
  }

  getOrInsert(key: K, value: V): V {
    return getOrInsert(this.#access, key, () => value)
  }

  /** The value, or what `make(key)` returns, stored first. With many at once, all get the one that was stored. */
  getOrInsertComputed(key: K, make: (key: K) => V): V {
    checkFunction(make, 'getOrInsertComputed')
    return getOrInsert(this.#access, key, make)
  }

  /**
   * Adds `by` to a number, absent counting as 0, and returns the sum; the ttl is set only when the key is created.
   * Needs a numeric value codec. Throws OperationError BAD_VALUE when the sum is out of range.
   */
  increment(
    this: SharedMap<K, bigint>,
    key: K,
    by?: bigint | number,
    options?: { readonly ttlMs?: number },
  ): bigint
  increment(key: K, by?: V | number, options?: { readonly ttlMs?: number }): number
  increment(key: K, by: bigint | V | number = 1, options?: { readonly ttlMs?: number }): number | bigint {
    return count(this.#access, key, by, ttlOf(options, 'increment')).value
  }

  /**
   * Counts one event in a window of `ttlMs` that begins with the first: a rate limit in one step. Value and remaining
   * time are those of one moment.
   */
  hit(
    key: K,
    options: { readonly ttlMs: number; readonly by?: V | number },
  ): { value: number; remainingTtlMs: number } {
    const { ttlMs, by = 1 } = checkCallNames(options, 'hit', '{ ttlMs: 60_000 }', HIT_NAMES) ?? {}
    const { value, expiresAtMs } = count(this.#access, key, by, checkTtl(ttlMs))
    return { value: value as number, remainingTtlMs: this.#access.remainingMs(expiresAtMs) }
  }

  /** Sets the ttl; false if the key is absent. */
  expire(key: K, ttlMs: number): boolean {
    checkTtl(ttlMs)
    const table = this.#access.seekToWrite(key)
    return table.expireAt(table.clock.nowMs() + ttlMs)
  }

  /** Removes the ttl; true if the key is there and had one. */
  persist(key: K): boolean {
    return this.#access.seekToWrite(key).persist()
  }

  /** `undefined`: absent; Infinity: no ttl. */
  remainingTtlMs(key: K): number | undefined {
    const table = this.#access.seek(key)
    return table.look(READ_NOTHING) ? this.#access.remainingMs(table.reader.expiresAtMs) : undefined
  }

  clear(): void {
    this.#access.openToWrite().clear()
  }

  /** A page of keys and where to go on (0: done). A key present throughout is never missed. */
  scan(cursor: number, options?: { readonly count?: number }): { cursor: number; keys: K[] } {
    return scan(this.#access, cursor, options)
  }

  keys(): MapIterator<K> {
    return keysOf(this.#access)
  }

  values(): MapIterator<V> {
    return valuesOf(this.#access)
  }

  entries(): MapIterator<[K, V]> {
    return entriesOf(this.#access)
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(callback: (value: V, key: K, map: Map<K, V>) => void, thisArgument?: unknown): void {
    checkFunction(callback, 'forEach')
    for (const [key, value] of this.entries()) callback.call(thisArgument, value, key, this)
  }

  stats(): TableStats {
    return this.#access.open().stats()
  }

  /** Walks everything and throws on a broken invariant; writers wait meanwhile. */
  check(): void {
    this.#access.open().check()
  }

  #giveUp(): void {
    this.#cache = undefined
    this.#access.giveUp()
    this.#watch?.look()
  }

  /** Ends this thread's use of the map; the table stays for the others. May be called again. */
  close(): void {
    this.#cache = undefined
    this.#watch?.end()
    this.#access.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
