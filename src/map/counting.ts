/**
 * Counting in place: adding to a number in the table by one store under the stripe's lock, without a chunk, without a
 * retry. A sum out of range is found before anything is stored.
 */
import { OperationError } from '../base/errors.js'
import { describe } from '../codec/codec.js'
import type { Segment } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import { CHANGED, IF_ABSENT, MISFIT, OVERFLOW, type Writer } from '../table/writer.js'
import type { MapAccess } from './access.js'

export type NumberKind = 'int32' | 'uint32' | 'float64' | 'int64'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** The sum, or undefined if it does not fit the kind. */
function sum(kind: NumberKind, a: number | bigint, b: number | bigint): number | bigint | undefined {
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const total = BigInt(a) + BigInt(b)
    return total < INT64_MIN || total > INT64_MAX ? undefined : total
  }
  const total = a + b
  if (kind === 'int32') return total === (total | 0) ? total : undefined
  if (kind === 'uint32') return total === total >>> 0 ? total : undefined
  return Number.isFinite(total) ? total : undefined
}

/** What a codec counts in. Throws TypeError for one that holds no numbers. */
function numberKind(codec: { readonly carrier: string; readonly name: string }): NumberKind {
  const { carrier, name } = codec
  if (carrier === 'int32' || carrier === 'uint32' || carrier === 'int64' || carrier === 'float64')
    return carrier
  throw new TypeError(`counting needs a numeric value codec, such as codecs.int32; this map has '${name}'`)
}

/** What a count came to, and when the entry expires. */
export interface Counted {
  readonly value: number | bigint
  readonly expiresAtMs: number
}

/**
 * Adds `by` to the number under `key`, absent counting as 0; `ttlMs` is for an entry that is made here. Sum and expiry
 * are those of one moment. Throws OperationError BAD_VALUE.
 */
export function count<K, V>(
  access: MapAccess<K, V>,
  key: K,
  by: unknown,
  ttlMs: number | undefined,
): Counted {
  const kind = numberKind(access.values.codec)
  const difference = checkDifference(kind, by)
  const table = access.seekToWrite(key)
  for (;;) {
    const value = addInPlace(table.writer, table.key, kind, difference)
    if (value !== undefined) return { value, expiresAtMs: table.writer.expiresAtMs }
    const first = sum(kind, kind === 'int64' ? 0n : 0, difference)
    if (first === undefined) throw overflow(kind)
    access.values.putValue(first, table.value)
    const expiresAtMs = access.expiryMs(ttlMs)
    if (table.put(expiresAtMs, IF_ABSENT)) return { value: first, expiresAtMs }
  }
}

/** Adds `by` to the number under `key`; undefined if the key is absent. Throws OperationError BAD_VALUE. */
function addInPlace(
  writer: Writer,
  key: KeyBuffer,
  kind: NumberKind,
  by: number | bigint,
): number | bigint | undefined {
  let result: number | bigint = 0
  const bytes = kind === 'int32' || kind === 'uint32' ? 4 : 8
  const outcome = writer.changeNumber(key, bytes, (segment, at, open) => {
    const total = sum(kind, load(segment, at, kind), by)
    if (total === undefined) return OVERFLOW
    open()
    store(segment, at, kind, total)
    result = total
    return CHANGED
  })
  if (outcome === CHANGED) return result
  if (outcome === MISFIT)
    throw new OperationError('BAD_VALUE', `the stored value is no ${kind}. Nothing was changed.`)
  if (outcome === OVERFLOW) throw overflow(kind)
  return undefined
}

function overflow(kind: NumberKind): OperationError {
  return new OperationError('BAD_VALUE', `the sum is out of the range of ${kind}. Nothing was changed.`)
}

function load(segment: Segment, at: number, kind: NumberKind): number | bigint {
  if (kind === 'int32') return segment.words[at]!
  if (kind === 'uint32') return segment.words[at]! >>> 0
  return kind === 'float64' ? segment.floats[at >>> 1]! : segment.longs[at >>> 1]!
}

function store(segment: Segment, at: number, kind: NumberKind, value: number | bigint): void {
  if (typeof value === 'bigint') segment.longs[at >>> 1] = value
  else if (kind === 'float64') segment.floats[at >>> 1] = value
  else segment.words[at] = value
}

/** `by` as something the kind can count by. Throws TypeError or RangeError. */
function checkDifference(kind: NumberKind, by: unknown): number | bigint {
  if (kind === 'int64') {
    if (typeof by === 'bigint') return by
    if (typeof by === 'number' && Number.isSafeInteger(by)) return BigInt(by)
    throw new TypeError('an int64 counts by a bigint or a safe integer')
  }
  if (typeof by !== 'number') throw new TypeError(`a counter counts by a number, not ${describe(by)}`)
  if (kind === 'float64') {
    if (Number.isFinite(by)) return by
  } else if (Number.isSafeInteger(by)) {
    return by
  }
  throw new RangeError(`a ${kind} cannot count by ${by}`)
}
