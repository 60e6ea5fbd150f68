import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MOST_INTEGER_BYTES, readInteger, writeInteger } from './digits.js'

const written = (value: number): string => {
  const bytes = Buffer.alloc(MOST_INTEGER_BYTES + 4, 'x')
  const length = writeInteger(bytes, 2, value)
  assert.equal(bytes.toString('latin1', 0, 2), 'xx')
  assert.equal(bytes.toString('latin1', 2 + length), 'x'.repeat(MOST_INTEGER_BYTES + 2 - length))
  return bytes.toString('latin1', 2, 2 + length)
}

const read = (text: string): number => {
  const bytes = Buffer.from(`7${text}7`, 'latin1')
  return readInteger(bytes, 1, bytes.length - 1)
}

test('numbers are written as String writes them, and read again', () => {
  const powers = Array.from({ length: 10 }, (_, power) => 10 ** power)
  const edges = [
    0,
    -0,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 32 - 1,
    ...powers.flatMap((ten) => [ten, ten - 1, -ten / 10]),
  ]
  const any = fc.oneof(
    fc.constantFrom(...edges.map(Math.trunc)),
    fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
    fc.integer({ min: -2000, max: 2000 }),
  )
  fc.assert(
    fc.property(any, (value) => {
      assert.equal(written(value), String(value))
      assert.equal(read(String(value)), value === 0 ? 0 : value)
    }),
    { numRuns: 2000 },
  )
})

test('what is no number in the usual form is left to others', () => {
  for (const text of [
    '',
    '-',
    '-0',
    '00',
    '01',
    '-01',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '1-',
    '--1',
    'x',
    '12345678901',
  ])
    assert.ok(Number.isNaN(read(text)), text)
  assert.equal(read('9999999999'), 9999999999)
})
