import { strict as assert } from 'node:assert'
import { after, before, describe, test } from 'node:test'
import { type LaneBreak, type LaneDeathBuild, laneDeathBuild } from './lane-death-build.js'
import { everyClientDeath, everyWorkerDeath, LANE_SCENARIOS } from './lane-deaths.js'

/** Of second deaths, one in so many; all of them: `HEARTH_ALL_DEATHS=1`. */
const STEP = process.env['HEARTH_ALL_DEATHS'] === undefined ? 11 : 1

describe('deaths at a lane, after each store', () => {
  let build: LaneDeathBuild
  before(async () => {
    build = await laneDeathBuild()
  })
  after(() => build.remove())

  for (const scenario of LANE_SCENARIOS) {
    test(`a worker, then its successor: ${scenario.name}`, (t) => {
      const trials = everyWorkerDeath(build.modules, scenario, STEP)
      t.diagnostic(`${trials} trials`)
      assert.ok(trials > 50)
    })

    test(`a client: ${scenario.name}`, (t) => {
      const trials = everyClientDeath(build.modules, scenario)
      t.diagnostic(`${trials} trials`)
      assert.ok(trials > 20)
    })
  }
})

/** Broken copies, and who must find them. */
const CANARIES: readonly (LaneBreak & { readonly name: string; readonly dies: 'worker' | 'client' })[] = [
  {
    name: 'a worker that carries out a request before it notes that it was taken',
    dies: 'worker',
    file: 'served-lane.js',
    find: 'isAnswered = this.#keeper.handler(',
    put:
      'this.#rows[this.#rowAt + ROW.next] = sequence; isAnswered = this.#keeper.handler(request, reply, this.#ticketBase | slot); ' +
      'this.#rows[this.#rowAt + ROW.next] = (sequence + 1) & SEQUENCE_MASK; void (',
  },
  {
    name: 'a short reply published before it is there',
    dies: 'worker',
    file: 'short-slots.js',
    find: 'copyLongs(message.longs, 0, this.#longs, (at + HEAD_WORDS) >>> 1, (payloadBytes + 7) >>> 3);',
    put:
      'Atomics.store(words, at, (sequence << STATE_BITS) | state); ' +
      'copyLongs(message.longs, 0, this.#longs, (at + HEAD_WORDS) >>> 1, (payloadBytes + 7) >>> 3);',
  },
  {
    name: 'a long reply published before it is there',
    dies: 'worker',
    file: 'reply-desk.js',
    find: 'view.writePart(to, reply, offset, bytes);',
    put: 'this.#publish(sequence, reply, inArea, offset); view.writePart(to, reply, offset, bytes);',
  },
  {
    name: 'a successor that does not answer for what was taken',
    dies: 'worker',
    file: 'reply-desk.js',
    find: 'if (state === REQUESTED || state === PART || state === FETCH)',
    put: 'if (state === FETCH)',
  },
  {
    name: 'a successor that forgets replies of which parts were fetched',
    dies: 'worker',
    file: 'reply-desk.js',
    find: 'else if (state === DONE && this.#isPartial(at))',
    put: 'else if (false)',
  },
  {
    name: 'a short request published before it is there',
    dies: 'client',
    file: 'short-slots.js',
    find: 'copyLongs(message.longs, 0, this.#longs, (at + HEAD_WORDS) >>> 1, (payloadBytes + 7) >>> 3);',
    put:
      'Atomics.store(words, at, (sequence << STATE_BITS) | state); ' +
      'copyLongs(message.longs, 0, this.#longs, (at + HEAD_WORDS) >>> 1, (payloadBytes + 7) >>> 3);',
  },
  {
    name: 'a long request published before it is there',
    dies: 'client',
    file: 'lane-client.js',
    find: 'view.writePart(view.partAt(at, inArea, areaAt), message, 0, bytes);',
    put:
      'view.writeRequest(at, message, inArea, areaAt, this.#areas.bytes(slot)); Atomics.store(words, at, stateWord(sequence, REQUESTED)); ' +
      'view.writePart(view.partAt(at, inArea, areaAt), message, 0, bytes);',
  },
]

describe('broken lanes are found by deaths', () => {
  for (const canary of CANARIES) {
    test(canary.name, async () => {
      const build = await laneDeathBuild(canary)
      try {
        assert.throws(() => {
          for (const scenario of LANE_SCENARIOS) {
            if (canary.dies === 'client') everyClientDeath(build.modules, scenario)
            else everyWorkerDeath(build.modules, scenario, 1000)
          }
        }, /death of/)
      } finally {
        build.remove()
      }
    })
  }
})
