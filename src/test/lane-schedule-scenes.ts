/**
 * Who does what at lanes, for schedules: small scenes that between them use every way to sleep and to be woken, and a run
 * of many random plans over one of them.
 */
import type { LaneScene } from './lane-schedule.js'
import { LaneStage } from './lane-schedule.js'
import { DEFERRED, type Request } from './lane-world.js'
import { searchSome } from './schedule-search.js'
import { SeededRandom } from './seeded-random.js'

const ask = (number: number, more: Partial<Request> = {}): Request => ({
  number,
  keyBytes: 4,
  valueBytes: 4,
  replyBytes: 4,
  ...more,
})
const worker = (number: number, keepsLanes = false) => ({ role: 'worker', number, keepsLanes }) as const
const client = (requests: readonly Request[], atOnce = false) =>
  ({ role: 'client', requests, atOnce }) as const

export const LANE_SCENES: readonly LaneScene[] = [
  { name: 'one request after the other', roles: [client([ask(1), ask(2)]), worker(0)] },
  { name: 'several at once', roles: [client([ask(1), ask(2), ask(3)], true), worker(0, true)] },
  {
    name: 'replies that come later',
    roles: [client([ask(1, { flags: DEFERRED }), ask(2)], true), worker(0)],
  },
  {
    name: 'a long request and a long reply',
    roles: [client([ask(1, { valueBytes: 1500 }), ask(2, { replyBytes: 1100 })]), worker(0)],
  },
  { name: 'two workers', roles: [client([ask(1), ask(2)], true), worker(0), worker(1)] },
  {
    name: 'two workers, replies that come later',
    roles: [client([ask(1, { flags: DEFERRED }), ask(2, { flags: DEFERRED })], true), worker(0), worker(1)],
  },
  { name: 'two clients', roles: [client([ask(1), ask(2)]), client([ask(11), ask(12)]), worker(0)] },
]

/** Plays so many random plans of the scene that the seed chooses; rejects with the first that goes wrong. */
export async function runLaneSchedules(seed: number, schedules: number): Promise<number> {
  const scene = LANE_SCENES[seed % LANE_SCENES.length]!
  const stage = new LaneStage(scene)
  try {
    const result = searchSome(stage, scene.roles.length, new SeededRandom(seed), schedules)
    if (result.found === undefined) return result.schedules
    const { plan, complaint } = result.found
    throw new Error(`${scene.name}, plan ${JSON.stringify(plan)}: ${complaint}`)
  } finally {
    await stage.close()
  }
}
