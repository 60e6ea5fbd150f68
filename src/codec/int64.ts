/**
 * Bigints of 64 bits, signed, in 8 bytes, little-endian. What does not fit is refused, never wrapped; numbers
 * are refused too, as mixing the two is a mistake in JavaScript as well.
 */
import { builtIn, describe, type NumberCarried } from './codec.js'
import { storedView } from './stored-number.js'

/** `value`, checked to be a bigint of 64 bits; `owner` names the codec or field in the error. */
export function toInt64(value: unknown, owner = "the codec 'int64'"): bigint {
  if (typeof value !== 'bigint') throw new TypeError(`${owner} takes bigints, not ${describe(value)}`)
  if (BigInt.asIntN(64, value) === value) return value
  throw new RangeError(`${owner} takes bigints of 64 bits: -(2n ** 63n) to 2n ** 63n - 1n`)
}

export const int64 = builtIn<NumberCarried<bigint>>({
  carrier: 'int64',
  name: 'int64',
  toNumber: (value) => toInt64(value),
  fromNumber: BigInt,
  encode(value) {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigInt64(0, toInt64(value), true)
    return bytes
  },
  decode: (bytes) => storedView(bytes, 8, 'int64').getBigInt64(0, true),
})
