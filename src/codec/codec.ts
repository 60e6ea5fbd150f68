/**
 * How keys and values travel to and from bytes. A user's own codec is a plain object with a name and two
 * functions; the built-ins say more about themselves (their `carrier`), so that the map can write a string or
 * a number straight into the table without an array in between.
 *
 * Memory rule: `decode` and `fromText` never see shared memory. The map copies the bytes first, because a
 * decoder that passes over its input twice breaks when another thread writes in between: Node's own
 * `toString('utf8')` measures, then writes, and crashes the process when the text changed. The copy may be a
 * buffer that is used again for the next value: whoever wants to keep the bytes after `decode` copies them.
 * In the other direction the map copies what `encode` returns before any other user code runs.
 *
 * The name is stored in the region, and two openers with different names do not meet. It is the only check
 * there is: a codec whose bytes change must change its name. Codecs hold no state of their own; those of one
 * name in all threads must agree on the bytes alone.
 */
import { types } from 'node:util'
import { MAX_CODEC_NAME_BYTES } from '../base/limits.js'
import { isWellFormed } from './well-formed.js'

/** What a user's own codec is. `decode` gets bytes that are valid during the call only. */
export interface Codec<T> {
  /** Stored in the region; 1 to 60 bytes of UTF-8. */
  readonly name: string
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** What the map works with. */
export type Carried<T> = TextCarried<T> | BytesCarried<T> | NumberCarried<T>

/** Stored as the UTF-8 of `toText(value)`. The map checks that the text is well-formed, when it is not ASCII. */
export interface TextCarried<T> extends Codec<T> {
  readonly carrier: 'text'
  toText(value: T): string
  fromText(text: string): T
}

/** Stored as what `encode` returns; user code may run in both functions. */
export interface BytesCarried<T> extends Codec<T> {
  readonly carrier: 'bytes'
}

/** Stored little-endian in 4, 4, 8 or 8 bytes. `toNumber` checks the value; `int64` is a bigint. */
export interface NumberCarried<T> extends Codec<T> {
  readonly carrier: 'int32' | 'uint32' | 'float64' | 'int64'
  toNumber(value: T): number | bigint
  fromNumber(n: number | bigint): T
}

/**
 * The objects that {@link builtIn} made. Known by identity: a copy such as `{ ...codecs.string, encode }` has
 * a `carrier` too, and trusting that would leave the user's `encode` uncalled.
 */
const BUILT_INS = new WeakSet<object>()

/** Marks a codec of this folder as one that the map may work with as it is, and freezes it. */
export function builtIn<C extends object>(codec: C): Readonly<C> {
  BUILT_INS.add(codec)
  return Object.freeze(codec)
}

function isBuiltIn<T>(codec: Codec<T>): codec is Carried<T> {
  return BUILT_INS.has(codec)
}

/**
 * `codec` in the form the map works with: a built-in as it is, a user's own checked and wrapped as `bytes`.
 * Throws a TypeError that says what is wrong with it; so does the wrapped `encode` when it returns no bytes.
 */
export function carried<T>(codec: Codec<T>): Carried<T> {
  if (typeof codec === 'function') {
    throw new TypeError('a codec must be an object: did you forget to call it, as in codecs.json()?')
  }
  if (typeof codec !== 'object' || codec === null) {
    throw new TypeError(`a codec must be an object { name, encode, decode }, not ${describe(codec)}`)
  }
  if (isBuiltIn(codec)) return codec
  checkCodec(codec)
  return wrapped(codec, codec.name)
}

function wrapped<T>(codec: Codec<T>, name: string): BytesCarried<T> {
  return Object.freeze({
    carrier: 'bytes',
    name,
    encode(value: T): Uint8Array {
      const bytes: unknown = codec.encode(value)
      if (types.isUint8Array(bytes)) return bytes
      throw new TypeError(`encode of the codec '${name}' must return a Uint8Array, not ${describe(bytes)}`)
    },
    decode: (bytes: Uint8Array): T => codec.decode(bytes),
  })
}

function checkCodec(codec: Codec<unknown>): void {
  const name: unknown = codec.name
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`the name of a codec must be a non-empty string, not ${describe(name)}`)
  }
  if (!isWellFormed(name)) throw new TypeError('the name of a codec must not hold a lone surrogate')
  const nameBytes = Buffer.byteLength(name)
  if (nameBytes > MAX_CODEC_NAME_BYTES) {
    throw new TypeError(
      `the name of a codec must fit ${MAX_CODEC_NAME_BYTES} bytes of UTF-8: '${name}' takes ${nameBytes}`,
    )
  }
  for (const part of ['encode', 'decode'] as const) {
    if (typeof codec[part] === 'function') continue
    throw new TypeError(`${part} of the codec '${name}' must be a function, not ${describe(codec[part])}`)
  }
}

/** What `value` is, for an error message: never the value itself, which may be private or huge. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const maker: unknown = value.constructor
  return typeof maker === 'function' && maker.name !== 'Object' ? `a ${maker.name}` : 'an object'
}
