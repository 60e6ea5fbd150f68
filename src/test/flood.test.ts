import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codecs, SharedMap } from '../index.js'
import { integerKeys, murmur3, murmurFlood, randomKeys } from './flood.js'

/** Entries of the longest chain when `keys` are all in one table. */
function longestChain(keys: Iterable<string>): number {
  using map = new SharedMap<string, number>({ capacity: '64MiB', values: codecs.int32 })
  let count = 0
  for (const key of keys) map.set(key, count++)
  assert.equal(map.size, count)
  count = 0
  for (const key of keys) if (map.get(key) === count) count++
  assert.equal(map.size, count)
  map.check()
  return map.stats().longestChain
}

describe('keys made to flood a hash table', () => {
  const flood = [...murmurFlood()]

  test('the reference hash is murmur3', () => {
    assert.equal(murmur3(Buffer.from('test'), 0), 0xba6bd213)
    assert.equal(murmur3(Buffer.from(''), 1), 0x514e28b7)
    assert.equal(murmur3(Buffer.from('test'), 0x9747b28c), 0x704b81dc)
  })

  test('131 072 different ASCII keys share one murmur3 hash under every seed', () => {
    assert.equal(new Set(flood).size, 131_072)
    for (const seed of [0, 1, 0x9747b28c, Math.floor(Math.random() * 2 ** 32)]) {
      assert.equal(
        new Set(flood.map((key) => murmur3(Buffer.from(key, 'latin1'), seed))).size,
        1,
        `seed ${seed}`,
      )
    }
  })

  test('they spread over a SharedMap as random keys do, and so do integers', () => {
    const random = longestChain([...randomKeys(136)])
    const colliding = longestChain(flood)
    const integers = longestChain([...integerKeys()])
    assert.ok(colliding <= 2 * random, `longest chain ${colliding}, of random keys ${random}`)
    assert.ok(integers <= 2 * random, `longest chain ${integers}, of random keys ${random}`)
  })
})
