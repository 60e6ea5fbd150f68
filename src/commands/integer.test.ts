import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { addIntegers, MAX_INT64, MIN_INT64, negateInteger, parseInteger } from './integer.js'

const parse = (text: string) => parseInteger(Buffer.from(text, 'latin1'))
const int64 = fc.bigInt({ min: MIN_INT64, max: MAX_INT64 })

it('an int64 is read back from its text, small ones as numbers', () => {
  fc.assert(
    fc.property(int64, (value) => {
      const parsed = parse(String(value))
      assert.ok(parsed !== undefined)
      assert.equal(BigInt(parsed), value)
      assert.equal(typeof parsed, Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
    }),
  )
})

it('what is no int64 is no integer', () => {
  const wrong = [
    '',
    '-',
    '+1',
    ' 1',
    '1 ',
    '01',
    '-0',
    '-01',
    '1.0',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '1\0',
    '--1',
  ]
  const tooLarge = [String(MAX_INT64 + 1n), String(MIN_INT64 - 1n), '9'.repeat(30), `-${'9'.repeat(30)}`]
  for (const text of [...wrong, ...tooLarge]) assert.equal(parse(text), undefined, JSON.stringify(text))
})

it('sums are exact or refused', () => {
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      const sum = addIntegers(parse(String(a)) ?? 0, parse(String(b)) ?? 0)
      const exact = a + b
      if (exact > MAX_INT64 || exact < MIN_INT64) assert.equal(sum, undefined)
      else assert.equal(BigInt(sum ?? 0), exact)
    }),
  )
  assert.equal(addIntegers(Number.MAX_SAFE_INTEGER, 1), 2n ** 53n)
})

it('every int64 but the smallest has an opposite, and zero has no sign', () => {
  assert.equal(negateInteger(MIN_INT64), undefined)
  assert.equal(negateInteger(MAX_INT64), -MAX_INT64)
  assert.ok(Object.is(negateInteger(0), 0))
  assert.equal(negateInteger(5), -5)
})
