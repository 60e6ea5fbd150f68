import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LineReader, TOO_LONG } from './line-reader.js'

/** All lines of `chunks`, in order; those that are too long as undefined. */
function linesOf(chunks: readonly Buffer[], maxBytes: number): (string | undefined)[] {
  const reader = new LineReader(maxBytes)
  const found: Buffer[] = []
  const lines: (string | undefined)[] = []
  for (const chunk of chunks) {
    reader.feed(Buffer.from(chunk))
    for (let line = reader.next(); line !== undefined; line = reader.next()) {
      if (line !== TOO_LONG) found.push(line)
      lines.push(line === TOO_LONG ? undefined : line.toString('latin1'))
    }
  }
  // Windows stay what they were when they were given.
  const kept = lines.filter((line) => line !== undefined)
  assert.deepEqual(
    found.map((line) => line.toString('latin1')),
    kept,
  )
  return lines
}

describe('a reader of lines', () => {
  test('gives lines without their ends, however they are cut', () => {
    const bytes = Buffer.from('a\r\n\n\r\nb\rc\nlast')
    const expected = ['a', '', '', 'b\rc']
    assert.deepEqual(linesOf([bytes], 100), expected)
    const single = [...bytes].map((byte) => Buffer.from([byte]))
    assert.deepEqual(linesOf(single, 100), expected)
  })

  test('tells once of a line that is too long, as soon as it is, and goes on behind it', () => {
    const reader = new LineReader(4)
    reader.feed(Buffer.from('12345678'))
    assert.equal(reader.next(), TOO_LONG)
    assert.equal(reader.next(), undefined)
    for (let piece = 0; piece < 1000; piece++) {
      reader.feed(Buffer.alloc(1000, 'x'))
      assert.equal(reader.next(), undefined)
    }
    reader.feed(Buffer.from('x\nok\n'))
    assert.equal(reader.next()?.toString(), 'ok')
    assert.equal(reader.next(), undefined)
  })

  test('allows exactly the longest line, with either end', () => {
    assert.deepEqual(linesOf([Buffer.from('1234\n12345\n1234\r\n12345\r\n1\n')], 4), [
      '1234',
      undefined,
      '1234',
      undefined,
      '1',
    ])
  })

  test('the cuts between chunks change nothing', () => {
    const char = fc.constantFrom('a', 'b', '\n', '\r')
    fc.assert(
      fc.property(
        fc.array(char, { maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        (chars, cuts) => {
          const bytes = Buffer.from(chars.join(''))
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
            (a, b) => a - b,
          )
          const chunks = places.slice(1).map((place, index) => bytes.subarray(places[index] ?? 0, place))
          const whole = bytes
            .toString()
            .split('\n')
            .slice(0, -1)
            .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
            .map((line) => (line.length > 5 ? undefined : line))
          // An unfinished line that is too long already is told of, too.
          const rest = bytes.toString().split('\n').at(-1) ?? ''
          const expected = rest.length > 6 ? [...whole, undefined] : whole
          assert.deepEqual(linesOf(chunks, 5), expected)
        },
      ),
    )
  })
})
