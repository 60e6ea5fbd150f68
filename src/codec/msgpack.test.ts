import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { codecs } from './codecs.js'

const codec = codecs.msgpack<unknown>()

/** What comes back, from bytes that are then overwritten, as a buffer used again would be. */
function roundTrip(value: unknown): unknown {
  const bytes = new Uint8Array(codec.encode(value))
  const back = codec.decode(bytes)
  bytes.fill(0xc1)
  return back
}

test('plain data comes back, with NaN, -0, dates, Maps, Sets, bigints, bytes and undefined in it', () => {
  const leaves = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.boolean(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.float64Array(),
    fc.int16Array(),
    fc.constantFrom(null, undefined, -0, 0, Number.NaN, Infinity),
  )
  const keys = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', 'constructor', 'length', ''),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, leaves, tie('array'), tie('object'), tie('map'), tie('set')),
    array: fc.array(tie('value'), { maxLength: 20 }),
    object: fc.array(fc.tuple(keys, tie('value')), { maxLength: 20 }).map(Object.fromEntries),
    map: fc
      .array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 })
      .map((entries) => new Map(entries as never)),
    set: fc.array(tie('value'), { maxLength: 5 }).map((items) => new Set(items as never)),
  }))
  const tops = value.filter((top) => top !== undefined)
  fc.assert(
    fc.property(tops, (top) => assert.deepStrictEqual(roundTrip(top), top)),
    { numRuns: 300 },
  )
})

test('a key __proto__ comes back as a key and changes no prototype', () => {
  const odd: unknown = JSON.parse('{"a":{"__proto__":{"admin":true}},"n":1}')
  const back = roundTrip(odd) as { a: { admin?: boolean } }
  assert.deepStrictEqual(back, odd)
  assert.equal(back.a.admin, undefined)
  assert.equal(Object.getPrototypeOf(back.a), Object.prototype)
})

test('-0, a byte order mark and large bigints come back wherever they stand', () => {
  const odd = [-0, { zero: -0 }, new Map([[1, -0]]), `\ufeff${'é'.repeat(100)}`, -(2n ** 64n), 2n ** 500n]
  assert.deepStrictEqual(roundTrip(odd), odd)
  assert.ok(Object.is(roundTrip(-0), -0))
})

test('an invalid date comes back as one', () => {
  const back = roundTrip(new Date(Number.NaN))
  assert.ok(back instanceof Date)
  assert.ok(Number.isNaN(back.getTime()))
})

test('objects and Maps of more than 65,535 entries come back', () => {
  const map = new Map(Array.from({ length: 70_000 }, (_, index) => [index, index]))
  const object = Object.fromEntries(map)
  assert.deepStrictEqual(roundTrip({ map, object }), { map, object })
})

test('every typed array, a RegExp and an Error come back', () => {
  const floats = Float32Array.of(1.5, -0)
  const values = [
    floats,
    BigInt64Array.of(-1n),
    Uint8ClampedArray.of(7),
    new DataView(Int8Array.of(1).buffer),
    /a+/giu,
  ]
  assert.deepStrictEqual(roundTrip(values), values)
  const error = roundTrip(new RangeError('too far')) as Error
  assert.ok(error instanceof RangeError)
  assert.equal(error.message, 'too far')
})

test('bytes come back as a Uint8Array, whatever kind of them went in, and in the standard form', () => {
  class Special extends Uint8Array {}
  for (const bytes of [Buffer.from([1, 2]), Uint8Array.of(1, 2), Special.of(1, 2)]) {
    assert.deepStrictEqual(roundTrip({ bytes }), { bytes: Uint8Array.of(1, 2) })
    assert.deepStrictEqual([...codec.encode(bytes)], [0xc4, 2, 1, 2])
  }
})

test('plain data has the standard form that every language reads', () => {
  const bytes = codec.encode({ a: 1, b: [true, null, 'x'] })
  assert.equal(Buffer.from(bytes).toString('hex'), '82a16101a16293c3c0a178')
})

test('an object with toJSON is stored as its result, a class instance as its own fields', () => {
  class Money {
    readonly cents = 5
    toJSON(): unknown {
      return new Map([['cents', this.cents]])
    }
  }
  class Plain {
    readonly a = 1
  }
  const url = new URL('http://localhost/x')
  assert.deepStrictEqual(roundTrip([new Money(), new Plain(), url]), [
    new Map([['cents', 5]]),
    { a: 1 },
    url.href,
  ])
  assert.deepStrictEqual(roundTrip({ constructor: 'x', toJSON: 'y' }), { constructor: 'x', toJSON: 'y' })
})

test('a value is never changed by being encoded', () => {
  const inner = Object.freeze({ zero: -0, bytes: Object.freeze([1]) })
  const value = Object.freeze({ inner, map: new Map([[inner, inner]]), set: new Set([inner]) })
  assert.deepStrictEqual(roundTrip(value), value)
  assert.ok(Object.is(value.inner.zero, -0))
})

test('what has no form is a TypeError', () => {
  const circle: unknown[] = []
  circle.push({ circle })
  const refused: [unknown, RegExp][] = [
    [undefined, /cannot hold undefined on its own/],
    [() => 1, /cannot hold a function/],
    [{ nested: [() => 1] }, /cannot hold a function/],
    [[Symbol('s')], /cannot hold a symbol/],
    [circle, /at most 500 levels, and no circles/],
    ['\ud800', /lone surrogate/],
    [{ '\udfff': 1 }, /lone surrogate/],
    [new Map([[1, ['x\ud800']]]), /lone surrogate/],
  ]
  for (const [value, message] of refused) {
    assert.throws(() => codec.encode(value), { name: 'TypeError', message })
  }
  assert.equal(roundTrip('still works'), 'still works')
})

test('bytes that are no MessagePack are an error, and the next decode is not disturbed', () => {
  for (const wrong of [
    [],
    [0xdf, 255, 255, 255, 255],
    [0x92, 1],
    [1, 2],
    [0xd4, 0x33, 0],
    [0xd4, 0x4d, 0, 0x92, 0xa1, 0x78, 1],
  ]) {
    assert.throws(() => codec.decode(Uint8Array.from(wrong)), Error)
    assert.equal(roundTrip(5), 5)
  }
})

test('earlier results stay as they are while later ones are encoded', () => {
  const texts = Array.from({ length: 2000 }, (_, index) => `${index}:${'x'.repeat(index % 300)}`)
  const encoded = texts.map((text) => codec.encode(text))
  codec.encode('y'.repeat(3_000_000))
  assert.deepEqual(encoded.map(codec.decode), texts)
})

test('a getter that encodes another value disturbs neither', () => {
  const inner: Uint8Array[] = []
  const value = {
    get a(): string {
      inner.push(codec.encode({ inside: 'x'.repeat(20_000) }))
      return 'a'
    },
    b: 'b',
  }
  assert.deepStrictEqual(roundTrip(value), { a: 'a', b: 'b' })
  for (const bytes of inner) assert.deepStrictEqual(codec.decode(bytes), { inside: 'x'.repeat(20_000) })
})

test('decode leaves nothing behind on the array it was given', () => {
  const bytes = new Uint8Array(codec.encode({ a: 1 }))
  codec.decode(bytes)
  assert.deepEqual(
    Object.getOwnPropertyNames(bytes).filter((name) => !/^\d+$/.test(name)),
    [],
  )
})

test('bytes of one thread are read in another', async () => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { codecs } = await import(workerData.url)
    parentPort.postMessage(codecs.msgpack().decode(workerData.bytes))`
  const value = { list: [1, 2, 3].map((n) => ({ id: n, name: `n${n}` })), map: new Map([['k', -0]]) }
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: {
      url: new URL('./codecs.js', import.meta.url).href,
      bytes: new Uint8Array(codec.encode(value)),
    },
  })
  const [back] = (await once(worker, 'message')) as [unknown]
  await worker.terminate()
  assert.deepStrictEqual(back, value)
})
