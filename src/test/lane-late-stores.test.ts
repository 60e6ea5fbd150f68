/**
 * Schedules over lanes in which the plain DONE of a short reply arrives as late as x86-64 lets it: it lies in the worker's
 * store buffer, past all its later loads, until its next atomic store. What runs in the other schedules is sequentially
 * consistent, so they cannot see whether that store is there. Stricter than any processor: other plain stores do not wait.
 */
import { strict as assert } from 'node:assert'
import { describe, test } from 'node:test'
import { type LaneRewrite, type LaneScene, LaneStage } from './lane-schedule.js'
import { LANE_SCENES } from './lane-schedule-scenes.js'
import { searchAll, searchSome } from './schedule-search.js'
import { runSeed, SeededRandom } from './seeded-random.js'

/** With two workers, instead of all schedules of one preemption. */
const RANDOM_SCHEDULES = 40
/** What has been stored plainly arrives. */
const ARRIVE = 'for (const store of globalThis.$late?.splice(0) ?? []) store();'

const HOLDER = 'Atomics.store(this.#rows, this.#rowAt + HOLDER, 0);'
const NEXT = 'Atomics.store(this.#rows, this.#nextAt, this.#rows[this.#nextAt]);'
const LATE_DONE: LaneRewrite = {
  file: 'short-slots.js',
  find: 'else words[at] = (sequence << STATE_BITS) | state;',
  put: 'else (globalThis.$late ??= []).push(() => { words[at] = (sequence << STATE_BITS) | state; });',
}
const ATOMIC_SLEEP: LaneRewrite = {
  file: 'bell.js',
  find: 'announceSleep(worker) {',
  put: `announceSleep(worker) { ${ARRIVE}`,
}
const ATOMIC_HOLDER: LaneRewrite = { file: 'served-lane.js', find: HOLDER, put: `${ARRIVE} ${HOLDER}` }
const ATOMIC_NEXT: LaneRewrite = {
  file: 'served-lane.js',
  find: `if (this.#isHeld) ${NEXT}`,
  put: `if (this.#isHeld) { ${ARRIVE} ${NEXT} }`,
}

function sceneOf(name: string): LaneScene {
  const scene = LANE_SCENES.find((one) => one.name === name)
  assert.ok(scene !== undefined, `there is a scene '${name}'`)
  return scene
}

describe('replies that arrive as late as they may: nobody sleeps on', () => {
  const names = ['one request after the other', 'several at once', 'replies that come later', 'two workers']
  for (const name of names) {
    test(name, async () => {
      const scene = sceneOf(name)
      const stage = new LaneStage(scene, [LATE_DONE, ATOMIC_SLEEP, ATOMIC_HOLDER, ATOMIC_NEXT])
      try {
        const participants = scene.roles.length
        const { found } =
          participants === 2
            ? searchAll(stage, participants, 1)
            : searchSome(stage, participants, new SeededRandom(runSeed()), RANDOM_SCHEDULES)
        assert.deepEqual(found, undefined)
      } finally {
        await stage.close()
      }
    })
  }
})

describe('a worker that looks whether its client sleeps before its reply has arrived is found', () => {
  test('letting go of the lane by a plain store', async () => {
    const plain = { ...ATOMIC_HOLDER, put: 'this.#rows[this.#rowAt + HOLDER] = 0;' }
    await assertFound('one request after the other', [LATE_DONE, ATOMIC_SLEEP, plain, ATOMIC_NEXT])
  })

  test('keeping the lane without an atomic store', async () => {
    await assertFound('several at once', [
      LATE_DONE,
      ATOMIC_SLEEP,
      ATOMIC_HOLDER,
      { ...ATOMIC_NEXT, put: '' },
    ])
  })
})

async function assertFound(name: string, rewrites: readonly LaneRewrite[]): Promise<void> {
  const scene = sceneOf(name)
  const stage = new LaneStage(scene, rewrites)
  try {
    assert.notEqual(searchAll(stage, scene.roles.length, 1).found, undefined)
  } finally {
    await stage.close()
  }
}
