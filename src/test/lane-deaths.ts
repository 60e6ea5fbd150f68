/**
 * Deaths at a lane, after each shared store: of a worker (and of the one who takes over from it), and of a client, in the
 * middle of messages that fit a slot, need an area, or go in parts either way.
 *
 * After a worker's death every request ends, and as it should: a reply means that it was carried out once, NOT_TAKEN that
 * it was not, LOST that it was at most once. Requests are carried out in their order, none twice. After a client's death its
 * neighbour is served as before, nothing is carried out twice or torn, and the file's rows all come back.
 */
import { strict as assert } from 'node:assert'
import type { LaneClient } from '../channel/lane-client.js'
import type { LaneWorker } from '../channel/lane-worker.js'
import { CHANNEL_STATUS } from '../channel/layout.js'
import { type Actor, storeHook } from './death-stores.js'
import { assertReply, DEFERRED, type LaneModules, LaneWorld, REPLY_CODE, type Request } from './lane-world.js'

export interface LaneScenario {
  readonly name: string
  readonly requests: readonly Request[]
  /** The client loses interest in the first of them, once the worker has looked at it. */
  readonly givesUp?: boolean
}

const MOST_TURNS = 300
/** The neighbour's requests. */
const OTHERS = 1000

export const LANE_SCENARIOS: readonly LaneScenario[] = [
  { name: 'messages that fit a slot', requests: [shape(1), shape(2), shape(3)] },
  { name: 'messages in an area', requests: [shape(1, 300, 300), shape(2)] },
  { name: 'a request in parts', requests: [shape(1, 2200), shape(2)] },
  { name: 'a reply in parts', requests: [shape(1, 4, 2200), shape(2, 4, 4)] },
  {
    name: 'a reply in parts, the last of which fits the slot',
    requests: [shape(1, 4, 1048), shape(2, 4, 4)],
  },
  { name: 'both in parts', requests: [shape(1, 2100, 2100), shape(2)] },
  {
    name: 'replies that come later',
    requests: [{ ...shape(1), flags: DEFERRED }, { ...shape(2, 4, 1200), flags: DEFERRED }, shape(3)],
  },
  { name: 'a request in parts, given up', requests: [shape(1, 2200), shape(2)], givesUp: true },
  { name: 'a reply in parts, given up', requests: [shape(1, 4, 2200), shape(2)], givesUp: true },
]

function shape(number: number, valueBytes = 4, replyBytes = 4): Request {
  return { number, keyBytes: 4, valueBytes, replyBytes }
}

/** One run of a scenario from the start, with a death in it if wanted. */
export class LaneTrial {
  readonly #world: LaneWorld
  readonly #scenario: LaneScenario
  readonly #actors: Actor[] = []
  readonly #client: LaneClient
  readonly #clientActor = actorOf('client')
  readonly #ids = new Map<number, Request>()
  readonly #ended = new Map<number, number>()
  #submitted = 0
  #givenUp = 0

  constructor(modules: LaneModules, scenario: LaneScenario) {
    this.#world = new LaneWorld(modules)
    this.#scenario = scenario
    this.#client = this.#world.openClient()
  }

  /** Workers die after so many stores each, one after the other; the last one given lives. Returns their stores. */
  workerDeaths(stores: readonly number[]): number[] {
    for (const left of [...stores, Number.POSITIVE_INFINITY]) this.#addWorker(left)
    for (let turn = 0; !this.#isOver(); turn++) {
      assert.ok(turn < MOST_TURNS, 'every request ends')
      this.#clientTurn()
      this.#workersTurn()
    }
    this.#judge()
    storeHook.keep()
    return this.#actors.map(({ stores: done }) => done)
  }

  /** The client dies after so many stores. Returns how many it did. */
  clientDeath(stores: number): number {
    this.#clientActor.left = stores
    const neighbour = this.#world.openClient()
    const worker = this.#addWorker(Number.POSITIVE_INFINITY)
    for (let turn = 0; turn < MOST_TURNS && !this.#isOver(); turn++) {
      if (!storeHook.as(this.#clientActor, () => this.#clientTurn())) break
      this.#workersTurn()
    }
    for (let number = OTHERS; number < OTHERS + 3; number++)
      this.#askNeighbour(neighbour, shape(number, 3000, 3000))
    this.#judgeOrder()
    assert.deepEqual(this.#world.errors, [])
    assert.deepEqual(this.#world.faults, [])
    worker.detach(this.#world.file.id)
    this.#world.completeDeferred(worker)
    this.#world.ledger.close(this.#world.firstRow, 2)
    assert.equal(this.#world.ledger.used, 0)
    storeHook.keep()
    return this.#clientActor.stores
  }

  #addWorker(left: number): LaneWorker {
    const actor = actorOf(`worker ${this.#actors.length}`)
    this.#actors.push(actor)
    const worker = this.#world.addWorker()
    actor.left = left
    return worker
  }

  /** Each worker that lives and comes first takes a turn: so the next one begins when the one before has died. */
  #workersTurn(): void {
    for (const [number, actor] of this.#actors.entries()) {
      if (actor.dead) continue
      const worker = this.#world.workers[number]!
      const isAlive = storeHook.as(actor, () => {
        if (worker.poll() === 0) this.#world.rest(worker)
        this.#world.completeDeferred(worker)
      })
      if (isAlive) return
      this.#world.dead.add(number)
    }
  }

  #clientTurn(): void {
    const { requests, givesUp = false } = this.#scenario
    while (this.#submitted < requests.length) {
      const request = requests[this.#submitted]!
      const id = this.#world.submit(this.#client, request)
      if (id === 0) break
      this.#submitted++
      this.#ids.set(id, request)
      if (givesUp) break
    }
    this.#client.pump()
    const reply = this.#world.message()
    for (const [id, request] of this.#ids) {
      if (!this.#client.poll(id, reply)) continue
      this.#ids.delete(id)
      this.#ended.set(request.number, reply.code)
      if (reply.code === REPLY_CODE) assertReply(reply, request)
    }
    if (!givesUp || this.#givenUp > 0 || this.#submitted === 0) return
    const [first] = this.#ids.keys()
    if (first === undefined || this.#world.executed.length + this.#actors[0]!.stores === 0) return
    this.#givenUp++
    this.#ids.delete(first)
    this.#client.giveUp(first)
  }

  #isOver(): boolean {
    return this.#submitted === this.#scenario.requests.length && this.#client.inFlight === 0
  }

  #askNeighbour(neighbour: LaneClient, request: Request): void {
    const id = this.#world.submit(neighbour, request)
    const reply = this.#world.message()
    for (let turn = 0; !neighbour.poll(id, reply); turn++) {
      assert.ok(turn < MOST_TURNS, 'the neighbour is served')
      this.#workersTurn()
    }
    assertReply(reply, request)
  }

  #judge(): void {
    this.#judgeOrder()
    assert.deepEqual(this.#world.errors, [])
    assert.deepEqual(this.#world.faults, [])
    for (const [number, status] of this.#ended) {
      const times = this.#world.executed.filter((executed) => executed === number).length
      if (status === REPLY_CODE) assert.equal(times, 1, 'what was answered was carried out')
      else if (status === CHANNEL_STATUS.NOT_TAKEN)
        assert.equal(times, 0, 'what was not taken was not carried out')
      else assert.equal(status, CHANNEL_STATUS.LOST, 'no other status')
    }
    if (!this.#actors.some(({ dead }) => dead))
      for (const status of this.#ended.values())
        assert.equal(status, REPLY_CODE, 'nothing is lost without a death')
  }

  /** None twice, and in the order in which they were sent. */
  #judgeOrder(): void {
    const mine = this.#world.executed.filter((number) => number < OTHERS)
    for (const [at, number] of mine.entries())
      if (at > 0) assert.ok(number > mine[at - 1]!, `${mine} is in order, each once`)
  }
}

function actorOf(name: string): Actor {
  return { name, left: Number.POSITIVE_INFINITY, stores: 0, dead: false }
}

/** Every death of a worker; and of the one after it, all of them or one in `step`. Returns the number of trials. */
export function everyWorkerDeath(modules: LaneModules, scenario: LaneScenario, step: number): number {
  let trials = 0
  const [stores = 0] = new LaneTrial(modules, scenario).workerDeaths([])
  for (let n = 0; n <= stores; n++) {
    const [, second = 0] = run(`worker after ${n}`, () => new LaneTrial(modules, scenario).workerDeaths([n]))
    trials++
    for (let m = trials % step; m <= second; m += step) {
      run(`workers after ${n} and ${m}`, () => new LaneTrial(modules, scenario).workerDeaths([n, m]))
      trials++
    }
  }
  return trials
}

export function everyClientDeath(modules: LaneModules, scenario: LaneScenario): number {
  const stores = new LaneTrial(modules, scenario).clientDeath(Number.POSITIVE_INFINITY)
  for (let n = 0; n < stores; n++)
    run(`client after ${n}`, () => new LaneTrial(modules, scenario).clientDeath(n))
  return stores
}

function run<T>(what: string, trial: () => T): T {
  try {
    return trial()
  } catch (error) {
    throw new Error(`death of ${what} stores: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
