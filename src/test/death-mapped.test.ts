/**
 * The death test over named regions: participants that each map a real file and hold real kernel locks, of which they
 * lose the descriptor when they die; pages that the system is asked for. Every store of every operation, and a sample
 * of deaths in the repair of deaths; the full product is `npm run death -- --mapped`.
 */
import { strict as assert } from 'node:assert'
import { after, before, describe, test } from 'node:test'
import { HEADER, POOL } from '../memory/header.js'
import { mappedGround } from './death-ground.js'
import { type InstrumentedBuild, instrumentedBuild } from './death-instrument.js'
import { MAPPED_SCENARIOS } from './death-room-scenarios.js'
import { SCENARIOS } from './death-scenarios.js'
import type { Scenario } from './death-start.js'
import { storeHook } from './death-stores.js'
import { Trials } from './death-trials.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed, SeededRandom } from './seeded-random.js'

/** Sampled deaths of two and three participants for each scenario. */
const SAMPLES = 25

function scenario(name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name)
  assert(found !== undefined, `there is a scenario '${name}'`)
  return found
}

describe('a participant of a named region that dies after any of its stores', {
  skip: NO_NAMED_TABLES,
}, () => {
  let build: InstrumentedBuild
  before(async () => {
    useScratchDirectory()
    build = await instrumentedBuild()
  })
  after(() => build.remove())

  for (const scenario of [...SCENARIOS, ...MAPPED_SCENARIOS]) {
    test(`leaves a table that others make whole: ${scenario.name}`, (t) => {
      const trials = new Trials(build, scenario, mappedGround(scenario.commits))
      const stores = trials.everyDeath()
      if (scenario.last !== true) trials.everyThrow()
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      trials.someDeaths(SAMPLES, stores, new SeededRandom(seed))
      t.diagnostic(`${stores} stores, ${trials.count} trials`)
      trials.close()
    })
  }

  test('is noticed when the count of pages that the system has given is not made anew', () => {
    const trials = new Trials(build, scenario('an insert of a large value'), mappedGround())
    const at = HEADER.pool + POOL.freeBacked
    storeHook.sabotage = (target, index) => target instanceof Int32Array && index === at
    try {
      assert.throws(() => trials.everyDeath(), /the system has given memory/)
    } finally {
      storeHook.sabotage = undefined
      trials.close()
    }
  })

  test('keeps what it holds for as long as the kernel has its lock', () => {
    const trials = new Trials(build, scenario('an insert with all at hand'), mappedGround())
    trials.ground.settleFates = () => {}
    assert.throws(() => trials.everyDeath(), /waits without end|TIMEOUT/)
    trials.close()
  })
})
