import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runSeed } from './seeded-random.js'
import { runTerminations } from './terminate.js'

const ROUNDS = 60
const MOST_MS = 1500
/** So many in any case, however slow the machine; fewer would show nothing. */
const LEAST_ROUNDS = 5

describe('workers terminated at random under load lose nothing they acknowledged and stop nobody', () => {
  for (const [workers, stripes, evicts] of [
    [4, 1, false],
    [6, 4, false],
    [4, 2, true],
  ] as const) {
    test(`${workers} workers on ${stripes} stripes${evicts ? ', with eviction' : ''}`, async (t) => {
      const seed = runSeed()
      const counts = await runTerminations({
        seed,
        workers,
        stripes,
        evicts,
        rounds: ROUNDS,
        mostMs: MOST_MS,
        leastRounds: LEAST_ROUNDS,
      })
      t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
      assert.ok(counts.rounds >= LEAST_ROUNDS && counts.operations > 100)
      assert.equal(counts.evictions > 0, evicts)
    })
  }
})
