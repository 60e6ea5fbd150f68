/**
 * Counting in place: adding to a number in the table by one store under the stripe's lock, without a chunk, without a
 * retry. Integers are checked for overflow before anything is stored.
 */
import { OperationError } from '../base/errors.js'
import type { Segment } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import { CHANGED, MISFIT, OVERFLOW, type Writer } from '../table/writer.js'

export type NumberKind = 'int32' | 'uint32' | 'float64' | 'int64'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** The sum, or undefined if it does not fit the kind. */
export function sum(kind: NumberKind, a: number | bigint, b: number | bigint): number | bigint | undefined {
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const total = BigInt(a) + BigInt(b)
    return total < INT64_MIN || total > INT64_MAX ? undefined : total
  }
  const total = a + b
  if (kind === 'int32') return total === (total | 0) ? total : undefined
  if (kind === 'uint32') return total === total >>> 0 ? total : undefined
  return total
}

/** Adds `by` to the number under `key`; undefined if the key is absent. Throws OperationError BAD_VALUE. */
export function addInPlace(writer: Writer, key: KeyBuffer, kind: NumberKind, by: number | bigint): number | bigint | undefined {
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
  if (outcome === MISFIT) throw new OperationError('BAD_VALUE', `the stored value is no ${kind}. Nothing was changed.`)
  if (outcome === OVERFLOW) throw overflow(kind)
  return undefined
}

export function overflow(kind: NumberKind): OperationError {
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
