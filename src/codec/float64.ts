/** Any number, in 8 bytes, little-endian: `NaN`, `-0` and the infinities come back as they went in. */
import { builtIn, type NumberCarried } from './codec.js'
import { checkNumber, storedView } from './stored-number.js'

/** `value`, checked to be a number; `owner` names the codec or field in the error. */
export function toFloat64(value: unknown, owner = "the codec 'float64'"): number {
  checkNumber(value, owner)
  return value
}

export const float64 = builtIn<NumberCarried<number>>({
  carrier: 'float64',
  name: 'float64',
  toNumber: (value) => toFloat64(value),
  fromNumber: Number,
  encode(value) {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, toFloat64(value), true)
    return bytes
  },
  decode: (bytes) => storedView(bytes, 8, 'float64').getFloat64(0, true),
})
