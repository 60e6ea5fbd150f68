/**
 * Which plans are tried on a scene: every one with at most so many preemptions, or random ones. Plans without an
 * effect (too late, or to somebody who sleeps) are recognised by what was taken, and not built upon.
 */

import type { Outcome, Plan } from './schedule.js'
import type { SeededRandom } from './seeded-random.js'

/** What can be played by a plan. */
export interface Playable {
  play(plan: Plan): Outcome
}

export interface Found {
  readonly plan: Plan
  readonly complaint: string
}

export interface SearchResult {
  readonly schedules: number
  /** The first schedule that went wrong. */
  readonly found?: Found
}

/** Tries every plan of at most `bound` preemptions; fewest first, so that what is found is small. */
export function searchAll(
  scene: Playable,
  participants: number,
  bound: number,
  most = Number.POSITIVE_INFINITY,
): SearchResult {
  let schedules = 0
  let level: Plan[] = Array.from({ length: participants }, (_, first) => ({ first, preemptions: [] }))
  for (let preemptions = 0; preemptions <= bound; preemptions++) {
    const next: Plan[] = []
    for (const plan of level) {
      if (schedules++ >= most) return { schedules }
      const outcome = scene.play(plan)
      if (outcome.complaint !== undefined) return { schedules, found: { plan, complaint: outcome.complaint } }
      if (outcome.taken === plan.preemptions.length && preemptions < bound)
        next.push(...extensions(plan, outcome, participants))
    }
    level = next
  }
  return { schedules }
}

/** `plan` with one preemption more, behind its last. */
function extensions({ first, preemptions }: Plan, { steps }: Outcome, participants: number): Plan[] {
  const plans: Plan[] = []
  for (let step = (preemptions.at(-1)?.step ?? 0) + 1; step <= steps; step++) {
    for (let places = 1; places < participants; places++) {
      plans.push({ first, preemptions: [...preemptions, { step, places }] })
    }
  }
  return plans
}

/** Tries `schedules` plans of 2 to 4 preemptions drawn at random. */
export function searchSome(
  scene: Playable,
  participants: number,
  random: SeededRandom,
  schedules: number,
): SearchResult {
  let { steps } = scene.play({ first: 0, preemptions: [] })
  for (let count = 0; count < schedules; count++) {
    const places = Array.from({ length: 2 + random.below(3) }, () => 1 + random.below(steps))
    const preemptions = [...new Set(places)]
      .sort((a, b) => a - b)
      .map((step) => ({ step, places: 1 + random.below(participants - 1) }))
    const plan = { first: random.below(participants), preemptions }
    const outcome = scene.play(plan)
    if (outcome.complaint !== undefined)
      return { schedules: count + 1, found: { plan, complaint: outcome.complaint } }
    steps = Math.max(steps, outcome.steps)
  }
  return { schedules }
}
