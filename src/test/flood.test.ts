import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMap } from '../index.js'
import { integerKeys, murmur3, murmurFlood, randomKeys } from './flood.js'

const PAIRS = 15
const KEYS = 2 ** PAIRS

/** Most entries that any step of a walk finds together: the length of the longest chain, or of two. */
function longestChain(keys: Iterable<string>): number {
  using map = new SharedMap({ capacity: '16MiB' })
  for (const key of keys) map.set(key, '')
  assert.equal(map.size, KEYS)
  let longest = 0
  let cursor = 0
  do {
    const page = map.scan(cursor, { count: 1 })
    longest = Math.max(longest, page.keys.length)
    cursor = page.cursor
  } while (cursor !== 0)
  map.check()
  return longest
}

test('the flood is one: all its keys share their murmur3 hash under every seed', () => {
  const flood = [...murmurFlood(PAIRS)]
  assert.equal(new Set(flood).size, KEYS)
  for (const seed of [0, 1, 0x12345678, 0xdeadbeef]) {
    const hashes = new Set(flood.map((key) => murmur3(Buffer.from(key), seed)))
    assert.equal(hashes.size, 1)
  }
})

test('keys that share one murmur3 hash, and integer-like keys, spread like random ones', () => {
  const flood = [...murmurFlood(PAIRS)]
  const random = longestChain(randomKeys(Buffer.byteLength(flood[0] ?? ''), KEYS))
  // Random keys themselves reach about twice the mean of 3.5 to 7 an interval, four times at the very most.
  assert.ok(random < 40, `random keys: ${random}`)
  assert.ok(longestChain(flood) < 40)
  assert.ok(longestChain(integerKeys(KEYS)) < 40)
})
