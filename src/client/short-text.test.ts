import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packAscii } from './short-text.js'

const AT = 3
const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 50 }),
  fc.string({ unit: 'binary', maxLength: 50 }),
)

test('text is packed as its bytes if it is ASCII, and refused otherwise', () => {
  fc.assert(
    fc.property(text, (sample) => {
      const bytes = Buffer.from(sample)
      const words = new Int32Array(64).fill(-1)
      const isAscii = bytes.length === sample.length
      assert.equal(packAscii(words, AT, sample), isAscii)
      if (!isAscii) return
      const packed = Buffer.from(words.buffer)
      const end = AT * 4 + bytes.length
      assert.deepEqual(packed.subarray(AT * 4, end), bytes)
      const wordEnd = Math.ceil(end / 4) * 4
      assert.ok(packed.subarray(end, wordEnd).every((byte) => byte === 0))
      assert.ok(packed.subarray(wordEnd).every((byte) => byte === 0xff))
      assert.ok(packed.subarray(0, AT * 4).every((byte) => byte === 0xff))
    }),
  )
})

test('a lone surrogate and the characters next to ASCII are refused wherever they stand', () => {
  for (const odd of ['\u0080', '\u00ff', '\u0100', '\ud800', '\udfff'])
    for (let before = 0; before < 9; before++)
      for (let after = 0; after < 5; after++)
        assert.equal(packAscii(new Int32Array(8), 0, 'x'.repeat(before) + odd + 'y'.repeat(after)), false)
})
