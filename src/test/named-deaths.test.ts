/** A name changes hands by several calls of the system; whoever dies between two of them stops nobody. */
import { strict as assert } from 'node:assert'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { describe, test } from 'node:test'
import { type MortalAct, NAME_ACTS, NameDeaths } from './named-deaths.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed, SeededRandom } from './seeded-random.js'

/** Pairs and triples of deaths; all pairs are `npm run death -- --names`. */
const SAMPLES = 150
const MOST_CALLS = 40

describe('whoever dies while a name changes hands', { skip: NO_NAMED_TABLES }, () => {
  const deaths = NO_NAMED_TABLES === false ? new NameDeaths(useScratchDirectory()) : undefined
  for (const act of NAME_ACTS) {
    test(`leaves nothing that stops the next: ${act}, before each call of the system`, (t) => {
      const calls = deaths!.everyDeath(act)
      t.diagnostic(`${calls} calls`)
      assert.ok(calls >= 5)
    })
  }

  test('may be followed by others who die as well', (t) => {
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const random = new SeededRandom(seed)
    const act = (): MortalAct => [NAME_ACTS[random.below(NAME_ACTS.length)]!, random.below(MOST_CALLS)]
    for (let i = 0; i < SAMPLES; i++) deaths!.run(random.oneIn(2) ? [act(), act()] : [act(), act(), act()])
  })

  test('is noticed when what the dead have left is not tidied up', () => {
    const { rmSync } = fs
    fs.rmSync = () => {}
    syncBuiltinESMExports()
    try {
      assert.throws(() => deaths!.everyDeath('create'), /EEXIST|nothing is left of the name/)
    } finally {
      fs.rmSync = rmSync
      syncBuiltinESMExports()
    }
  })
})
