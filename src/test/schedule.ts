/**
 * Runs participants over one table step by step: which shared access comes next is chosen by a plan, not by chance.
 *
 * Every participant is a worker with an instrumented copy of the product (`instrument.ts`); a baton (`schedule-baton.ts`)
 * lets one of them run at a time. The same table is used for thousands of schedules: its bytes are put back before each.
 *
 * After each schedule: `check()`; every key's history, with a last look at what it holds, must be linearizable; nobody
 * threw; nobody slept until a timeout.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { SharedMapHandle } from '../map/entry.js'
import type { MapOptions } from '../map/options.js'
import { SharedMap } from '../map/shared-map.js'
import { geometry, PARTICIPANT_WORDS } from '../memory/geometry.js'
import { HEADER } from '../memory/header.js'
import { instrumentedTree, type Rewrite, removeTree } from './instrument.js'
import { checkRegister, type Operation, type Register } from './linearizability.js'
import { Baton, PLANNER, type Preemption, type ScheduleFacts } from './schedule-baton.js'
import {
  formOf,
  type Recorded,
  RUN_CLOCK_MS,
  type ScheduledMap,
  SETUP_CLOCK_MS,
  type Step,
  type ValueForm,
} from './schedule-program.js'
import type { Assignment, Report, ScheduleWorkerData } from './schedule-worker.js'

export interface Scenario {
  readonly name: string
  readonly values: ValueForm
  readonly keys: readonly string[]
  /** Puts the table into its first state; the clock of the schedule is later than the setup's. */
  setup(map: ScheduledMap, keys: readonly string[]): void
  /** One program for each participant. */
  readonly programs: readonly (readonly Step[])[]
  readonly capacity?: number
  /** Further options of the table. */
  readonly options?: MapOptions<string, unknown>
  /** How often each key may be evicted: vanish without anybody's operation. */
  readonly evictions?: number
  /** Default 1. */
  readonly stripes?: number
  /** There are actions on all keys at once. */
  readonly together?: boolean
  /** There are actions of read-only readers. */
  readonly glances?: boolean
  /** The participants have no chunks in their magazines when they begin. */
  readonly cold?: boolean
}

export interface Plan {
  readonly first: number
  readonly preemptions: readonly Preemption[]
}

export interface Outcome extends ScheduleFacts {
  /** What was wrong; undefined if nothing. */
  readonly complaint?: string
}

/** Every table hashes alike, so that a scenario can choose keys by bucket. */
export const HASH_KEY = [0x1234567, 0x89abcd] as const
/** Where the views of a segment begin in its buffer. */
const ORIGIN_BYTES = 48
/** Sleeping starts at the first try: a spin shows nothing that a sleep does not, in more steps. */
const SHORT_SPIN: Rewrite = {
  file: 'memory/lock.js',
  find: 'const SPINS = 200;',
  put: 'const SPINS = 1;',
}

/** May take effect at any time, or never. */
const EVICTED: Operation = {
  name: 'delete',
  thread: PLANNER,
  argument: 0,
  expected: undefined,
  result: true,
  invokedAt: 0,
  respondedAt: Number.POSITIVE_INFINITY,
}

interface Participant {
  readonly worker: Worker
  readonly port: MessagePort
}

/** The participants of one (perhaps broken) copy of the product. */
export class Stage {
  readonly #tree: string
  readonly #shared = Baton.create()
  readonly #baton = new Baton(this.#shared, PLANNER)
  readonly #participants: Participant[] = []

  constructor(participants: number, rewrites: readonly Rewrite[] = []) {
    this.#tree = instrumentedTree([SHORT_SPIN, ...rewrites])
    for (let me = 0; me < participants; me++) this.#participants.push(this.#hire(me))
  }

  #hire(me: number): Participant {
    const { port1, port2 } = new MessageChannel()
    const workerData: ScheduleWorkerData = { tree: this.#tree, baton: this.#shared, me, port: port2 }
    const worker = new Worker(new URL('./schedule-worker.js', import.meta.url), {
      workerData,
      transferList: [port2],
    })
    port1.unref()
    return { worker, port: port1 }
  }

  /** Sets the scene for a scenario; the stage plays one at a time. */
  prepare(scenario: Scenario): Scene {
    return new Scene(scenario, this.#baton, this.#participants.slice(0, scenario.programs.length))
  }

  async close(): Promise<void> {
    await Promise.all(this.#participants.map(({ worker }) => worker.terminate()))
    removeTree(this.#tree)
  }
}

/** One scenario on its stage, to be played by as many plans as wanted. */
export class Scene {
  readonly #scenario: Scenario
  readonly #baton: Baton
  readonly #participants: readonly Participant[]
  readonly #map: ScheduledMap
  readonly #memory: Uint8Array
  readonly #header: Int32Array
  #plays = 0
  readonly #before: Uint8Array
  readonly #initial: Register[]

  constructor(scenario: Scenario, baton: Baton, participants: readonly Participant[]) {
    this.#scenario = scenario
    this.#baton = baton
    this.#participants = participants
    let nowMs = SETUP_CLOCK_MS
    this.#map = createTable(scenario, () => nowMs)
    const table = this.#map.share()
    for (const [me, { port }] of participants.entries()) {
      port.postMessage(this.#assignment(table, scenario.programs[me] ?? []))
      baton.lend(me)
    }
    scenario.setup(this.#map, scenario.keys)
    nowMs = RUN_CLOCK_MS
    this.#initial = scenario.keys.map((key) => this.#look(key))
    const buffer = table.region.buffers[0] as SharedArrayBuffer
    this.#memory = new Uint8Array(buffer)
    this.#header = new Int32Array(buffer, ORIGIN_BYTES)
    this.#before = this.#memory.slice()
  }

  #assignment(table: SharedMapHandle, steps: readonly Step[]): Assignment {
    const { values, keys, cold = false, together = false, glances = false, stripes = 1 } = this.#scenario
    const { participantsAt, stripesAt } = geometry(capacityOf(this.#scenario), stripes)
    return {
      table,
      values,
      keys,
      steps,
      cold,
      together,
      glances,
      records: [participantsAt, stripesAt, PARTICIPANT_WORDS],
    }
  }

  #look(key: string): Register {
    const stored = this.#map.get(key)
    return stored === undefined ? undefined : formOf(this.#scenario.values).read(stored)
  }

  /** Plays one schedule and judges it. */
  play({ first, preemptions }: Plan): Outcome {
    this.#memory.set(this.#before)
    // Stamps are given out again in each schedule: what a reader remembers of an earlier one must not pass.
    this.#header[HEADER.stampWraps] = ++this.#plays
    const facts = this.#baton.run(this.#participants.length, first, preemptions)
    const notes: Recorded[] = []
    let complaint: string | undefined
    for (const [me, { port }] of this.#participants.entries()) {
      const report = receiveMessageOnPort(port)?.message as Report | undefined
      if (report === undefined) throw new Error(`participant ${me} has not reported`)
      notes.push(...report.notes)
      if (report.error !== undefined) complaint ??= `participant ${me} threw ${report.error}`
    }
    complaint ??= facts.timeouts > 0 ? 'somebody slept until a timeout' : this.#judge(notes)
    return complaint === undefined ? facts : { ...facts, complaint }
  }

  #judge(notes: readonly Recorded[]): string | undefined {
    try {
      this.#map.check()
    } catch (error) {
      return `check() failed: ${error instanceof Error ? error.message : error}`
    }
    for (const [at, key] of this.#scenario.keys.entries()) {
      const noted = notes.filter((note) => note.key === at)
      const last = noted.reduce((latest, note) => Math.max(latest, note.respondedAt), 0)
      const history = [...noted, ...Array<Operation>(this.#scenario.evictions ?? 0).fill(EVICTED)]
      const look = { name: 'get', thread: PLANNER, argument: 0, expected: undefined } as const
      try {
        const result = this.#look(key)
        const verdict = checkRegister(
          [...history, { ...look, result, invokedAt: last + 1, respondedAt: last + 2 }],
          this.#initial[at],
        )
        if (!verdict.linearizable) return `key ${at}: ${verdict.explanation}`
      } catch (error) {
        return `the last look at key ${at} failed: ${error instanceof Error ? error.message : error}`
      }
    }
    return undefined
  }

  /** Must be called before the stage plays another scenario. */
  close(): void {
    this.#memory.set(this.#before)
    this.#map.close()
  }
}

function capacityOf({ capacity = 256 * 1024 }: Scenario): number {
  return capacity
}

/** An empty table with the fixed hash key. */
function createTable(scenario: Scenario, clock: () => number): ScheduledMap {
  const options = { values: formOf(scenario.values).codec, clock }
  const shape = {
    ...scenario.options,
    capacity: capacityOf(scenario),
    stripes: scenario.stripes ?? 1,
    initialSize: 0,
  }
  const blank: ScheduledMap = new SharedMap<string, unknown>({ ...shape, ...options })
  const table = blank.share()
  const words = new Int32Array(table.region.buffers[0] as SharedArrayBuffer, ORIGIN_BYTES)
  words[HEADER.hashKey0] = HASH_KEY[0]
  words[HEADER.hashKey1] = HASH_KEY[1]
  blank.close()
  return SharedMap.attach<string, unknown>(table, options)
}
