/** What the codecs of numbers and records check alike: the type of a value, the length of stored bytes. */
import { OperationError } from '../base/errors.js'
import { describe } from './codec.js'

/** Throws a TypeError, which begins with `owner`, unless `value` is a number. */
export function checkNumber(value: unknown, owner: string): asserts value is number {
  if (typeof value === 'number') return
  throw new TypeError(`${owner} takes numbers, not ${describe(value)}`)
}

/** A view of `bytes`, which must be `byteLength` long: BAD_VALUE if something else was stored there. */
export function storedView(bytes: Uint8Array, byteLength: number, codecName: string): DataView {
  if (bytes.byteLength === byteLength) return new DataView(bytes.buffer, bytes.byteOffset, byteLength)
  throw new OperationError(
    'BAD_VALUE',
    `the codec '${codecName}' reads ${byteLength} bytes, but ${bytes.byteLength} are stored`,
  )
}
