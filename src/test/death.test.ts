/**
 * The death test: every store of every operation, and a sample of deaths in the repair of deaths. The full product of
 * pairs is `node dist/test/death-product.js`.
 */
import { strict as assert } from 'node:assert'
import { after, before, describe, test } from 'node:test'
import { PARTICIPANT } from '../memory/participant.js'
import type { Table } from '../table/table.js'
import { type InstrumentedBuild, instrumentedBuild } from './death-instrument.js'
import { SCENARIOS } from './death-scenarios.js'
import { fillUp, type Scenario } from './death-start.js'
import { type Sabotage, storeHook } from './death-stores.js'
import { Trials } from './death-trials.js'
import { World } from './death-world.js'
import { runSeed, SeededRandom } from './seeded-random.js'

/** Sampled deaths of two and three threads for each scenario. */
const SAMPLES = 150

function scenario(name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name)
  assert(found !== undefined, `there is a scenario '${name}'`)
  return found
}

describe('a thread that dies after any of its stores', () => {
  let build: InstrumentedBuild
  before(async () => {
    build = await instrumentedBuild()
  })
  after(() => build.remove())

  for (const scenario of SCENARIOS) {
    test(`leaves a table that others make whole: ${scenario.name}`, (t) => {
      const trials = new Trials(build, scenario)
      const stores = trials.everyDeath()
      if (scenario.last !== true) trials.everyThrow()
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      trials.someDeaths(SAMPLES, stores, new SeededRandom(seed))
      t.diagnostic(`${stores} stores, ${trials.count} trials`)
    })
  }

  test('gives back the chunks of its magazines when memory is short', () => {
    const world = new World(build, {})
    const [a, b] = ['A', 'B'].map((name) => world.tableOf(world.actor(name))) as [Table, Table]
    fillUp(world, b, 'z'.repeat(290), 0)
    for (let i = 0; i < 9; i++) world.remove(a, `full${20 + i}`)
    world.actor('A').dead = true
    let stored = 0
    const storeMore = () => {
      for (; ; stored++) world.put(b, `more${stored}`, 'z'.repeat(290))
    }
    assert.throws(storeMore, /FULL/)
    assert.equal(stored, 9)
    assert.equal(b.stats().participants, 1, 'the dead one has left')
    b.check()
  })

  /** Runs `act` while one word of a participant's record never says anything. */
  function forgetting(trials: Trials, actor: string, word: number, act: () => void): void {
    const at = trials.recordOf(actor) + word
    const sabotage: Sabotage = (target, index, value) =>
      target === trials.words && index === at && value !== 0
    storeHook.sabotage = sabotage
    try {
      act()
    } finally {
      storeHook.sabotage = undefined
    }
  }

  test('is noticed when it loses a chunk that no word in hand names', () => {
    const trials = new Trials(build, scenario('an insert with all at hand'))
    const run = () => forgetting(trials, 'A', PARTICIPANT.chunkInHand, () => trials.everyDeath())
    assert.throws(run, /no chunk is lost/)
  })

  test('is noticed when it loses a chunk between a span and a magazine', () => {
    const trials = new Trials(build, scenario('a removal with the magazine full'))
    const run = () => forgetting(trials, 'A', PARTICIPANT.moving, () => trials.everyDeath())
    assert.throws(run, /no chunk is lost/)
  })

  test('is noticed when it loses a bucket line between two lists', () => {
    const trials = new Trials(build, scenario('an insert that brings a line'))
    const run = () => forgetting(trials, 'A', PARTICIPANT.spareInHand, () => trials.everyDeath())
    assert.throws(run, /no bucket line is lost/)
  })

  test('is noticed when its repairer dies in turn and has not named what it moved', () => {
    const trials = new Trials(build, scenario('an insert with all at hand'))
    const repair = () => trials.everySecondDeath(90, 'B')
    repair()
    const run = () => forgetting(trials, 'B', PARTICIPANT.moving, repair)
    assert.throws(run, /no chunk is lost/)
  })
})
