/**
 * One scenario on a stage of its own, by random plans: what the torture script runs between storms.
 */
import { Stage } from './schedule.js'
import { GLANCES, PAIRS, TRIOS } from './schedule-scenarios.js'
import { searchSome } from './schedule-search.js'
import { TOGETHER } from './schedule-together-scenarios.js'
import { SeededRandom } from './seeded-random.js'

export interface ScheduleRun {
  readonly scenario: string
  readonly schedules: number
}

/** Plays `schedules` random plans of a scenario that the seed chooses; rejects with the first that goes wrong. */
export async function runSchedules(seed: number, schedules: number): Promise<ScheduleRun> {
  const scenarios = [...PAIRS, ...GLANCES, ...TRIOS, ...TOGETHER]
  const scenario = scenarios[seed % scenarios.length]
  if (scenario === undefined) throw new RangeError(`there is no scenario for seed ${seed}`)
  const participants = scenario.programs.length
  const stage = new Stage(participants)
  try {
    const result = searchSome(stage.prepare(scenario), participants, new SeededRandom(seed), schedules)
    if (result.found !== undefined) {
      const { plan, complaint } = result.found
      throw new Error(`${scenario.name}, plan ${JSON.stringify(plan)}: ${complaint}`)
    }
    return { scenario: scenario.name, schedules: result.schedules }
  } finally {
    await stage.close()
  }
}
