import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { addLongDoubles, formatLongDouble, isInfinite, parseLongDouble } from './long-double.js'

const parse = (text: string) => parseLongDouble(Buffer.from(text, 'latin1'))

function sum(a: string, b: string): string {
  const [left, right] = [parse(a), parse(b)]
  assert.ok(left !== undefined && right !== undefined)
  const total = addLongDoubles(left, right)
  return isInfinite(total) ? 'infinite' : formatLongDouble(total)
}

/** What a redis-server 7.0.15 on x86-64 answered. */
const ANSWERS: readonly (readonly [a: string, b: string, sum: string])[] = [
  ['0', '0.1', '0.1'],
  ['0.1', '0.2', '0.3'],
  ['3.0e3', '200', '3200'],
  ['10.50', '0.1', '10.6'],
  ['5.', '.5', '5.5'],
  ['1', '-1', '0'],
  ['-0', '0', '0'],
  ['0', '-1e-20', '0'],
  ['0x10', '0x1p3', '24'],
  ['9223372036854775807', '1', '9223372036854775808'],
  ['9223372036854775807', '9223372036854775807', '18446744073709551614'],
  ['18446744073709551615', '2', '18446744073709551616'],
  ['1e17', '123456789.123456789', '100000000123456789.125'],
  ['0', '123456789.123456789', '123456789.12345678899873747'],
  ['0', '256.225', '256.22500000000000001'],
  ['0', '5e-18', '0'],
  ['0', '15e-18', '0.00000000000000002'],
  ['0x1.fffffffffffffffep+16383', '0x1p16320', 'infinite'],
  ['0', '1e-17', '0.00000000000000001'],
  ['1e4932', '1e4932', 'infinite'],
]

it('sums have the digits that Redis gives', () => {
  for (const [a, b, expected] of ANSWERS) assert.equal(sum(a, b), expected, `${a} + ${b}`)
})

it('what is no number, and what is too large or too near zero, is refused', () => {
  const wrong = [
    '',
    '.',
    '-',
    '1e',
    'e1',
    '0x',
    '0x.',
    ' 1',
    '1 ',
    '1\n',
    '1\0',
    '1,5',
    'nan',
    '--1',
    '__proto__',
  ]
  const outside = [
    '1e4933',
    '-1e5000',
    '1e999999999999',
    '1e-4960',
    '1e-999999999999',
    '0x1p16384',
    '0x1p-99999',
  ]
  for (const text of [...wrong, ...outside, '1'.repeat(5120)]) {
    assert.equal(parse(text), undefined, JSON.stringify(text.slice(0, 40)))
  }
  for (const text of ['inf', '-Infinity', '+INF']) {
    const value = parse(text)
    assert.ok(value !== undefined && isInfinite(value))
  }
  for (const text of ['1e-4950', '1e4932', '0e999999999999', '0x0p99999', '+1', '1'.repeat(4000)]) {
    assert.ok(parse(text) !== undefined, text.slice(0, 40))
  }
})

it('integers of 64 bits, and their halves, are exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.bigInt({ min: 0n, max: 2n ** 62n }), (a, b) => {
      assert.equal(sum(String(a), String(b)), String(a + b))
      assert.equal(sum(`-${a}`, String(b)), String(b - a))
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (units) => {
      const text = formatLongDouble(parse(String(units / 2 ** 10)) ?? assert.fail('no number'))
      assert.equal(Number(text), units / 2 ** 10)
    }),
  )
})

it('17 digits after the point come back as they were while the number is small', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (units) => {
      const digits = String(units).padStart(18, '0')
      const text = `${digits.slice(0, 1)}.${digits.slice(1)}`
      assert.equal(sum(text, '0'), text.replace(/0+$/, '').replace(/\.$/, ''))
    }),
  )
})
