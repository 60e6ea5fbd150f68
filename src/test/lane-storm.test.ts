import { strict as assert } from 'node:assert'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { runLaneStorm } from './lane-storm.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'

const SMALL_LANE = { lanes: 1, window: 16, slotBytes: 128, transferBytes: 16 * 1024 }

test('clients in threads, two workers: every answer is the right one, each request is done once, in its order', async (t) => {
  const seed = runSeed()
  const shape = { seed, clients: 2, workers: 2, requests: 4000, lane: SMALL_LANE }
  const counts = await runLaneStorm(shape)
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
  assert.ok(counts.answered > 7000)
})

test('clients in processes: the same', { skip: NO_NAMED_TABLES }, async (t) => {
  const seed = runSeed()
  const directory = useScratchDirectory()
  try {
    const shape = {
      seed,
      clients: 2,
      workers: 1,
      keepsLanes: true,
      requests: 4000,
      lane: SMALL_LANE,
      directory,
    }
    const counts = await runLaneStorm(shape)
    t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
    assert.ok(counts.answered > 7000)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('workers that are ended under load leave every request answered, and none done twice', async (t) => {
  const seed = runSeed()
  const shape = { seed, clients: 2, workers: 2, requests: 4000, lane: SMALL_LANE, ends: 8 }
  const counts = await runLaneStorm(shape)
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
  assert.ok(counts.answered > 5000)
})
