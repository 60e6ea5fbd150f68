/**
 * Operations that take more than one request: each is a generator that fills a request, yields what makes an answer of its
 * reply, and goes on with that answer. Whoever runs one decides whether to wait with a promise or to block.
 *
 * Each request is atomic, an operation as a whole is not; where that would matter (compute, getOrInsert) it looks whether
 * somebody was faster, and tries again. User code runs between requests.
 */
import { isOperationError } from '../base/errors.js'
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { checkFunction, checkIterable } from '../map/arguments.js'
import type { SetOptions } from '../map/entry.js'
import { ASK, type DirectReads } from './direct-reads.js'
import type { Decode, Page } from './replies.js'
import { bytesFrom, type Requests } from './requests.js'

export type Rounds<R> = Generator<Decode<unknown>, R, unknown>

/** What goes in one request: so many keys, or a little more than so many bytes. */
const KEYS_A_REQUEST = 4096
const BYTES_A_REQUEST = 128 * 1024

/** One request of several, with the type of its answer. */
export function* ask<R>(decode: Decode<R>): Rounds<R> {
  return (yield decode) as R
}

/** `direct` are the reads of the present connection. */
export function* getMany<K, V>(
  requests: Requests<K, V>,
  direct: DirectReads<K, V> | undefined,
  keys: Iterable<K>,
): Rounds<(V | undefined)[]> {
  checkIterable(keys, 'getMany takes an array or another iterable of keys')
  const values: (V | undefined)[] = []
  const open: { readonly at: number; readonly key: Uint8Array }[] = []
  for (const key of keys) {
    const prepared = requests.keys.prepare(key)
    const value = direct === undefined ? ASK : direct.getPrepared(prepared)
    if (value === ASK) open.push({ at: values.length, key: bytesFrom(prepared, 'key') })
    values.push(value === ASK ? undefined : value)
  }
  for (let next = 0; next < open.length; ) {
    const part = open.slice(next, next + countOf(open, next, ({ key }) => key.length))
    const found = yield* ask(requests.valuesOf(part.map(({ key }) => key)))
    // Nothing: the first value is so large that it goes alone.
    const got = found.length > 0 ? found : [yield* ask(requests.valueUnder(part[0]!.key))]
    got.forEach((value, i) => {
      values[part[i]!.at] = value
    })
    next += got.length
  }
  return values
}

export function* setMany<K, V>(
  requests: Requests<K, V>,
  entries: Iterable<readonly [K, V]>,
  options: SetOptions | undefined,
): Rounds<void> {
  checkIterable(entries, 'setMany takes an array or another iterable of [key, value]')
  const pairs: (readonly [Uint8Array, Uint8Array])[] = []
  for (const entry of entries) {
    checkIterable(entry, 'an entry of setMany is a [key, value]')
    const value = bytesFrom(requests.values.prepare(entry[1]), 'value')
    pairs.push([bytesFrom(requests.keys.prepare(entry[0]), 'key'), value])
  }
  for (let next = 0; next < pairs.length; ) {
    const count = countOf(pairs, next, ([key, value]) => key.length + value.length)
    const part = pairs.slice(next, next + count)
    const [key, value] = part[0]!
    if (count === 1) yield* ask(requests.setBytes(key, value, options))
    else yield* ask(requests.setAll(part.flat(), options))
    next += count
  }
}

/** How many of `items` from `from` on go in one request: one at least. */
function countOf<T>(items: readonly T[], from: number, bytesIn: (item: T) => number): number {
  let bytes = 0
  let count = 0
  while (count < KEYS_A_REQUEST && from + count < items.length) {
    bytes += bytesIn(items[from + count]!)
    if (count > 0 && bytes > BYTES_A_REQUEST) break
    count++
  }
  return count
}

export function* compareAndSet<K, V>(
  requests: Requests<K, V>,
  key: K,
  expected: V | undefined,
  next: V,
): Rounds<boolean> {
  if (expected === undefined) return yield* ask(requests.insert(key, next))
  const expectedBytes = bytesFrom(requests.values.prepare(expected), 'expected value')
  const nextBytes = bytesFrom(requests.values.prepare(next), 'value')
  if (expectedBytes.length + nextBytes.length <= MAX_VALUE_BYTES)
    return yield* ask(requests.compareAndSet(key, expectedBytes, nextBytes))
  for (;;) {
    const entry = yield* ask(requests.storedEntry(key))
    if (entry?.bytes.equals(expectedBytes) !== true) return false
    const options = { keepTtl: true, ifVersion: entry.version }
    const prepared = requests.keys.prepare(key)
    if (yield* wasInTime(ask(requests.setBytes(prepared, nextBytes, options)))) return true
  }
}

export function* compute<K, V>(
  requests: Requests<K, V>,
  key: K,
  fn: (old: V | undefined) => V | undefined,
): Rounds<V | undefined> {
  checkFunction(fn, 'compute')
  for (;;) {
    const entry = yield* ask(requests.storedEntry(key))
    const next = fn(entry === undefined ? undefined : requests.values.decode(entry.bytes))
    if (entry === undefined) {
      if (next === undefined || (yield* ask(requests.insert(key, next)))) return next
    } else if (next === undefined) {
      if (yield* ask(requests.compareAndDelete(key, entry.bytes))) return undefined
    } else {
      const options = { keepTtl: true, ifVersion: entry.version }
      if (yield* wasInTime(ask(requests.set(key, next, options)))) return next
    }
  }
}

export function* getOrInsert<K, V>(requests: Requests<K, V>, key: K, make: (key: K) => V): Rounds<V> {
  checkFunction(make, 'getOrInsertComputed')
  const found = yield* ask(requests.get(key))
  if (found !== undefined) return found
  const made = make(key)
  for (;;) {
    if (yield* ask(requests.insert(key, made))) return made
    const other = yield* ask(requests.get(key))
    if (other !== undefined) return other
  }
}

/** One page of a walk over all entries. */
export function* entryPage<K, V>(
  requests: Requests<K, V>,
  direct: DirectReads<K, V> | undefined,
  cursor: number,
): Rounds<{ readonly cursor: number; readonly entries: [K, V][] }> {
  const page: Page<K> = yield* ask(requests.scan(cursor, { count: KEYS_A_REQUEST }))
  const values = yield* getMany(requests, direct, page.keys)
  const entries: [K, V][] = []
  page.keys.forEach((key, i) => {
    const value = values[i]
    // Gone since the page was made.
    if (value !== undefined) entries.push([key, value])
  })
  return { cursor: page.cursor, entries }
}

/** Whether a write with `ifVersion` met that version. */
function* wasInTime(write: Rounds<void>): Rounds<boolean> {
  try {
    yield* write
    return true
  } catch (error) {
    if (isOperationError(error, 'ABORTED') && error.outcome === 'not-applied') return false
    throw error
  }
}
