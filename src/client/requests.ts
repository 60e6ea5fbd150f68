/**
 * Every operation that is one request and one reply: a method checks its arguments, fills `message` and sets `effect`, and
 * returns what makes the answer of the reply (replies.ts). Promises, blocking calls and windowed ones all begin here.
 *
 * User code (codecs) runs before the message is filled, so it may come back to the same client. The message is valid
 * until the next method is called.
 */
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { type Codec, describe } from '../codec/codec.js'
import { FieldWriter } from '../commands/operations/fields.js'
import {
  type Effect,
  FLAGS,
  NUMBER_KIND,
  type Operation,
  type OperationMessage,
} from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import { checkTtl, checkWholeNumber, ttlOf } from '../map/arguments.js'
import { checkSetOptions, type Entry, type SetOptions } from '../map/entry.js'
import type { StoreStats } from '../store/store.js'
import { CALL_NAMES } from './call-options.js'
import {
  bytesOf,
  type Decode,
  entryFrom,
  firstOf,
  type Hit,
  hitFrom,
  isDone,
  isYes,
  manyFrom,
  type Page,
  pageFrom,
  remainingOf,
  type StoredValue,
  statsOf,
  storedOf,
  sumFrom,
  valueFrom,
} from './replies.js'
import { fillRequest, NOTHING } from './request-writer.js'
import { type Prepared, WireCodec } from './wire-codec.js'

const DEFAULT_SCAN_COUNT = 100
const MAX_SCAN_COUNT = 65_536

export class Requests<K, V> {
  readonly keys: WireCodec<K>
  readonly values: WireCodec<V>
  readonly message: OperationMessage
  /** What the request may change. */
  effect: Effect = 0
  /** Cleared before each list: what cannot be added throws, and what came before it is left. */
  readonly #fields = new FieldWriter()
  readonly #toValue: Decode<V | undefined>
  readonly #toEntry: Decode<Entry<V> | undefined>
  readonly #toSum: Decode<V>
  readonly #toHit: Decode<Hit>
  readonly #toPage: Decode<Page<K>>
  readonly #toMany: Decode<(V | undefined)[]>

  constructor(keys: Codec<K>, values: Codec<V>, message: OperationMessage) {
    this.keys = new WireCodec(keys)
    this.values = new WireCodec(values)
    this.message = message
    this.#toValue = valueFrom(this.values)
    this.#toEntry = entryFrom(this.values)
    this.#toSum = sumFrom(this.values)
    this.#toHit = hitFrom(this.values)
    this.#toPage = pageFrom(this.keys)
    this.#toMany = manyFrom(this.values)
  }

  get(key: K): Decode<V | undefined> {
    this.#fill(OPERATIONS.get, key)
    return this.#toValue
  }

  has(key: K): Decode<boolean> {
    this.#fill(OPERATIONS.has, key)
    return isYes
  }

  set(key: K, value: V, options?: SetOptions): Decode<void> {
    if (options === undefined) this.#fillPair(OPERATIONS.set, key, value)
    else this.#fillSet(OPERATIONS.set, this.keys.prepare(key), this.values.prepare(value), options)
    return isDone
  }

  insert(key: K, value: V, options?: { readonly ttlMs?: number }): Decode<boolean> {
    const ttlMs = ttlOf(options, 'insert', CALL_NAMES) ?? 0
    this.#fillPair(OPERATIONS.insert, key, value)
    this.message.first = ttlMs
    return isYes
  }

  replace(key: K, value: V): Decode<boolean> {
    this.#fillPair(OPERATIONS.replace, key, value)
    return isYes
  }

  delete(key: K): Decode<boolean> {
    this.#fill(OPERATIONS.delete, key)
    return isYes
  }

  take(key: K): Decode<V | undefined> {
    this.#fill(OPERATIONS.take, key)
    return this.#toValue
  }

  exchange(key: K, value: V): Decode<V | undefined> {
    this.#fillPair(OPERATIONS.exchange, key, value)
    return this.#toValue
  }

  /** Both values as bytes, together at most MAX_VALUE_BYTES. */
  compareAndSet(key: K, expected: Uint8Array, next: Uint8Array): Decode<boolean> {
    const name = this.keys.prepare(key)
    this.#fillPrepared(OPERATIONS.compareAndSet, name, Buffer.concat([expected, next]))
    this.message.first = expected.length
    return isYes
  }

  getEntry(key: K): Decode<Entry<V> | undefined> {
    this.#fill(OPERATIONS.getEntry, key)
    return this.#toEntry
  }

  increment(key: K, by: V | number | bigint = 1, options?: { readonly ttlMs?: number }): Decode<V> {
    this.#fillCount(key, by, ttlOf(options, 'increment', CALL_NAMES) ?? 0)
    return this.#toSum
  }

  hit(key: K, options: { readonly ttlMs: number; readonly by?: V | number }): Decode<Hit> {
    this.#fillCount(key, options?.by ?? 1, checkTtl(options?.ttlMs))
    return this.#toHit
  }

  expire(key: K, ttlMs: number): Decode<boolean> {
    checkTtl(ttlMs)
    this.#fill(OPERATIONS.expire, key)
    this.message.first = ttlMs
    return isYes
  }

  persist(key: K): Decode<boolean> {
    this.#fill(OPERATIONS.persist, key)
    return isYes
  }

  remainingTtlMs(key: K): Decode<number | undefined> {
    this.#fill(OPERATIONS.remainingTtl, key)
    return remainingOf
  }

  scan(cursor: number, options?: { readonly count?: number }): Decode<Page<K>> {
    checkWholeNumber(cursor, 'cursor', 0, Number.MAX_SAFE_INTEGER)
    const count = checkWholeNumber(options?.count ?? DEFAULT_SCAN_COUNT, 'count', 1, Number.MAX_SAFE_INTEGER)
    this.#fillBare(OPERATIONS.scan)
    this.message.first = cursor
    this.message.second = Math.min(count, MAX_SCAN_COUNT)
    return this.#toPage
  }

  size(): Decode<number> {
    this.#fillBare(OPERATIONS.size)
    return firstOf
  }

  clear(): Decode<void> {
    this.#fillBare(OPERATIONS.clear)
    return isDone
  }

  stats(): Decode<StoreStats> {
    this.#fillBare(OPERATIONS.stats)
    return statsOf
  }

  /** A Redis command; the reply is RESP2, as bytes. */
  command(args: readonly (string | Uint8Array)[]): Decode<Buffer> {
    this.#fields.clear()
    for (const arg of args) this.#fields.add(argumentBytes(arg))
    this.#fillList(OPERATIONS.command)
    return bytesOf
  }

  /** Part of a getMany; keys as bytes. Answers as many values as it can, undefined for a key that is absent. */
  valuesOf(keys: readonly Uint8Array[]): Decode<(V | undefined)[]> {
    this.#fields.clear()
    for (const key of keys) this.#fields.add(key)
    this.#fillList(OPERATIONS.getMany)
    return this.#toMany
  }

  /** As {@link get}, for a key that is bytes. */
  valueUnder(key: Uint8Array): Decode<V | undefined> {
    this.#fillPrepared(OPERATIONS.get, key, NOTHING)
    return this.#toValue
  }

  /** As {@link getEntry}, but the value stays bytes. */
  storedEntry(key: K): Decode<StoredValue | undefined> {
    this.#fill(OPERATIONS.getEntry, key)
    return storedOf
  }

  /** As {@link set}, for a key and a value that are bytes. */
  setBytes(key: Prepared, value: Prepared, options: SetOptions | undefined): Decode<void> {
    this.#fillSet(OPERATIONS.set, key, value, options ?? {})
    return isDone
  }

  /** Part of a setMany: keys and values in turn. */
  setAll(pairs: readonly Uint8Array[], options: SetOptions | undefined): Decode<void> {
    this.#fields.clear()
    for (const part of pairs) this.#fields.add(part)
    const list = Buffer.from(this.#fields.view())
    this.#fillSet(OPERATIONS.setMany, NOTHING, list, options ?? {})
    return isDone
  }

  /** Deletes the key if its value has just these bytes. */
  compareAndDelete(key: K, expected: Uint8Array): Decode<boolean> {
    this.#fillPrepared(OPERATIONS.compareAndDelete, this.keys.prepare(key), expected)
    return isYes
  }

  #fill(operation: Operation, key: K): void {
    this.#fillPrepared(operation, this.keys.prepare(key), NOTHING)
  }

  #fillPair(operation: Operation, key: K, value: V): void {
    const prepared = this.values.prepare(value)
    this.#fillPrepared(operation, this.keys.prepare(key), prepared)
  }

  #fillPrepared(operation: Operation, key: Prepared, value: Prepared): void {
    fillRequest(this.message, operation.code, key, value)
    this.effect = operation.effect
  }

  #fillBare(operation: Operation): void {
    this.message.clear(operation.code)
    this.effect = operation.effect
  }

  #fillList(operation: Operation): void {
    this.#fillBare(operation)
    const { byteLength } = this.#fields
    if (byteLength > MAX_VALUE_BYTES)
      throw new RangeError(`together these take ${byteLength} bytes; at most ${MAX_VALUE_BYTES} go at a time`)
    this.#fields.moveTo(this.message)
  }

  #fillSet(operation: Operation, key: Prepared, value: Prepared, options: SetOptions): void {
    const { ttlMs, keepTtl, ifVersion } = checkSetOptions(options, CALL_NAMES)
    this.#fillPrepared(operation, key, value)
    this.message.first = ttlMs ?? 0
    this.message.second = ifVersion ?? 0
    this.message.flags = (keepTtl ? FLAGS.KEEP_TTL : 0) | (ifVersion === undefined ? 0 : FLAGS.IF_VERSION)
  }

  #fillCount(key: K, by: unknown, ttlMs: number): void {
    const kind = this.values.numberKind
    const difference = differenceText(kind, by)
    this.#fillPrepared(OPERATIONS.increment, this.keys.prepare(key), difference)
    this.message.flags = kind
    this.message.first = ttlMs
  }
}

/** What a number of that kind can be counted by, as text. Throws TypeError or RangeError. */
function differenceText(kind: number, by: unknown): string {
  if (kind === NUMBER_KIND.INT64) {
    if (typeof by === 'bigint' || Number.isSafeInteger(by)) return String(by)
    throw new TypeError('an int64 counts by a bigint or a safe integer')
  }
  if (typeof by !== 'number') throw new TypeError(`a counter counts by a number, not ${describe(by)}`)
  if (kind === NUMBER_KIND.FLOAT64 ? Number.isFinite(by) : Number.isSafeInteger(by)) return String(by)
  throw new RangeError(`this kind of number cannot count by ${by}`)
}

function argumentBytes(arg: unknown): Uint8Array {
  if (typeof arg === 'string' || typeof arg === 'number' || arg instanceof Uint8Array)
    return bytesFrom(arg, 'argument')
  throw new TypeError(`an argument of a command is a string or bytes, not ${describe(arg)}`)
}

/** The bytes of what was prepared. Throws TypeError for a lone surrogate. */
export function bytesFrom(prepared: Prepared, what: string): Uint8Array {
  if (typeof prepared === 'number') return Buffer.from(String(prepared))
  if (typeof prepared !== 'string') return prepared
  if (!prepared.isWellFormed())
    throw new TypeError(`the ${what} holds a lone surrogate: repair the string first`)
  return Buffer.from(prepared)
}
