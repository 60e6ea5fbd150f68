import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Stage } from './schedule.js'
import { GLANCES, PAIRS, TRIOS } from './schedule-scenarios.js'
import { searchAll, searchSome } from './schedule-search.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const RANDOM_SCHEDULES = 25

describe('every schedule of one preemption, and some of several, leaves histories linearizable and the table whole', () => {
  const seed = runSeed()
  const random = new SeededRandom(seed)
  let stage: Stage
  before(() => {
    stage = new Stage(3)
  })
  after(() => stage.close())

  for (const scenario of [...PAIRS, ...GLANCES, ...TRIOS]) {
    test(scenario.name, (t) => {
      const participants = scenario.programs.length
      const scene = stage.prepare(scenario)
      const all = searchAll(scene, participants, 1)
      assert.deepEqual(all.found, undefined)
      const some = searchSome(scene, participants, random, RANDOM_SCHEDULES)
      t.diagnostic(`seed ${seed}: ${all.schedules} and ${some.schedules} schedules`)
      assert.deepEqual(some.found, undefined)
      scene.close()
    })
  }
})
