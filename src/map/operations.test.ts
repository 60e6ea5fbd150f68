/** Random sequences of all operations, on a map and on its plain model, with every codec, in much memory and in little. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { MapModel } from '../test/map-model.js'
import {
  contents,
  isInt32,
  numericOperations,
  type Operations,
  operations,
  type Step,
} from '../test/map-operations.js'
import { runSeed } from '../test/seeded-random.js'
import { SharedMap } from './shared-map.js'

const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', '', '__proto__', 'ключ', '\0', '漢字😀') },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }).map((number) => `key ${number}`) },
  { weight: 1, arbitrary: fc.constantFrom('long '.repeat(60), 'é'.repeat(900)) },
)

function steps<V>(all: Operations<V>, value: fc.Arbitrary<V>): fc.Arbitrary<Step<V>[]> {
  const step = fc.record({
    name: fc.constantFrom(...Object.keys(all)),
    key,
    keys: fc.array(key, { maxLength: 4 }),
    value,
    next: value,
    ttlMs: fc.integer({ min: 1, max: 60 }),
    by: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 40)),
  })
  return fc.array(step, { maxLength: 150, size: 'max' })
}

/** Capacity of the map, and of what it remembers. */
interface Size {
  readonly capacity: string
  readonly decodedCache: number
}

/** Runs one sequence on both; an operation that says FULL must have changed nothing at all. */
function compare<V>(
  all: Operations<V>,
  codec: Codec<V>,
  { capacity, decodedCache }: Size,
  sequence: readonly Step<V>[],
): number {
  const model = new MapModel<V>()
  let fulls = 0
  const clock = (): number => model.nowMs
  using map = new SharedMap<string, V>({ capacity, decodedCache, values: codec, stripes: 2, clock })
  for (const step of sequence) {
    const operation = all[step.name]
    try {
      const answer = operation?.onMap(map, step)
      assert.deepEqual(answer, operation?.onModel(model, step), step.name)
    } catch (error) {
      if (!isOperationError(error, 'FULL')) throw error
      assert.equal(error.outcome, 'not-applied')
      assert.deepEqual(contents(map), model.contents(), `${step.name} that was FULL`)
      fulls++
    }
  }
  assert.deepEqual(contents(map), model.contents())
  assert.equal(map.size >= model.contents().length, true)
  map.check()
  map.clear()
  assert.equal(map.size, 0)
  map.check()
  return fulls
}

function compareRandomly<V>(
  all: Operations<V>,
  codec: Codec<V>,
  value: fc.Arbitrary<V>,
  size: Size,
): { seed: number; fulls: number } {
  const seed = runSeed()
  let fulls = 0
  fc.assert(
    fc.property(steps(all, value), (sequence) => {
      fulls += compare(all, codec, size, sequence)
    }),
    { numRuns: 60, seed },
  )
  return { seed, fulls }
}

const text = fc.oneof(
  fc.constantFrom('', 'x', 'é', '😀'),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer({ min: 0, max: 6000 }).map((length) => 'a'.repeat(length)),
  fc.integer({ min: 0, max: 3000 }).map((length) => '漢'.repeat(length)),
)
const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 0, max: 9000 }).map((n) => new Uint8Array(n).fill(n)),
  )
  .map((array): Uint8Array => Buffer.from(array))
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)))

/** Bytes as Buffers whatever the codec returns, so that both sides compare alike. */
const buffers: Codec<Uint8Array> = {
  name: 'test-buffers',
  encode: (value) => value,
  decode: (stored) => Buffer.from(stored),
}

describe('random sequences of all operations answer as the model does, and FULL changes nothing', () => {
  // The small cache changes generations all the time.
  const sizes: readonly Size[] = [
    { capacity: '1MiB', decodedCache: 0 },
    { capacity: '64KiB', decodedCache: 0 },
    { capacity: '1MiB', decodedCache: 1024 * 1024 },
    { capacity: '64KiB', decodedCache: 3000 },
  ]
  for (const size of sizes) {
    const { capacity, decodedCache } = size
    const cases: Readonly<Record<string, () => { seed: number; fulls: number }>> = {
      string: () => compareRandomly(operations<string>(), codecs.string, text, size),
      'codec of one’s own': () => compareRandomly(operations<Uint8Array>(), buffers, bytes, size),
      json: () => compareRandomly(operations<unknown>(), codecs.json<unknown>(), json, size),
      int32: () => compareRandomly(numericOperations(isInt32), codecs.int32, fc.integer(), size),
      float64: () =>
        compareRandomly(
          numericOperations(Number.isFinite),
          codecs.float64,
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          size,
        ),
    }
    for (const [name, run] of Object.entries(cases)) {
      test(`${name} in ${capacity}, remembering ${decodedCache} bytes`, (t) => {
        const { seed, fulls } = run()
        t.diagnostic(`seed ${seed}, ${fulls} times FULL`)
        if (name === 'string' && capacity === '64KiB') assert.ok(fulls > 0)
      })
    }
  }
})
