import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runKills, summaryOf } from './kill.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'

const ROUNDS = 20
const MOST_MS = 3000
/** So many in any case, however slow the machine; fewer would show nothing. */
const LEAST_ROUNDS = 2
const LEAST_OPERATIONS = 100

describe('processes killed at random under load lose nothing they acknowledged and stop nobody', {
  skip: NO_NAMED_TABLES,
}, () => {
  for (const [processes, stripes] of [
    [3, 1],
    [4, 4],
  ] as const) {
    test(`${processes} processes on ${stripes} stripes`, async (t) => {
      const seed = runSeed()
      const directory = useScratchDirectory()
      const counts = await runKills({
        seed,
        directory,
        processes,
        stripes,
        rounds: ROUNDS,
        mostMs: MOST_MS,
        leastRounds: LEAST_ROUNDS,
        leastOperations: LEAST_OPERATIONS,
      })
      const { ownMs, othersMs, ...rest } = counts
      t.diagnostic(`seed ${seed}: ${JSON.stringify(rest)}`)
      t.diagnostic(`others went on after ms: ${JSON.stringify(summaryOf([...ownMs, ...othersMs], 200))}`)
      assert.ok(counts.rounds >= LEAST_ROUNDS && counts.operations >= LEAST_OPERATIONS)
    })
  }
})
