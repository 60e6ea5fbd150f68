import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { copyToWords } from './word-copy.js'

it('copies any bytes from any place to words, zeros behind them, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 70 }), fc.nat(12), fc.nat(5), (bytes, from, to) => {
      const source = Buffer.alloc(Math.ceil((from + bytes.length) / 4) * 4 + 4, 0xee)
      source.set(bytes, from)
      const target = new Int32Array(to + Math.ceil(bytes.length / 4) + 1).fill(0x77777777)
      const words = new Int32Array(source.buffer, source.byteOffset, source.length >>> 2)
      copyToWords(words, from, target, to, bytes.length)
      const copied = Buffer.from(target.buffer)
      const end = Math.ceil(bytes.length / 4) * 4
      assert.deepEqual(copied.subarray(to * 4, to * 4 + bytes.length), Buffer.from(bytes))
      assert.ok(copied.subarray(to * 4 + bytes.length, to * 4 + end).every((byte) => byte === 0))
      assert.ok(copied.subarray(to * 4 + end).every((byte) => byte === 0x77))
      assert.ok(copied.subarray(0, to * 4).every((byte) => byte === 0x77))
    }),
  )
})
