import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { codecs } from './codecs.js'
import type { StructLayout } from './struct.js'

const point = codecs.struct({
  x: 'int32',
  y: 'uint32',
  at: 'float64',
  id: 'int64',
  on: 'bool',
  label: { string: 9 },
})
const origin = { x: 0, y: 0, at: 0, id: 0n, on: false, label: '' }

test('every record of a layout comes back, and takes the same number of bytes', () => {
  const records = fc.record({
    x: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    y: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    at: fc.double(),
    id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    on: fc.boolean(),
    label: fc.string({ unit: 'binary', maxLength: 9 }).filter((text) => Buffer.byteLength(text) <= 9),
  })
  fc.assert(
    fc.property(records, (record) => {
      const bytes = point.encode(record)
      assert.equal(bytes.byteLength, 4 + 4 + 8 + 8 + 1 + 2 + 9)
      assert.deepEqual(point.decode(bytes), { ...record })
    }),
  )
})

test('the fields lie one after the other, little-endian, in the order of the layout', () => {
  const codec = codecs.struct({ b: 'bool', a: 'int32', s: { string: 3 } })
  assert.deepEqual(
    codec.encode({ s: 'hi', a: -2, b: true }),
    Uint8Array.of(1, 254, 255, 255, 255, 2, 0, 104, 105, 0),
  )
})

test('the types of the fields follow from the layout', () => {
  const { x, id, on, label } = point.decode(point.encode({ ...origin, x: 4, id: 5n, on: true, label: 'é' }))
  const typed: [number, bigint, boolean, string] = [x, id, on, label]
  assert.deepEqual(typed, [4, 5n, true, 'é'])
  // @ts-expect-error: a number is no bigint
  assert.throws(() => point.encode({ ...origin, id: 5 }), TypeError)
})

test('the name is the layout, or a hash of it where the layout is long', () => {
  assert.equal(codecs.struct({ a: 'int32', b: 'float64' }).name, 'struct{a:int32,b:float64}')
  assert.equal(codecs.struct({ a: { string: 5 } }).name, 'struct{a:string5}')
  const [first, again, other] = (['a', 'a', 'b'] as const).map(
    (letter) => codecs.struct({ [letter.repeat(60)]: 'bool' }).name,
  )
  assert.match(first ?? '', /^struct#[0-9a-f]{32}$/)
  assert.equal(first, again)
  assert.notEqual(first, other)
  assert.notEqual(
    codecs.struct({ a: 'bool', b: 'int32' }).name,
    codecs.struct({ b: 'int32', a: 'bool' }).name,
    'the order is part of the layout',
  )
})

test('a missing or unknown field is a TypeError that names it', () => {
  const { y: _, ...without } = origin
  assert.throws(() => point.encode(without as typeof origin), {
    name: 'TypeError',
    message: "the field 'y' is missing",
  })
  assert.throws(() => point.encode({ ...origin, z: 1 } as typeof origin), {
    name: 'TypeError',
    message: "the struct has no field 'z'",
  })
  const inherited = Object.assign(Object.create({ y: 1 }), without) as typeof origin
  assert.throws(() => point.encode(inherited), { name: 'TypeError', message: "the field 'y' is missing" })
})

test('a field that does not fit is an error that names it', () => {
  const misfits: [Partial<Record<keyof typeof origin, unknown>>, string, RegExp][] = [
    [{ x: 2 ** 31 }, 'RangeError', /^the field 'x' takes whole numbers of /],
    [{ y: -1 }, 'RangeError', /^the field 'y' takes whole numbers of /],
    [{ x: '1' }, 'TypeError', /^the field 'x' takes numbers, not a string/],
    [{ at: undefined }, 'TypeError', /^the field 'at' takes numbers, not undefined/],
    [{ id: 2n ** 63n }, 'RangeError', /^the field 'id' takes bigints of 64 bits/],
    [{ on: 1 }, 'TypeError', /^the field 'on' takes booleans, not a number/],
    [{ label: 'ééééé' }, 'RangeError', /^the field 'label' takes 9 bytes of UTF-8, and the text has 10/],
    [{ label: '\ud800' }, 'TypeError', /^the field 'label' takes no text with a lone surrogate/],
    [{ label: null }, 'TypeError', /^the field 'label' takes strings, not null/],
  ]
  for (const [field, name, message] of misfits) {
    assert.throws(() => point.encode({ ...origin, ...field } as typeof origin), { name, message })
  }
  for (const wrong of [null, undefined, [1], 'x', 3]) {
    assert.throws(() => point.encode(wrong as unknown as typeof origin), /a struct codec takes objects, not /)
  }
})

test('bytes that no record leaves are a BAD_VALUE', () => {
  const bytes = point.encode(origin)
  const badBool = bytes.slice().fill(2, 24, 25)
  const badText = bytes.slice().fill(10, 25, 26)
  for (const wrong of [new Uint8Array(0), bytes.subarray(1), badBool, badText]) {
    assert.throws(
      () => point.decode(wrong),
      (error) => isOperationError(error, 'BAD_VALUE'),
    )
  }
})

test('a layout that cannot be is refused', () => {
  const impossible: [unknown, RegExp][] = [
    [{}, /at least one field/],
    [null, /must be an object/],
    [['int32'], /must be an object/],
    [{ a: 'int16' }, /the type of the field 'a' must be /],
    [{ a: null }, /the type of the field 'a' must be /],
    [{ 'a,b': 'int32' }, /'a,b' cannot be the name of a field/],
    [{ ['__proto__']: 'int32' }, /'__proto__' cannot be the name of a field/],
    [{ a: { string: 0 } }, /the length of the field 'a' must be 1 to 65535/],
    [{ a: { string: 65_536 } }, /the length of the field 'a' must be 1 to 65535/],
    [{ a: {} }, /the length of the field 'a' must be 1 to 65535/],
  ]
  for (const [layout, message] of impossible) {
    assert.throws(() => codecs.struct(layout as StructLayout), message)
  }
})
