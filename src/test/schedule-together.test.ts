import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Scenario, Stage } from './schedule.js'
import { type SearchResult, searchAll, searchSome } from './schedule-search.js'
import { TOGETHER, TOGETHER_CANARIES } from './schedule-together-scenarios.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const RANDOM_SCHEDULES = 25
/** All of one preemption but for three participants. */
const MOST_SCHEDULES = 1200
/** Preemptions that are enough to find every canary. */
const CANARY_BOUND = 2
const MOST_CANARY_SCHEDULES = 20_000

describe('nobody sees half of several keys at once, in every schedule of one preemption and some of several', () => {
  const seed = runSeed()
  const random = new SeededRandom(seed)
  let stage: Stage
  before(() => {
    stage = new Stage(3)
  })
  after(() => stage.close())

  for (const scenario of TOGETHER) {
    test(scenario.name, (t) => {
      const participants = scenario.programs.length
      const scene = stage.prepare(scenario)
      const all = searchAll(scene, participants, 1, MOST_SCHEDULES)
      assert.deepEqual(all.found, undefined)
      const some = searchSome(scene, participants, random, RANDOM_SCHEDULES)
      t.diagnostic(`seed ${seed}: ${all.schedules} and ${some.schedules} schedules`)
      assert.deepEqual(some.found, undefined)
      scene.close()
    })
  }
})

function played(name: string): Scenario {
  const scenario = TOGETHER.find((one) => one.name === name)
  assert.ok(scenario !== undefined, 'there is such a scenario')
  return scenario
}

describe('the scheduler finds a broken copy of several keys at once', () => {
  for (const { name, rewrites, scenario } of TOGETHER_CANARIES) {
    test(name, async (t) => {
      const stage = new Stage(2, rewrites)
      try {
        const result: SearchResult = searchAll(
          stage.prepare(played(scenario)),
          2,
          CANARY_BOUND,
          MOST_CANARY_SCHEDULES,
        )
        t.diagnostic(`${scenario}: ${result.schedules} schedules`)
        assert.ok(result.found !== undefined, 'no schedule found it')
        t.diagnostic(`${JSON.stringify(result.found.plan)}: ${result.found.complaint.split('\n')[0]}`)
      } finally {
        await stage.close()
      }
    })
  }
})
