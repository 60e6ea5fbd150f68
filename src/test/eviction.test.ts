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
  /** FULL is an answer like any other. */
  readonly mayBeFull: boolean
  readonly ttls: boolean
}

const THREADS = 4

async function evictTogether(
  options: MapOptions<string, string>,
  run: Pick<EvictionRun, 'operations' | 'keys' | 'mostBytes' | 'ttls'>,
): Promise<SharedMap> {
  const seed = runSeed()
  const map = new SharedMap({ eviction: 'clock', ...options })
  const problems = await Promise.all(
    Array.from({ length: THREADS }, async (_, thread) => {
      const mayBeFull = options.eviction === 'none'
      const workerData: EvictionRun = { ...run, table: map.share(), thread, seed: seed + thread, mayBeFull }
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
      { operations: 8000, keys: 20_000, mostBytes: 300, ttls: false },
    )
    assert.ok(map.stats().evictions > 500)
  })

  test('are never told FULL with values of all sizes, ttls among them', async () => {
    using map = await evictTogether(
      { capacity: '2MiB' },
      { operations: 4000, keys: 10_000, mostBytes: 100_000, ttls: true },
    )
    assert.ok(map.stats().evictions > 200)
    assert.ok(map.stats().expirations > 0)
  })

  for (const maxEntries of [1, 3, 500]) {
    test(`keep to ${maxEntries} entries`, async () => {
      using map = await evictTogether(
        { capacity: '1MiB', maxEntries },
        { operations: 3000, keys: 2000, mostBytes: 300, ttls: false },
      )
      // One that has evicted may find that another thread has set its key meanwhile.
      assert.ok(map.size <= maxEntries && map.size > maxEntries - THREADS, `${map.size} entries`)
      for (let number = 0; number < 2 * maxEntries; number++) map.set(`more ${number}`, '')
      assert.equal(map.size, maxEntries)
    })
  }

  test('count exactly where a limit turns them away', async () => {
    const maxEntries = 50
    using map = await evictTogether(
      { capacity: '1MiB', maxEntries, eviction: 'none' },
      { operations: 8000, keys: 150, mostBytes: 300, ttls: false },
    )
    assert.ok(map.size <= maxEntries)
    for (let number = map.size; number < maxEntries; number++) assert.ok(map.insert(`more ${number}`, ''))
    assert.throws(() => map.insert('one more', ''), /maxEntries/)
    map.check()
  })
})
