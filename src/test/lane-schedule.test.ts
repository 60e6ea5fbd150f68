import { strict as assert } from 'node:assert'
import { describe, test } from 'node:test'
import { type LaneRewrite, type LaneScene, LaneStage } from './lane-schedule.js'
import { LANE_SCENES } from './lane-schedule-scenes.js'
import { type SearchResult, searchAll, searchSome } from './schedule-search.js'
import { runSeed, SeededRandom } from './seeded-random.js'

/** With two participants, after all of one preemption; with three, instead of them. */
const RANDOM_SCHEDULES = 40

describe('lanes, one shared access at a time: no wake-up is missed, nothing done twice or out of order', () => {
  const seed = runSeed()
  const random = new SeededRandom(seed)
  for (const scene of LANE_SCENES) {
    test(scene.name, async (t) => {
      const stage = new LaneStage(scene)
      const participants = scene.roles.length
      try {
        const all: SearchResult = participants === 2 ? searchAll(stage, participants, 1) : { schedules: 0 }
        assert.deepEqual(all.found, undefined)
        const some = searchSome(stage, participants, random, RANDOM_SCHEDULES)
        t.diagnostic(`seed ${seed}: ${all.schedules} and ${some.schedules} schedules`)
        assert.deepEqual(some.found, undefined)
      } finally {
        await stage.close()
      }
    })
  }
})

/** As if they had been idle for long before the first request. */
const RESTING: LaneRewrite = {
  file: 'idle-watch.js',
  find: 'const RESTS_AFTER = 20;',
  put: 'const RESTS_AFTER = 0;',
}

describe('workers that rest: the same', () => {
  const seed = runSeed()
  const random = new SeededRandom(seed)
  const hasTwo = ({ roles }: LaneScene) => roles.filter(({ role }) => role === 'worker').length > 1
  for (const scene of LANE_SCENES.filter(hasTwo)) {
    test(scene.name, async (t) => {
      const stage = new LaneStage(scene, [RESTING])
      try {
        const some = searchSome(stage, scene.roles.length, random, RANDOM_SCHEDULES)
        t.diagnostic(`seed ${seed}: ${some.schedules} schedules`)
        assert.deepEqual(some.found, undefined)
      } finally {
        await stage.close()
      }
    })
  }
})

interface Canary extends LaneRewrite {
  readonly name: string
  readonly scene: string
}

const RING = 'this.#bell.ring(words[this.#laneAt + HOME]);'
/** From before a request is published to the wake-up for it. */
const SEND = `
  if (!(offersNoArea && this.#short.put(sequence, REQUESTED, message)) && !this.#putLong(sequence, message))
    return 0;
  this.#owner[slot] = sequence;
  this.#counter[slot] = this.#writes.begin(effect, message.words, message.keyBytes);
  this.#inFlight++;
  this.#next = (sequence + 1) & SEQUENCE_MASK;
  ${RING}`

const CANARIES: readonly Canary[] = [
  {
    name: 'a worker that does not look again after it has announced its sleep',
    scene: 'one request after the other',
    file: 'lane-worker.js',
    find: 'if (this.#hasWork()) bell.stayAwake',
    put: 'if (false) bell.stayAwake',
  },
  {
    name: 'a client that does not look again before it sleeps',
    scene: 'one request after the other',
    file: 'lane-client.js',
    find: 'Atomics.store(words, asleepAt, ASLEEP.ON_FUTEX); if (this.poll(id, reply)) break;',
    put: 'Atomics.store(words, asleepAt, ASLEEP.ON_FUTEX);',
  },
  {
    name: 'a client that rings before it has published',
    scene: 'several at once',
    file: 'lane-client.js',
    find: SEND,
    put: `this.#bell.ring(words[this.#laneAt + HOME]); ${SEND.replace(RING, '')}`,
  },
  {
    name: 'a worker that wakes nobody',
    scene: 'one request after the other',
    file: 'served-lane.js',
    find: 'this.file.region.notify(asleepAt);',
    put: '',
  },
  {
    name: 'two workers at one lane',
    scene: 'two workers',
    file: 'served-lane.js',
    find: 'if (Atomics.compareExchange(this.#rows, this.#rowAt + HOLDER, 0, this.#keeper.tag) !== 0) return false;',
    put: '',
  },
]

describe('broken lanes are found by schedules', () => {
  for (const canary of CANARIES) {
    test(canary.name, async () => {
      const scene = LANE_SCENES.find(({ name }) => name === canary.scene)!
      const stage = new LaneStage(scene, [canary])
      try {
        const { found } = searchAll(stage, scene.roles.length, 1)
        assert.notEqual(found, undefined)
      } finally {
        await stage.close()
      }
    })
  }
})
