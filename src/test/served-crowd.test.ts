import assert from 'node:assert/strict'
import { it } from 'node:test'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'
import { runCrowd } from './served-crowd.js'

const skip = NO_NAMED_TABLES
if (skip === false) useScratchDirectory()

for (const [processes, threads, laneWorkers] of [
  [2, 3, 1],
  [4, 4, 3],
] as const) {
  it(`${processes} processes of ${threads} threads get the right answers in every way, from ${laneWorkers} lane workers`, {
    skip,
  }, async (t) => {
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const answered = await runCrowd({ processes, threads, requests: 800, laneWorkers, seed })
    assert.ok(answered >= processes * threads * 800)
  })
}
