/**
 * The whole product of deaths: A after each of its stores, and for each of these B after each of its own while it settles
 * and goes on, and A itself where it was thrown out and lives; then deaths of three in a row, sampled. About a quarter of
 * an hour in all:
 *
 *   npm run death -- [--mapped | --names] [part of a scenario's name]
 *
 * `--mapped`: over named regions with real kernel locks. `--names`: deaths between the calls of the system by which a
 * name changes hands, and of those who come next.
 */
import { mappedGround } from './death-ground.js'
import { instrumentedBuild } from './death-instrument.js'
import { MAPPED_SCENARIOS } from './death-room-scenarios.js'
import { SCENARIOS } from './death-scenarios.js'
import { Trials } from './death-trials.js'
import { everyNameDeath, NameDeaths } from './named-deaths.js'
import { useScratchDirectory } from './named-scratch.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const SAMPLES = 20_000

const options = process.argv.slice(2).filter((text) => text.startsWith('--'))
const [part = ''] = process.argv.slice(2).filter((text) => !text.startsWith('--'))
const startedAt = performance.now()

function tell(line: string): void {
  console.log(`${Math.round((performance.now() - startedAt) / 1000)} s: ${line}`)
}

async function everyStore(isMapped: boolean): Promise<void> {
  const all = isMapped ? [...SCENARIOS, ...MAPPED_SCENARIOS] : SCENARIOS
  const seed = runSeed()
  console.log(`seed ${seed}`)
  const build = await instrumentedBuild()
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
    tell(`${scenario.name}: ${stores} stores, ${trials.count} trials, ${total} in all`)
  }
  build.remove()
}

if (options.includes('--names')) everyNameDeath(new NameDeaths(useScratchDirectory()), tell)
else {
  const isMapped = options.includes('--mapped')
  if (isMapped) useScratchDirectory()
  await everyStore(isMapped)
}
