/**
 * Prepares a value for msgpackr, which would silently return something else for some of them:
 *
 *   Map                    a plain object        -> lowered to its entries
 *   own key `__proto__`    the key `__proto_`    -> the object is lowered to its entries
 *   -0                     0                     -> lowered to a mark
 *   text with a BOM first  without it (if long)  -> lowered to its UTF-8 bytes
 *   Uint8Array             an extension          -> a Buffer, which is written in the standard form
 *   lone surrogate         U+FFFD                -> TypeError
 *   function               undefined             -> TypeError, as for a symbol
 *
 * Copies on write: a value with none of these, as almost all are, is returned as it is. An object with a
 * function `toJSON` is replaced by its result first, as in JSON (a Date is not). A class instance comes back as
 * a plain object of its own fields, without prototype. Nesting is bounded, which also ends circles.
 */
import { types } from 'node:util'
import { describe } from './codec.js'
import { decodeUtf8 } from './utf8.js'
import { isWellFormed } from './well-formed.js'

/** Deepest nesting of a value. Far below where msgpackr's own recursion overflows the stack. */
const MAX_DEPTH = 500

const BYTE_ORDER_MARK = 0xfeff

type Kind = 'map' | 'object' | 'text' | '-0'

/** What stands in for a value that msgpackr cannot carry. */
export class Lowered {
  readonly kind: Kind
  readonly content: unknown

  constructor(kind: Kind, content: unknown) {
    this.kind = kind
    this.content = content
  }
}

/** `value` in a form that comes back from msgpackr unchanged, once {@link raised} was applied to what was lowered. */
export function lowered(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return loweredText(value)
    case 'number':
      return Object.is(value, -0) ? new Lowered('-0', null) : value
    case 'object':
      return value === null ? null : loweredObject(value, depth)
    case 'function':
    case 'symbol':
      throw new TypeError(`the codec 'msgpack' cannot hold ${describe(value)}`)
    default:
      return value
  }
}

/** The value that was lowered to `[kind, content]`. */
export function raised([kind, content]: [Kind, never]): unknown {
  switch (kind) {
    case 'map':
      return new Map(pairs(content))
    case 'object':
      return Object.fromEntries(pairs<string>(content))
    case 'text':
      return decodeUtf8(content)
    case '-0':
      return -0
    default:
      throw new TypeError('the stored bytes hold an unknown kind of value')
  }
}

function loweredText(text: string): string | Lowered {
  if (!isWellFormed(text)) {
    throw new TypeError("the codec 'msgpack' takes no text with a lone surrogate: it has no UTF-8 form")
  }
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? new Lowered('text', Buffer.from(text)) : text
}

function loweredObject(value: object, depth: number): unknown {
  if (depth >= MAX_DEPTH) {
    throw new TypeError(`the codec 'msgpack' takes at most ${MAX_DEPTH} levels, and no circles`)
  }
  if (Array.isArray(value)) return loweredArray(value, depth)
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    if (types.isUint8Array(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    if (isCarried(value)) return value
    if (types.isMap(value)) return new Lowered('map', loweredArray([...value].flat(), depth))
    if (types.isSet(value)) return new Set(loweredArray([...value], depth))
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return lowered(value.toJSON(), depth + 1)
  return loweredFields(value as Record<string, unknown>, depth)
}

/** Whether msgpackr carries `value`, which is no plain object, as it is. */
function isCarried(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  )
}

function loweredArray(items: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    const stand = lowered(item, depth + 1)
    if (stand === item || Number.isNaN(item)) continue
    copy ??= items.slice()
    copy[index] = stand
  }
  return copy ?? items
}

function loweredFields(value: Record<string, unknown>, depth: number): unknown {
  const keys = Object.keys(value)
  let copy: Record<string, unknown> | undefined
  for (const key of keys) {
    if (key === '__proto__' || loweredText(key) !== key) return loweredEntries(value, keys, depth)
    const field = value[key]
    const stand = lowered(field, depth + 1)
    if (stand === field || Number.isNaN(field)) continue
    copy ??= { ...value }
    copy[key] = stand
  }
  return copy ?? value
}

function loweredEntries(value: Record<string, unknown>, keys: string[], depth: number): Lowered {
  return new Lowered(
    'object',
    loweredArray(
      keys.flatMap((key) => [key, value[key]]),
      depth,
    ),
  )
}

/** A flat list of keys and values as pairs. */
function* pairs<K>(flat: readonly unknown[]): Generator<[K, unknown]> {
  for (let index = 0; index < flat.length; index += 2) yield [flat[index] as K, flat[index + 1]]
}
