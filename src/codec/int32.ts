/**
 * Whole numbers of 32 bits, signed (`int32`) and unsigned (`uint32`), in 4 bytes, little-endian. What does not
 * fit is refused, never wrapped. `-0` comes back as `0`.
 */
import { builtIn, type NumberCarried } from './codec.js'
import { checkNumber, storedView } from './stored-number.js'

/** `value`, checked to be a whole number of 32 bits, signed; `owner` names the codec or field in the error. */
export function toInt32(value: unknown, owner = "the codec 'int32'"): number {
  checkNumber(value, owner)
  if ((value | 0) === value) return value | 0
  throw new RangeError(`${owner} takes whole numbers of ${-(2 ** 31)} to ${2 ** 31 - 1}, not ${value}`)
}

/** The same, unsigned. */
export function toUint32(value: unknown, owner = "the codec 'uint32'"): number {
  checkNumber(value, owner)
  if (value >>> 0 === value) return value >>> 0
  throw new RangeError(`${owner} takes whole numbers of 0 to ${2 ** 32 - 1}, not ${value}`)
}

export const int32 = builtIn<NumberCarried<number>>({
  carrier: 'int32',
  name: 'int32',
  toNumber: (value) => toInt32(value),
  fromNumber: Number,
  encode(value) {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setInt32(0, toInt32(value), true)
    return bytes
  },
  decode: (bytes) => storedView(bytes, 4, 'int32').getInt32(0, true),
})

export const uint32 = builtIn<NumberCarried<number>>({
  carrier: 'uint32',
  name: 'uint32',
  toNumber: (value) => toUint32(value),
  fromNumber: Number,
  encode(value) {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, toUint32(value), true)
    return bytes
  },
  decode: (bytes) => storedView(bytes, 4, 'uint32').getUint32(0, true),
})
