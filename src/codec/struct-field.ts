/**
 * The types that a field of a struct can have: how long each is and how it is written and read. `write` checks
 * the value; `read` returns `undefined` where the bytes are not what `write` would have left.
 */
import { describe } from './codec.js'
import { toFloat64 } from './float64.js'
import { toInt32, toUint32 } from './int32.js'
import { toInt64 } from './int64.js'
import { decodeUtf8, encodeUtf8 } from './utf8.js'
import { isWellFormed } from './well-formed.js'

/** `{ string: n }` is a text of at most `n` bytes of UTF-8. */
export type FieldType = 'int32' | 'uint32' | 'float64' | 'int64' | 'bool' | { readonly string: number }

export interface FieldKind {
  /** The type as the codec's name has it. */
  readonly spelled: string
  readonly byteLength: number
  write(view: DataView, offset: number, value: unknown): void
  read(view: DataView, offset: number): unknown
}

/** Most bytes of a text: its length takes two. */
const MAX_TEXT_BYTES = 65_535

/** The kind of the field `name`; a TypeError or RangeError that names it if `type` is none. */
export function fieldKind(type: FieldType, name: string): FieldKind {
  const owner = `the field '${name}'`
  if (typeof type === 'object' && type !== null) return textKind(type.string, owner)
  switch (type) {
    case 'int32':
      return {
        spelled: type,
        byteLength: 4,
        write: (view, offset, value) => view.setInt32(offset, toInt32(value, owner), true),
        read: (view, offset) => view.getInt32(offset, true),
      }
    case 'uint32':
      return {
        spelled: type,
        byteLength: 4,
        write: (view, offset, value) => view.setUint32(offset, toUint32(value, owner), true),
        read: (view, offset) => view.getUint32(offset, true),
      }
    case 'float64':
      return {
        spelled: type,
        byteLength: 8,
        write: (view, offset, value) => view.setFloat64(offset, toFloat64(value, owner), true),
        read: (view, offset) => view.getFloat64(offset, true),
      }
    case 'int64':
      return {
        spelled: type,
        byteLength: 8,
        write: (view, offset, value) => view.setBigInt64(offset, toInt64(value, owner), true),
        read: (view, offset) => view.getBigInt64(offset, true),
      }
    case 'bool':
      return boolKind(owner)
    default:
      throw new TypeError(
        `the type of ${owner} must be int32, uint32, float64, int64, bool or { string: maxBytes }`,
      )
  }
}

function boolKind(owner: string): FieldKind {
  return {
    spelled: 'bool',
    byteLength: 1,
    write(view, offset, value) {
      if (typeof value !== 'boolean') throw new TypeError(`${owner} takes booleans, not ${describe(value)}`)
      view.setUint8(offset, value ? 1 : 0)
    },
    read(view, offset) {
      const stored = view.getUint8(offset)
      return stored > 1 ? undefined : stored === 1
    },
  }
}

function textKind(maxBytes: number, owner: string): FieldKind {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > MAX_TEXT_BYTES) {
    throw new RangeError(`the length of ${owner} must be 1 to ${MAX_TEXT_BYTES} bytes, as in { string: 40 }`)
  }
  return {
    spelled: `string${maxBytes}`,
    byteLength: 2 + maxBytes,
    write(view, offset, value) {
      if (typeof value !== 'string') throw new TypeError(`${owner} takes strings, not ${describe(value)}`)
      if (!isWellFormed(value)) throw new TypeError(`${owner} takes no text with a lone surrogate`)
      const text = encodeUtf8(value)
      if (text.byteLength > maxBytes) {
        throw new RangeError(`${owner} takes ${maxBytes} bytes of UTF-8, and the text has ${text.byteLength}`)
      }
      view.setUint16(offset, text.byteLength, true)
      new Uint8Array(view.buffer, view.byteOffset + offset + 2, maxBytes).set(text)
    },
    read(view, offset) {
      const byteLength = view.getUint16(offset, true)
      if (byteLength > maxBytes) return undefined
      return decodeUtf8(new Uint8Array(view.buffer, view.byteOffset + offset + 2, byteLength))
    },
  }
}
