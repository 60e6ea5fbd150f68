import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type MapOptions, SharedMap, type SharedMapHandle } from '../index.js'
import { runSeed } from './seeded-random.js'

export interface EvictionRun {
  readonly table: SharedMapHandle
  readonly thread: number
  readonly operations: number
  readonly keys: number
  readonly seed: number
  readonly mostBytes: number
  readonly maxEntries: number
  readonly ttls: boolean
}

const THREADS = 4

async function evictTogether(
  options: MapOptions<string, string>,
  run: Pick<EvictionRun, 'operations' | 'keys' | 'mostBytes' | 'ttls'>,
): Promise<SharedMap> {
  const seed = runSeed()
  const map = new SharedMap({ ...options, eviction: 'clock' })
  const problems = await Promise.all(
    Array.from({ length: THREADS }, async (_, thread) => {
      const { maxEntries = Number.POSITIVE_INFINITY } = options
      const workerData: EvictionRun = { ...run, table: map.share(), thread, seed: seed + thread, maxEntries }
      const worker = new Worker(new URL('./eviction-worker.js', import.meta.url), { workerData })
      const [found] = (await once(worker, 'message')) as [string[]]
      return found
    }),
  )
  assert.deepEqual(problems.flat(), [], `seed ${seed}`)
  map.check()
  return map
}

describe('four threads on a table that is too small for them', () => {
  test('are never told FULL, and read only what was written', async () => {
    using map = await evictTogether(
      { capacity: '1MiB' },
      { operations: 25_000, keys: 20_000, mostBytes: 300, ttls: false },
    )
    assert.ok(map.stats().evictions > 10_000)
  })

  test('are never told FULL with values of all sizes, ttls among them', async () => {
    using map = await evictTogether(
      { capacity: '2MiB' },
      { operations: 15_000, keys: 10_000, mostBytes: 100_000, ttls: true },
    )
    assert.ok(map.stats().evictions > 1000)
    assert.ok(map.stats().expirations > 0)
  })

  for (const maxEntries of [1, 3, 500]) {
    test(`never have more than ${maxEntries} entries`, async () => {
      using map = await evictTogether(
        { capacity: '1MiB', maxEntries },
        { operations: 8000, keys: 2000, mostBytes: 300, ttls: false },
      )
      assert.equal(map.size, maxEntries)
    })
  }
})
