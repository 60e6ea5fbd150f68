/**
 * The whole product of deaths: A after each of its stores, and for each of these B after each of its own while it settles
 * and goes on, and A itself where it was thrown out and lives; then deaths of three in a row, sampled. About a quarter of
 * an hour in all:
 *
 *   npm run death -- [--mapped] [part of a scenario's name]
 *
 * `--mapped`: over named regions with real kernel locks, which takes longer.
 */
import { mappedGround } from './death-ground.js'
import { instrumentedBuild } from './death-instrument.js'
import { MAPPED_SCENARIOS, SCENARIOS } from './death-scenarios.js'
import { Trials } from './death-trials.js'
import { useScratchDirectory } from './named-scratch.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const SAMPLES = 20_000

const isMapped = process.argv.includes('--mapped')
const part = process.argv.slice(2).find((text) => !text.startsWith('-')) ?? ''
if (isMapped) useScratchDirectory()
const all = isMapped ? [...SCENARIOS, ...MAPPED_SCENARIOS] : SCENARIOS
const seed = runSeed()
console.log(`seed ${seed}`)
const build = await instrumentedBuild()
const startedAt = performance.now()
let total = 0
for (const scenario of all.filter(({ name }) => name.includes(part))) {
  const trials = new Trials(build, scenario, isMapped ? mappedGround(scenario.commits) : undefined)
  const stores = trials.everyDeath()
  if (scenario.last !== true) trials.everyThrow()
  for (let n = 0; n <= stores; n++) {
    trials.everySecondDeath(n, 'B')
    if (scenario.last !== true) trials.everySecondDeath(n, 'A')
  }
  trials.someDeaths(SAMPLES, stores, new SeededRandom(seed))
  trials.close()
  total += trials.count
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`${seconds} s: ${scenario.name}: ${stores} stores, ${trials.count} trials, ${total} in all`)
}
build.remove()
