/**
 * SharedMap: a `Map` that all worker threads of a process share, at memory speed, without a server.
 *
 * A handle belongs to the thread that made it; others attach their own with `share()` and `SharedMap.attach`. Every
 * operation on one key is atomic and linearizable across all threads. Operations that read, decide and write
 * (`compareAndSet`, `compute`, `exchange`, ...) run user code outside any lock and try again when somebody was faster.
 * Iteration is weakly consistent: what is there throughout is seen exactly once.
 */
import { OperationError } from '../base/errors.js'
import { type Codec, describe } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { READ_BYTES, READ_NOTHING } from '../table/reader.js'
import { readFacts, Space } from '../table/space.js'
import type { TableStats } from '../table/stats.js'
import { Table } from '../table/table.js'
import type { WalkedEntry } from '../table/walker.js'
import { ALWAYS, IF_ABSENT, IF_STAMP, NO_EXPIRY } from '../table/writer.js'
import { agreedCodec } from './agreed-codec.js'
import { addTo, checkDifference, numberKind } from './counting.js'
import type { Entry, SetOptions, SharedMapHandle } from './entry.js'
import { readMany } from './many.js'
import {
  type AttachOptions,
  checkInitialSize,
  checkLockTimeout,
  checkTtl,
  type MapOptions,
  tableFacts,
} from './options.js'
import { type Prepared, Transcoder } from './transcoder.js'

const CURSOR_KEYS = 10

export class SharedMap<K = string, V = string> implements Map<K, V> {
  readonly #table: Table
  readonly #region: SharedArrayRegion
  readonly #keys: Transcoder<K>
  readonly #values: Transcoder<V>
  readonly #defaultTtlMs: number
  #closed = false

  /** Creates a table of its own. Throws TypeError or RangeError for options that cannot be. */
  constructor(
    options: MapOptions<K, V> = {},
    attached?: { region: SharedArrayRegion; keys: Codec<K>; values: Codec<V> },
  ) {
    const attachment = {
      lockTimeoutMs: checkLockTimeout(options.lockTimeoutMs),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    }
    const text = codecs.string as unknown as Codec<never>
    this.#keys = new Transcoder(attached?.keys ?? options.keys ?? text)
    this.#values = new Transcoder(attached?.values ?? options.values ?? text)
    if (attached === undefined) {
      const facts = tableFacts(options, this.#keys.codec.name, this.#values.codec.name)
      this.#region = SharedArrayRegion.create(Space.regionBytes(facts))
      this.#table = Table.create(this.#region, facts, attachment)
      if (options.initialSize !== undefined) this.#table.reserve(checkInitialSize(options.initialSize))
    } else {
      this.#region = attached.region
      this.#table = Table.attach(attached.region, attachment)
    }
    this.#defaultTtlMs = this.#table.space.facts.defaultTtlMs
  }

  /**
   * The map of another thread, by what its `share()` gave. Codecs may be left out where the region names built-in ones.
   * Throws OperationError MISMATCH if one given here has another name than the region's.
   */
  static attach<K = string, V = string>(
    handle: SharedMapHandle,
    options: AttachOptions<K, V> = {},
  ): SharedMap<K, V> {
    if (typeof handle !== 'object' || handle === null || handle.hearth !== 'shared-map') {
      throw new TypeError(`attach takes what share() of a SharedMap gave, not ${describe(handle)}`)
    }
    const region = SharedArrayRegion.attach(handle.region)
    const facts = readFacts(region)
    const keys = agreedCodec('keys', facts.keyCodec, options.keys)
    const values = agreedCodec('values', facts.valueCodec, options.values)
    return new SharedMap<K, V>(options, { region, keys, values })
  }

  /** What another thread needs to attach this map. */
  share(): SharedMapHandle {
    this.#open()
    return { hearth: 'shared-map', region: this.#region.share() }
  }

  readonly [Symbol.toStringTag] = 'SharedMap'

  /** Number of entries; what has expired and was not touched since may still count. */
  get size(): number {
    return this.#open().size
  }

  get(key: K): V | undefined {
    return this.#values.read(this.#seek(key))
  }

  has(key: K): boolean {
    return this.#seek(key).has()
  }

  /** The value with its version and remaining ttl. */
  getEntry(key: K): Entry<V> | undefined {
    const table = this.#seek(key)
    if (!table.find(this.#values.reads)) return undefined
    const { stamp, expiresAtMs } = table.reader
    const remainingTtlMs =
      expiresAtMs === NO_EXPIRY ? NO_EXPIRY : Math.max(0, expiresAtMs - table.clock.nowMs())
    return { value: this.#values.decode(table.reader), version: stamp >>> 0, remainingTtlMs }
  }

  /** The values of many keys, in their order; each read is atomic, all together are not. */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    const table = this.#open()
    const prepared: Prepared[] = []
    for (const key of keys) prepared.push(this.#keys.prepare(key))
    return readMany(table, this.#keys, this.#values, prepared)
  }

  /** Stores `value`; a plain `set` clears the ttl. Throws OperationError FULL, or ABORTED if `ifVersion` does not hold. */
  set(key: K, value: V, options?: SetOptions): this {
    const table = this.#stage(key, value)
    if (options === undefined) {
      table.put(this.#expiry(undefined), ALWAYS)
      return this
    }
    const ttlMs = options.ttlMs === undefined ? undefined : checkTtl(options.ttlMs)
    if (options.keepTtl && ttlMs !== undefined) throw new TypeError('give either ttlMs or keepTtl, not both')
    if (options.ifVersion !== undefined)
      this.#setIfVersion(table, options.ifVersion, ttlMs, options.keepTtl === true)
    else if (options.keepTtl === true) this.#putAfterLook(table, () => true)
    else table.put(this.#expiry(ttlMs), ALWAYS)
    return this
  }

  setMany(entries: Iterable<readonly [K, V]>, options?: SetOptions): this {
    for (const [key, value] of entries) this.set(key, value, options)
    return this
  }

  /** Stores only if the key is absent; returns whether it did. */
  insert(key: K, value: V, options?: { readonly ttlMs?: number }): boolean {
    const ttlMs = options?.ttlMs === undefined ? undefined : checkTtl(options.ttlMs)
    return this.#stage(key, value).put(this.#expiry(ttlMs), IF_ABSENT)
  }

  /** Stores only if the key is present, keeping its ttl; returns whether it did. */
  replace(key: K, value: V): boolean {
    return this.#putAfterLook(this.#stage(key, value), (found) => found)
  }

  delete(key: K): boolean {
    return this.#seek(key).delete()
  }

  /** Deletes and returns the old value. */
  take(key: K): V | undefined {
    const table = this.#seek(key)
    for (;;) {
      if (!table.find(this.#values.reads)) return undefined
      if (table.writer.remove(table.key, IF_STAMP, table.reader.stamp))
        return this.#values.decode(table.reader)
    }
  }

  /** Sets and returns the old value; clears the ttl. */
  exchange(key: K, value: V): V | undefined {
    const table = this.#stage(key, value)
    for (;;) {
      const found = table.find(this.#values.reads)
      const done = found
        ? table.put(this.#expiry(undefined), IF_STAMP, table.reader.stamp)
        : table.put(this.#expiry(undefined), IF_ABSENT)
      if (done) return found ? this.#values.decode(table.reader) : undefined
    }
  }

  /** Stores `next` if the value is `expected` by its encoded bytes (`undefined`: absent); keeps the ttl. */
  compareAndSet(key: K, expected: V | undefined, next: V): boolean {
    if (expected === undefined) return this.insert(key, next)
    // Encoded beside the buffers: the expected value must outlive the staging of the next one.
    const preparedExpected = this.#values.prepare(expected)
    const preparedNext = this.#values.prepare(next)
    const table = this.#seek(key)
    this.#values.putValue(preparedExpected, table.value)
    const wanted = Buffer.from(table.value.source.subarray(0, table.value.byteLength))
    this.#values.putValue(preparedNext, table.value)
    return this.#putAfterLook(table, (found) => found && table.reader.bytes.equals(wanted), READ_BYTES)
  }

  /** `fn(old)` outside any lock, tried again when somebody was faster; `undefined` deletes. Keeps the ttl. */
  compute(key: K, fn: (old: V | undefined) => V | undefined): V | undefined {
    for (;;) {
      let table = this.#seek(key)
      const found = table.find(this.#values.reads)
      const { stamp, expiresAtMs } = table.reader
      const next = fn(found ? this.#values.decode(table.reader) : undefined)
      if (next === undefined) {
        if (!found || this.#seek(key).writer.remove(table.key, IF_STAMP, stamp)) return undefined
        continue
      }
      table = this.#stage(key, next)
      const expiry = found ? expiresAtMs : this.#expiry(undefined)
      if (found ? table.put(expiry, IF_STAMP, stamp) : table.put(expiry, IF_ABSENT)) return next
    }
  }

  getOrInsert(key: K, value: V): V {
    return this.getOrInsertComputed(key, () => value)
  }

  /** The value, or what `make(key)` returns, stored first. With many at once, all get the one that was stored. */
  getOrInsertComputed(key: K, make: (key: K) => V): V {
    const present = this.get(key)
    if (present !== undefined) return present
    const made = make(key)
    for (;;) {
      if (this.#stage(key, made).put(this.#expiry(undefined), IF_ABSENT)) return made
      const other = this.get(key)
      if (other !== undefined) return other
    }
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
    return this.#add(key, by, options?.ttlMs === undefined ? undefined : checkTtl(options.ttlMs))
  }

  /** Counts one event in a window of `ttlMs` that begins with the first: a rate limit in one step. */
  hit(
    key: K,
    options: { readonly ttlMs: number; readonly by?: V | number },
  ): { value: number; remainingTtlMs: number } {
    const ttlMs = checkTtl(options.ttlMs)
    const value = this.#add(key, options.by ?? 1, ttlMs) as number
    return { value, remainingTtlMs: this.remainingTtlMs(key) ?? 0 }
  }

  /** Sets the ttl; false if the key is absent. */
  expire(key: K, ttlMs: number): boolean {
    checkTtl(ttlMs)
    const table = this.#seek(key)
    return table.expireAt(table.clock.nowMs() + ttlMs)
  }

  /** Removes the ttl; true if the key is there and had one. */
  persist(key: K): boolean {
    return this.#seek(key).persist()
  }

  /** `undefined`: absent; Infinity: no ttl. */
  remainingTtlMs(key: K): number | undefined {
    const table = this.#seek(key)
    if (!table.has()) return undefined
    const { expiresAtMs } = table.reader
    return expiresAtMs === NO_EXPIRY ? NO_EXPIRY : Math.max(0, expiresAtMs - table.clock.nowMs())
  }

  clear(): void {
    this.#open().clear()
  }

  /** A page of keys and where to go on (0: done). A key present throughout is never missed. */
  scan(cursor: number, options?: { readonly count?: number }): { cursor: number; keys: K[] } {
    const { walker } = this.#open()
    if (!walker.isCursor(cursor)) throw new RangeError(`${cursor} is no cursor of this map: begin with 0`)
    const count = options?.count ?? CURSOR_KEYS
    if (!(Number.isInteger(count) && count > 0)) throw new RangeError(`count must be above 0, not ${count}`)
    const found: WalkedEntry[] = []
    let next = cursor
    do next = walker.step(next, found, false)
    while (next !== 0 && found.length < count)
    return { cursor: next, keys: found.map((entry) => this.#keys.decodeBytes(entry.key)) }
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.#walk(READ_NOTHING)) yield key
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.#walk(this.#values.reads)) yield value as V
  }

  *entries(): MapIterator<[K, V]> {
    for (const [key, value] of this.#walk(this.#values.reads)) yield [key, value as V]
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(callback: (value: V, key: K, map: Map<K, V>) => void, thisArgument?: unknown): void {
    for (const [key, value] of this.entries()) callback.call(thisArgument, value, key, this)
  }

  stats(): TableStats {
    return this.#open().stats()
  }

  /** Walks everything and throws on a broken invariant; writers wait meanwhile. */
  check(): void {
    this.#open().check()
  }

  /** Ends this thread's use of the map; the table stays for the others. May be called again. */
  close(): void {
    if (!this.#closed) this.#table.close()
    this.#closed = true
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open(): Table {
    if (this.#closed)
      throw new OperationError('CLOSED', 'this map has been closed in this thread; attach it again')
    return this.#table
  }

  /** Puts the key into its buffer. */
  #seek(key: K): Table {
    const table = this.#open()
    this.#keys.putKey(this.#keys.prepare(key), table.key)
    return table
  }

  /** Puts key and value into their buffers; all user code runs before the first is filled. */
  #stage(key: K, value: V): Table {
    const table = this.#open()
    const preparedValue: Prepared = this.#values.prepare(value)
    this.#keys.putKey(this.#keys.prepare(key), table.key)
    this.#values.putValue(preparedValue, table.value)
    return table
  }

  /** Moment of expiry of a new entry. */
  #expiry(ttlMs: number | undefined): number {
    const effectiveMs = ttlMs ?? this.#defaultTtlMs
    return effectiveMs === 0 ? NO_EXPIRY : this.#table.clock.nowMs() + effectiveMs
  }

  /** Stores what is staged if `decide(found)` says so, keeping the ttl; tried again when somebody was faster. */
  #putAfterLook(table: Table, decide: (found: boolean) => boolean, what = READ_NOTHING): boolean {
    for (;;) {
      const found = table.reader.read(table.key, what)
      if (!decide(found)) return false
      const done = found
        ? table.put(table.reader.expiresAtMs, IF_STAMP, table.reader.stamp)
        : table.put(this.#expiry(undefined), IF_ABSENT)
      if (done) return true
    }
  }

  #setIfVersion(table: Table, version: number, ttlMs: number | undefined, keepTtl: boolean): void {
    const found = table.has()
    const expiry = keepTtl && found ? table.reader.expiresAtMs : this.#expiry(ttlMs)
    if (found && table.reader.stamp >>> 0 === version && table.put(expiry, IF_STAMP, version | 0)) return
    throw new OperationError(
      'ABORTED',
      `the entry no longer has version ${version}. Nothing was changed: read it again.`,
    )
  }

  #add(key: K, by: bigint | V | number, ttlMs: number | undefined): number | bigint {
    const kind = numberKind(this.#values.codec)
    const difference = checkDifference(kind, by)
    return addTo(this.#seek(key), kind, difference, (first, table) => {
      this.#values.putValue(first, table.value)
      return table.put(this.#expiry(ttlMs), IF_ABSENT)
    })
  }

  *#walk(what: number): Generator<[K, V | undefined]> {
    const table = this.#open()
    let cursor = 0
    do {
      const found: WalkedEntry[] = []
      cursor = table.walker.step(cursor, found, false)
      for (const { key } of found) {
        // Looked up again: since the step, the caller may have deleted or changed it.
        this.#open().key.setBytes(key)
        if (!table.reader.read(table.key, what)) continue
        const value = what === READ_NOTHING ? undefined : this.#values.decode(table.reader)
        yield [this.#keys.decodeBytes(key), value]
      }
    } while (cursor !== 0)
  }
}
