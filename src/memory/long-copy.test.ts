import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyLongs } from './long-copy.js'

test('copies any number of longs from any place to any other, and nothing else', () => {
  const source = BigInt64Array.from({ length: 80 }, (_, i) => BigInt(i + 1) * -0x123456789abcdefn)
  for (let count = 0; count <= 70; count++) {
    const from = count % 7
    const to = count % 5
    const target = new BigInt64Array(90).fill(-1n)
    copyLongs(source, from, target, to, count)
    assert.deepEqual(target.subarray(to, to + count), source.subarray(from, from + count))
    assert.ok(target.subarray(0, to).every((long) => long === -1n))
    assert.ok(target.subarray(to + count).every((long) => long === -1n))
  }
})
