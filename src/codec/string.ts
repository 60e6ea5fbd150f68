/**
 * Strings as UTF-8: the codec of keys and values unless another is named. `toText` checks the type only; the
 * map finds lone surrogates itself on its path for texts that are not ASCII, and `encode` finds them here.
 * Bytes that are no UTF-8 (a server's table may hold any) decode with U+FFFD in their place.
 */
import { builtIn, describe, type TextCarried } from './codec.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'
import { isWellFormed } from './well-formed.js'

function toText(value: string): string {
  if (typeof value === 'string') return value
  throw new TypeError(`the codec 'string' takes strings, not ${describe(value)}`)
}

export const string = builtIn<TextCarried<string>>({
  carrier: 'text',
  name: 'string',
  toText,
  fromText: (text) => text,
  encode(value) {
    const text = toText(value)
    if (isWellFormed(text)) return encodeUtf8(text)
    throw new TypeError("the codec 'string' takes no text with a lone surrogate: it has no UTF-8 form")
  },
  decode: decodeUtf8,
})
