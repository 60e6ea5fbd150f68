import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { codecs } from './codecs.js'

test('every well-formed string comes back, through both paths', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = codecs.string.encode(text)
      assert.deepEqual(bytes, new Uint8Array(Buffer.from(text)))
      assert.equal(codecs.string.decode(bytes), text)
      assert.equal(codecs.string.fromText(codecs.string.toText(text)), text)
    }),
  )
})

test('a byte order mark, a NUL and the empty string come back', () => {
  for (const text of ['', '\ufeff', `\ufeff${'x'.repeat(200)}`, '\0', 'a\0b', '\ud83d\ude00', '\uffff']) {
    assert.equal(codecs.string.decode(codecs.string.encode(text)), text)
  }
})

test('encode refuses a lone surrogate wherever it stands', () => {
  for (const text of ['\ud800', '\udfff', 'ab\ud83d', '\ude00\ud83d', `${'é'.repeat(99)}\udc00x`]) {
    assert.throws(() => codecs.string.encode(text), { name: 'TypeError', message: /lone surrogate/ })
    assert.equal(codecs.string.toText(text), text, 'toText leaves that check to the map')
  }
})

test('the string codec refuses what is no string', () => {
  for (const wrong of [1, null, undefined, ['a'], Buffer.from('a'), new String('a')]) {
    const value = wrong as unknown as string
    const expected = { name: 'TypeError', message: /the codec 'string' takes strings, not / }
    assert.throws(() => codecs.string.encode(value), expected)
    assert.throws(() => codecs.string.toText(value), expected)
  }
})

test('every value that JSON holds comes back, through both paths', () => {
  const codec = codecs.json()
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const expected: unknown = JSON.parse(JSON.stringify(value))
      assert.deepEqual(codec.decode(codec.encode(value)), expected)
      assert.deepEqual(codec.fromText(codec.toText(value)), expected)
    }),
  )
})

test('JSON keeps a key __proto__ and lone surrogates', () => {
  const codec = codecs.json<unknown>()
  const odd: unknown = JSON.parse('{"__proto__":{"admin":true},"\\ud800":"x\\udfff"}')
  const back = codec.decode(codec.encode(odd))
  assert.deepEqual(back, odd)
  assert.ok(Object.hasOwn(back as object, '__proto__'))
  assert.equal((back as { admin?: boolean }).admin, undefined)
})

test('JSON refuses what it has no form for', () => {
  const codec = codecs.json<unknown>()
  const circle: unknown[] = []
  circle.push(circle)
  for (const wrong of [undefined, () => 1, Symbol('s'), { toJSON: () => undefined }]) {
    assert.throws(() => codec.encode(wrong), {
      name: 'TypeError',
      message: /^the codec 'json' cannot hold .+: JSON has no form for it$/,
    })
  }
  assert.throws(() => codec.toText(1n), { name: 'TypeError', message: /BigInt/ })
  assert.throws(() => codec.toText(circle), { name: 'TypeError', message: /circular/ })
})

test('text that is no JSON is a SyntaxError', () => {
  for (const text of ['', '{', 'undefined']) assert.throws(() => codecs.json().fromText(text), SyntaxError)
})

test('the types of a json codec are those it was made for', () => {
  const codec = codecs.json<{ readonly name: string }>()
  const name: string = codec.decode(codec.encode({ name: 'Ada' })).name
  assert.equal(name, 'Ada')
})

test('bytes come back as a private copy of their own kind', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (value) => {
      const stored = codecs.bytes.encode(Buffer.from(value))
      const back = codecs.bytes.decode(stored)
      assert.deepEqual(back, value)
      assert.notEqual(back.buffer, stored.buffer)
      assert.equal(back.buffer.byteLength, back.byteLength, 'nothing else shares the memory')
    }),
  )
})

test('the bytes codec refuses what is no Uint8Array', () => {
  for (const wrong of [
    'a',
    null,
    undefined,
    [1],
    new ArrayBuffer(1),
    new Int8Array(1),
    new DataView(new ArrayBuffer(1)),
  ]) {
    assert.throws(() => codecs.bytes.encode(wrong as unknown as Uint8Array), {
      name: 'TypeError',
      message: /the codec 'bytes' takes a Uint8Array, not /,
    })
  }
})
