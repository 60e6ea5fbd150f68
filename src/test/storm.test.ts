import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codecs, SharedMap } from '../index.js'
import { ChoreThread } from './chores.js'
import { runSeed } from './seeded-random.js'
import { runStorm } from './storm.js'

describe('readers under a storm of writers see no torn, foreign or dead value', () => {
  for (const kind of ['text', 'bytes'] as const) {
    test(`${kind} of 0 B to 200 KB, with growth, clears and chunks used again`, async (t) => {
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const shape = { readers: 2, writers: 2, reads: 60_000, keys: 200, capacity: '8MiB', stripes: 4 }
      const counts = await runStorm({ kind, seed, ...shape })
      t.diagnostic(JSON.stringify(counts))
      assert.ok(counts.reads >= 60_000 && counts.hits > 1000 && counts.writes > 1000)
    })
  }
})

test('increments from 8 threads are all counted', async () => {
  using map = new SharedMap<string, number>({ capacity: '1MiB', values: codecs.float64 })
  const threads = Array.from({ length: 8 }, () => new ChoreThread(map.share(), 'float64'))
  await Promise.all(
    threads.map(async (thread, place) => {
      await thread.run({ chore: 'increment', key: 'all', times: 10_000 })
      await thread.run({ chore: 'increment', key: `place ${place % 2}`, times: 5000 })
      await thread.leave()
    }),
  )
  assert.equal(map.get('all'), 80_000)
  assert.equal(map.get('place 0'), 20_000)
  assert.equal(map.get('place 1'), 20_000)
  map.check()
})
