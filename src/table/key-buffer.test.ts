import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { halfSipHash13 } from '../base/hash.js'
import { KeyBuffer } from './key-buffer.js'

const ascii = fc.string({ unit: 'binary-ascii', maxLength: 60 })

test('the one-pass hash of a short string is the hash of its words', () => {
  fc.assert(
    fc.property(ascii, fc.integer(), fc.integer(), (text, key0, key1) => {
      const key = new KeyBuffer(key0, key1)
      key.setText('something longer that was here before, to leave its bytes behind')
      key.setText(text)
      const bytes = Buffer.alloc(80)
      bytes.write(text, 'latin1')
      const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 80))
      assert.equal(key.hash, halfSipHash13(words, text.length, key0, key1))
      assert.equal(key.byteLength, text.length)
    }),
  )
})

test('a string and its UTF-8 bytes are the same key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
      const asText = new KeyBuffer(1, 2)
      const asBytes = new KeyBuffer(1, 2)
      asText.setText(text)
      asBytes.setBytes(Buffer.from(text))
      assert.equal(asText.hash, asBytes.hash)
      const length = Math.ceil(asText.byteLength / 8) * 8
      assert.deepEqual(asText.buffer.subarray(0, length), asBytes.buffer.subarray(0, length))
    }),
  )
})

test('a key that is borrowed is the key of its bytes, whatever follows it', () => {
  const lent = new ArrayBuffer(96)
  const words = new Int32Array(lent)
  const longs = new BigInt64Array(lent)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isHashKnown) => {
      const copied = new KeyBuffer(1, 2)
      const borrowed = new KeyBuffer(1, 2)
      copied.setBytes(bytes)
      words.fill(-1)
      Buffer.from(lent).set(bytes)
      borrowed.borrow(words, longs, bytes.length, isHashKnown ? copied.hash : 0)
      assert.equal(borrowed.hash, copied.hash)
      assert.equal(borrowed.byteLength, bytes.length)
      const count = Math.ceil(bytes.length / 8)
      assert.deepEqual(borrowed.longs.subarray(0, count), copied.longs.subarray(0, count))
      assert.deepEqual(borrowed.words.subarray(0, count * 2), copied.words.subarray(0, count * 2))
      assert.equal(words[count * 2], -1)
    }),
  )
})

test('HalfSipHash-1-3 depends on every byte and on the key', () => {
  const base = new Int32Array([0x03020100, 0x07060504, 0])
  const hash = halfSipHash13(base, 8, 5, 6)
  const seen = new Set([
    hash,
    halfSipHash13(base, 8, 5, 7),
    halfSipHash13(base, 8, 4, 6),
    halfSipHash13(base, 7, 5, 6),
  ])
  for (let bit = 0; bit < 64; bit++) {
    const words = base.slice()
    words[bit >> 5]! ^= 1 << (bit & 31)
    seen.add(halfSipHash13(words, 8, 5, 6))
  }
  assert.equal(seen.size, 68)
})
