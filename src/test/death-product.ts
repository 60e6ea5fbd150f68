/**
 * The whole product of deaths: A after each of its stores, and for each of these B after each of its own while it settles
 * and goes on, and A itself where it was thrown out and lives; then deaths of three in a row, sampled. About a quarter of
 * an hour in all:
 *
 *   node dist/test/death-product.js [part of a scenario's name]
 */
import { instrumentedBuild } from './death-instrument.js'
import { SCENARIOS } from './death-scenarios.js'
import { Trials } from './death-trials.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const SAMPLES = 20_000

const [part = ''] = process.argv.slice(2)
const seed = runSeed()
console.log(`seed ${seed}`)
const build = await instrumentedBuild()
const startedAt = performance.now()
let total = 0
for (const scenario of SCENARIOS.filter(({ name }) => name.includes(part))) {
  const trials = new Trials(build, scenario)
  const stores = trials.everyDeath()
  if (scenario.last !== true) trials.everyThrow()
  for (let n = 0; n <= stores; n++) {
    trials.everySecondDeath(n, 'B')
    if (scenario.last !== true) trials.everySecondDeath(n, 'A')
  }
  trials.someDeaths(SAMPLES, stores, new SeededRandom(seed))
  total += trials.count
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`${seconds} s: ${scenario.name}: ${stores} stores, ${trials.count} trials, ${total} in all`)
}
build.remove()
