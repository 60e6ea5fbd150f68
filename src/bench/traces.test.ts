import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../base/random.js'
import { murmur3, murmurFlood } from '../test/flood.js'
import {
  FLOOD_KEY_BYTES,
  integerKeys,
  MOST_FLOOD_KEYS,
  murmurFloodKeys,
  randomKeysLike,
} from './flood-keys.js'
import { LruModel } from './lru-model.js'
import { scanTrace, zipfTrace } from './traces.js'
import { zipfProbabilities, zipfRanks } from './zipf.js'

test('draws follow the distribution: by chi-square over all ranks', () => {
  const ranks = 200
  const draws = 200_000
  const random = seededRandom(11)
  const rankAt = zipfRanks(ranks)
  const seen = new Float64Array(ranks)
  for (let draw = 0; draw < draws; draw++) {
    const rank = rankAt(random.next())
    seen[rank] = (seen[rank] ?? 0) + 1
  }
  const chiSquare = zipfProbabilities(ranks).reduce((sum, probability, rank) => {
    const expected = probability * draws
    return sum + ((seen[rank] ?? 0) - expected) ** 2 / expected
  }, 0)
  // Mean 199, standard deviation 20: five of them, and the seed is fixed.
  assert.ok(chiSquare < 199 + 5 * 20, `chi-square ${chiSquare}`)
})

test('the exponent is 0.99: the probability of rank r is 1/r^0.99 of the first one', () => {
  const probabilities = zipfProbabilities(1000)
  const sum = probabilities.reduce((total, probability) => total + probability, 0)
  assert.ok(Math.abs(sum - 1) < 1e-9)
  const [first = 0] = probabilities
  for (const rank of [2, 10, 1000]) {
    const ratio = (probabilities[rank - 1] ?? 0) / first
    assert.ok(Math.abs(ratio - rank ** -0.99) < 1e-12)
  }
})

test('the first and the last rank can be drawn, and nothing beyond', () => {
  const rankAt = zipfRanks(7)
  assert.equal(rankAt(0), 0)
  assert.equal(rankAt(1 - 2 ** -32), 6)
})

/** The same by a Map that keeps its order of insertion: slow and plain. */
function plainLru(capacity: number): (key: number) => boolean {
  const held = new Map<number, true>()
  return (key) => {
    const wasHeld = held.delete(key)
    held.set(key, true)
    if (held.size > capacity) held.delete(held.keys().next().value ?? -1)
    return wasHeld
  }
}

test('the LRU model hits and misses as a plain LRU does', () => {
  const accesses = fc.array(fc.nat(19), { maxLength: 400 })
  fc.assert(
    fc.property(accesses, fc.integer({ min: 1, max: 25 }), (keys, capacity) => {
      const model = new LruModel(20, capacity)
      const access = plainLru(capacity)
      for (const key of keys) assert.equal(model.access(key), access(key))
      assert.equal(model.size, Math.min(capacity, new Set(keys).size))
    }),
  )
})

test('an LRU of no keys is refused', () => {
  assert.throws(() => new LruModel(10, 0), RangeError)
})

test('a trace with scans asks for each key of a walk once, and for popular keys as before', () => {
  const keys = 1000
  const { requests, keys: all } = scanTrace(keys, 5000, 1)
  const walked = requests.filter((key) => key >= keys)
  assert.equal(new Set(walked).size, walked.length)
  assert.equal(all, keys + walked.length)
  const part = walked.length / requests.length
  assert.ok(part > 0.1 && part < 0.2, `${part} of the requests`)
  const popular = zipfTrace(keys, 5000, 1).requests
  requests.forEach((key, at) => {
    if (key < keys) assert.equal(key, popular[at])
  })
})

test('flood keys are those of the flood test: different keys of one murmur3 hash under every seed', () => {
  const keys = murmurFloodKeys(MOST_FLOOD_KEYS)
  assert.equal(MOST_FLOOD_KEYS, 131_072)
  assert.equal(new Set(keys).size, MOST_FLOOD_KEYS)
  assert.deepEqual(keys.slice(0, 100), [...murmurFlood()].slice(0, 100))
  for (const seed of [0, 1, 0x12345678]) {
    const hashes = new Set(keys.slice(-2000).map((key) => murmur3(Buffer.from(key, 'latin1'), seed)))
    assert.equal(hashes.size, 1)
  }
})

test('random keys are as long as those they are compared with, and different', () => {
  const like = [...murmurFloodKeys(50), ...integerKeys(50)]
  const random = randomKeysLike(like)
  assert.deepEqual(
    random.map(({ length }) => length),
    like.map(({ length }) => length),
  )
  assert.equal(new Set(random).size, like.length)
  assert.equal(random[0]?.length, FLOOD_KEY_BYTES)
})
