import { after, before, describe, test } from 'node:test'
import { type InstrumentedBuild, instrumentedBuild } from './death-instrument.js'
import { SCENARIOS } from './death-scenarios.js'
import { Trials } from './death-trials.js'

describe('a thread that dies after any of its stores', () => {
  let build: InstrumentedBuild
  before(async () => {
    build = await instrumentedBuild()
  })
  after(() => build.remove())

  for (const scenario of SCENARIOS) {
    test(`leaves a whole table: ${scenario.name}`, (t) => {
      const trials = new Trials(build, scenario)
      const stores = trials.everyDeath()
      if (scenario.last !== true) trials.everyThrow()
      if (process.env['PAIRS'] !== undefined) {
        const step = Number(process.env['PAIRS'])
        for (let n = 0; n < stores; n++) {
          trials.everySecondDeath(n, 'B', (m) => (m + n) % step === 0)
          if (scenario.last !== true) trials.everySecondDeath(n, 'A', (m) => (m + n) % step === 0)
        }
      }
      t.diagnostic(`${stores} stores, ${trials.count} trials`)
    })
  }
})
