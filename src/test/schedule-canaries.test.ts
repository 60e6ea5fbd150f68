import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Scene, Stage } from './schedule.js'
import { CANARIES } from './schedule-canaries.js'
import { GLANCES, PAIRS } from './schedule-scenarios.js'
import { type SearchResult, searchAll, searchSome } from './schedule-search.js'
import { SeededRandom } from './seeded-random.js'

/** Preemptions that are enough to find all but the random ones. */
const BOUND = 2
const MOST_SCHEDULES = 20_000
const SEED = 1

function search(scene: Scene, random: boolean): SearchResult {
  return random
    ? searchSome(scene, 2, new SeededRandom(SEED), MOST_SCHEDULES)
    : searchAll(scene, 2, BOUND, MOST_SCHEDULES)
}

describe('the scheduler finds a broken copy of the table', () => {
  for (const { name, rewrites, scenario, random = false } of CANARIES) {
    test(name, async (t) => {
      const stage = new Stage(2, rewrites)
      try {
        const played = [...PAIRS, ...GLANCES].find((pair) => pair.name === scenario)
        assert.ok(played !== undefined, 'there is such a scenario')
        // The scene is not closed: participants that threw have broken their own state, and end with the stage.
        const { schedules, found } = search(stage.prepare(played), random)
        t.diagnostic(`${scenario}: ${schedules} schedules`)
        assert.ok(found !== undefined, 'no schedule found it')
        t.diagnostic(`${JSON.stringify(found.plan)}: ${found.complaint.split('\n')[0]}`)
      } finally {
        await stage.close()
      }
    })
  }
})
