import assert from 'node:assert/strict'
import { it } from 'node:test'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'
import { runCrowd } from './served-crowd.js'

const skip = NO_NAMED_TABLES
if (skip === false) useScratchDirectory()

for (const laneWorkers of [1, 3]) {
  it(`4 processes of 4 threads get the right answers in every way, from ${laneWorkers} lane workers`, {
    skip,
  }, async (t) => {
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const answered = await runCrowd({ processes: 4, threads: 4, requests: 800, laneWorkers, seed })
    assert.ok(answered >= 4 * 4 * 800)
  })
}
