import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { MAX_CODEC_NAME_BYTES } from '../base/limits.js'
import { type Codec, carried, describe } from './codec.js'
import { codecs } from './codecs.js'

const upside: Codec<number> = {
  name: 'upside',
  encode: (value) => Uint8Array.of(255 - value),
  decode: (bytes) => 255 - (bytes[0] ?? 0),
}

/** A codec whose parts are wrong in a way that types would not let through. */
function broken(parts: Record<string, unknown>): Codec<number> {
  return { ...upside, ...parts } as unknown as Codec<number>
}

test('the built-in codecs have the names that regions store', () => {
  const made = {
    ...codecs,
    json: codecs.json(),
    msgpack: codecs.msgpack(),
    struct: codecs.struct({ a: 'bool' }),
  }
  const names = Object.fromEntries(Object.entries(made).map(([key, codec]) => [key, codec.name]))
  assert.deepEqual(names, {
    string: 'string',
    bytes: 'bytes',
    json: 'json',
    msgpack: 'msgpack',
    int32: 'int32',
    uint32: 'uint32',
    int64: 'int64',
    float64: 'float64',
    struct: 'struct{a:bool}',
  })
})

test('a built-in codec is carried as it is and cannot be changed', () => {
  function assertKept<T>(codec: Codec<T>): void {
    assert.equal(carried(codec), codec)
    assert.ok(Object.isFrozen(codec), codec.name)
  }
  assertKept(codecs.string)
  assertKept(codecs.bytes)
  assertKept(codecs.json())
  assertKept(codecs.msgpack())
  assertKept(codecs.int32)
  assertKept(codecs.uint32)
  assertKept(codecs.int64)
  assertKept(codecs.float64)
  assertKept(codecs.struct({ a: 'bool' }))
})

test("a user's codec is carried as bytes, with its name", () => {
  const codec = carried(upside)
  assert.equal(codec.carrier, 'bytes')
  assert.equal(codec.name, 'upside')
  assert.equal(codec.decode(codec.encode(7)), 7)
})

test("a user's codec may be an object with methods that use `this`", () => {
  class Shift implements Codec<number> {
    readonly name = 'shift'
    readonly #by = 3
    encode(value: number): Uint8Array {
      return Uint8Array.of(value + this.#by)
    }
    decode(bytes: Uint8Array): number {
      return (bytes[0] ?? 0) - this.#by
    }
  }
  const codec = carried(new Shift())
  assert.deepEqual(codec.encode(1), Uint8Array.of(4))
  assert.equal(codec.decode(Uint8Array.of(4)), 1)
})

test('a changed copy of a built-in codec is a codec of the user: its own functions are called', () => {
  const copy = { ...codecs.string, name: 'loud', encode: (text: string) => Buffer.from(text.toUpperCase()) }
  const codec = carried<string>(copy)
  assert.equal(codec.carrier, 'bytes')
  assert.equal(codec.decode(codec.encode('abc')), 'ABC')
})

test('encode may return a Buffer, or a Uint8Array of another realm, and nothing else', () => {
  const foreign = runInNewContext('Uint8Array.of(1, 2)') as Uint8Array
  assert.deepEqual([...carried(broken({ encode: () => Buffer.from([1]) })).encode(0)], [1])
  assert.deepEqual([...carried(broken({ encode: () => foreign })).encode(0)], [1, 2])
  for (const wrong of [
    undefined,
    null,
    'text',
    [1],
    new ArrayBuffer(1),
    new Uint16Array(1),
    Promise.resolve(),
  ]) {
    assert.throws(() => carried(broken({ encode: () => wrong })).encode(0), {
      name: 'TypeError',
      message: /^encode of the codec 'upside' must return a Uint8Array, not /,
    })
  }
})

test('what an encode or decode throws reaches the caller unchanged', () => {
  const cause = new Error('no')
  const failing = carried(
    broken({
      encode: () => {
        throw cause
      },
    }),
  )
  assert.throws(
    () => failing.encode(1),
    (error) => error === cause,
  )
})

test('a codec with a wrong part is a TypeError that says which', () => {
  const longest = 'é'.repeat(MAX_CODEC_NAME_BYTES / 2)
  assert.equal(carried(broken({ name: longest })).name, longest)
  const mistakes: [Record<string, unknown>, RegExp][] = [
    [{ name: undefined }, /name of a codec must be a non-empty string, not undefined/],
    [{ name: '' }, /name of a codec must be a non-empty string, not an empty string/],
    [{ name: 7 }, /name of a codec must be a non-empty string, not a number/],
    [{ name: `${longest}x` }, /must fit 60 bytes of UTF-8: '.*' takes 61/],
    [{ name: 'a\ud800' }, /lone surrogate/],
    [{ encode: undefined }, /encode of the codec 'upside' must be a function, not undefined/],
    [{ decode: 'no' }, /decode of the codec 'upside' must be a function, not a string/],
  ]
  for (const [parts, message] of mistakes) {
    assert.throws(() => carried(broken(parts)), { name: 'TypeError', message })
  }
})

test('what is no codec at all is a TypeError that says so', () => {
  for (const wrong of [undefined, null, 'json', 7]) {
    assert.throws(() => carried(wrong as unknown as Codec<number>), {
      name: 'TypeError',
      message: /a codec must be an object \{ name, encode, decode \}, not /,
    })
  }
  assert.throws(() => carried(codecs.json as unknown as Codec<number>), {
    name: 'TypeError',
    message: /did you forget to call it, as in codecs\.json\(\)\?/,
  })
})

test('a description tells the kind of a value and never the value', () => {
  const kinds = [
    null,
    undefined,
    '',
    'secret',
    12345,
    [1],
    {},
    Object.create(null),
    new Map(),
    () => 1,
    Symbol('s'),
  ]
  assert.deepEqual(kinds.map(describe), [
    'null',
    'undefined',
    'an empty string',
    'a string',
    'a number',
    'an array',
    'an object',
    'an object',
    'a Map',
    'a function',
    'a symbol',
  ])
})
