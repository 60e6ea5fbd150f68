/**
 * Whatever JSON holds, as JSON text. The losses are JSON's own: dates come back as strings, `-0` as `0`, `NaN`
 * as `null`, nested `undefined` and functions not at all; use `msgpack` where that hurts. What JSON cannot hold
 * at the top is a TypeError, and so are a bigint and a circle (the message is that of `JSON.stringify`).
 * Any text has a JSON form: lone surrogates are written as escapes. `__proto__` is an ordinary key.
 */
import { builtIn, describe, type TextCarried } from './codec.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'

function toText(value: unknown): string {
  const text: string | undefined = JSON.stringify(value)
  if (text !== undefined) return text
  throw new TypeError(`the codec 'json' cannot hold ${describe(value)}: JSON has no form for it`)
}

/** `T` is what the caller promises to store; it is not checked. */
export function json<T = unknown>(): TextCarried<T> {
  return builtIn<TextCarried<T>>({
    carrier: 'text',
    name: 'json',
    toText,
    fromText: (text) => JSON.parse(text),
    encode: (value) => encodeUtf8(toText(value)),
    decode: (bytes) => JSON.parse(decodeUtf8(bytes)),
  })
}
