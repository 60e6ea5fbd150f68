import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import type { NumberCarried } from './codec.js'
import { codecs } from './codecs.js'

/** Asserts that every value of `values` comes back, and that its bytes are those of `stored`. */
function assertRoundTrips<T extends number | bigint>(
  codec: NumberCarried<T>,
  values: fc.Arbitrary<T>,
  stored: (value: T) => ArrayBufferView,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = codec.encode(value)
      const { buffer } = stored(value)
      assert.deepEqual(bytes, new Uint8Array(buffer))
      assert.ok(Object.is(codec.decode(bytes), value))
      assert.ok(Object.is(codec.fromNumber(codec.toNumber(value)), value))
    }),
  )
}

test('every int32 comes back from 4 bytes', () => {
  assertRoundTrips(codecs.int32, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (n) => Int32Array.of(n))
})

test('every uint32 comes back from 4 bytes', () => {
  assertRoundTrips(codecs.uint32, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (n) => Uint32Array.of(n))
})

test('every bigint of 64 bits comes back from 8 bytes', () => {
  const values = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  assertRoundTrips(codecs.int64, values, (n) => BigInt64Array.of(n))
})

test('every number comes back from 8 bytes, NaN, -0 and the infinities too', () => {
  assertRoundTrips(codecs.float64, fc.double(), (n) => Float64Array.of(n))
  const special = [Number.NaN, -0, 0, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]
  assertRoundTrips(codecs.float64, fc.constantFrom(...special), (n) => Float64Array.of(n))
})

test('the whole-number codecs turn -0 into 0', () => {
  for (const codec of [codecs.int32, codecs.uint32]) {
    assert.ok(Object.is(codec.toNumber(-0), 0))
    assert.ok(Object.is(codec.decode(codec.encode(-0)), 0))
  }
})

test('a number that does not fit is a RangeError', () => {
  const misfits: [NumberCarried<number>, number[]][] = [
    [codecs.int32, [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN, Infinity, -Infinity, 2 ** 53]],
    [codecs.uint32, [2 ** 32, -1, 0.5, Number.NaN, Infinity, 2 ** 53]],
  ]
  for (const [codec, values] of misfits) {
    for (const value of values) {
      const expected = { name: 'RangeError', message: new RegExp(`'${codec.name}' takes whole numbers of `) }
      assert.throws(() => codec.toNumber(value), expected)
      assert.throws(() => codec.encode(value), expected)
    }
  }
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 200n]) {
    assert.throws(() => codecs.int64.toNumber(value), { name: 'RangeError', message: /bigints of 64 bits/ })
    assert.throws(() => codecs.int64.encode(value), RangeError)
  }
})

test('what is no number is a TypeError', () => {
  for (const codec of [codecs.int32, codecs.uint32, codecs.float64]) {
    for (const wrong of ['1', 1n, null, undefined, new Number(1), true]) {
      const expected = { name: 'TypeError', message: new RegExp(`'${codec.name}' takes numbers, not `) }
      assert.throws(() => codec.toNumber(wrong as number), expected)
      assert.throws(() => codec.encode(wrong as number), expected)
    }
  }
  for (const wrong of [1, '1', null, undefined]) {
    assert.throws(() => codecs.int64.toNumber(wrong as unknown as bigint), {
      name: 'TypeError',
      message: /'int64' takes bigints, not /,
    })
  }
})

test('stored bytes of another length are a BAD_VALUE', () => {
  for (const codec of [codecs.int32, codecs.uint32, codecs.float64, codecs.int64]) {
    for (const byteLength of [0, 3, 5, 7, 9]) {
      assert.throws(
        () => codec.decode(new Uint8Array(byteLength)),
        (error) => isOperationError(error, 'BAD_VALUE'),
      )
    }
  }
})

test('decode reads bytes that lie anywhere in their buffer', () => {
  const buffer = Buffer.alloc(32, 0xff)
  buffer.writeDoubleLE(1.5, 3)
  assert.equal(codecs.float64.decode(buffer.subarray(3, 11)), 1.5)
})
