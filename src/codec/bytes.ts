/**
 * Bytes as they are. What comes back is a private copy in a plain `Uint8Array`, whatever kind (a Buffer, say)
 * went in; changing it changes nothing in the table.
 */
import { types } from 'node:util'
import { type BytesCarried, builtIn, describe } from './codec.js'

export const bytes = builtIn<BytesCarried<Uint8Array>>({
  carrier: 'bytes',
  name: 'bytes',
  encode(value) {
    if (types.isUint8Array(value)) return value
    throw new TypeError(`the codec 'bytes' takes a Uint8Array, not ${describe(value)}`)
  },
  decode: (stored) => new Uint8Array(stored),
})
