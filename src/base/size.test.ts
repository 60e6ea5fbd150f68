import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSize, parseSize } from './size.js'

test('a number is taken as bytes', () => {
  for (const bytes of [0, 1, 67_108_864, Number.MAX_SAFE_INTEGER])
    assert.equal(parseSize(bytes, 'capacity'), bytes)
})

test('a text is an amount and a unit, of either case, with or without space', () => {
  const sizes: [string, number][] = [
    ['0', 0],
    ['1024', 1024],
    ['12b', 12],
    ['64MiB', 64 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['256kb', 256_000],
    ['256KiB', 256 * 1024],
    ['2MB', 2_000_000],
    ['1 GB', 1e9],
    ['1tib', 1024 ** 4],
    ['3TB', 3e12],
    ['  8  mib  ', 8 * 1024 ** 2],
    ['0.3KiB', 307],
  ]
  for (const [text, bytes] of sizes) assert.equal(parseSize(text, 'capacity'), bytes, text)
})

test('what is no size is a RangeError that shows what is accepted and what was given', () => {
  for (const wrong of [
    '',
    ' ',
    'MiB',
    '64Mi',
    '64 megabytes',
    '1k',
    '-1MiB',
    '1e3',
    '1.5',
    '1,5MiB',
    '0x10',
    '99999TiB',
    '.5MiB',
  ]) {
    assert.throws(() => parseSize(wrong, 'capacity'), {
      name: 'RangeError',
      message: `capacity must be a whole number of bytes or a text such as '64MiB', '1.5GiB' or '256kB', not ${JSON.stringify(wrong)}`,
    })
  }
  for (const wrong of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
    assert.throws(() => parseSize(wrong, 'capacity'), {
      name: 'RangeError',
      message: /^capacity must be .*, not /,
    })
  }
})

test('a value of another type is a TypeError', () => {
  for (const wrong of [undefined, null, {}, 5n, ['64MiB']]) {
    assert.throws(() => parseSize(wrong as unknown as number, 'capacity'), {
      name: 'TypeError',
      message: /^capacity must be a whole number of bytes or a text/,
    })
  }
})

test('a size is shown in the largest unit that leaves at least 1', () => {
  const shown: [number, string][] = [
    [0, '0B'],
    [999, '999B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [64 * 1024 ** 2, '64MiB'],
    [1024 ** 2 - 1, '1MiB'],
    [1.25 * 1024 ** 3, '1.25GiB'],
    [60 * 1024 ** 3, '60GiB'],
    [5000 * 1024 ** 4, '5000TiB'],
  ]
  for (const [bytes, text] of shown) assert.equal(formatSize(bytes), text)
})

test('what is shown can be parsed, and is at most one in a hundred off', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(),
        fc.nat().map((n) => n * 2 ** 20),
      ),
      (bytes) => {
        const back = parseSize(formatSize(bytes), 'shown')
        assert.ok(Math.abs(back - bytes) <= bytes / 100, `${bytes} was shown as ${formatSize(bytes)}`)
      },
    ),
  )
})
