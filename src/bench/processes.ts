/**
 * The benchmark of named tables: processes reading and writing one table, beside what they would do without it (lmdb in
 * as many processes, a local redis-server that is asked and awaited), and the time it takes to open one.
 *
 * A round has fresh processes of each contender on a fresh table; a number is the median of the rounds. Contenders that a
 * machine does not have are left out with the reason. Named tables lie in a folder of their own beside all others, which
 * goes at the end. Prints nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from './child.js'
import { describeMachine, type Machine } from './machine.js'
import type { ActorContender } from './processes-actor.js'
import { Crew } from './processes-crew.js'
import type { OpenRequest, OpenResult } from './processes-open.js'
import { RedisServer } from './processes-redis.js'
import type { RedisClientName } from './processes-redis-client.js'
import { ProcessResults } from './processes-results.js'
import { type RunProgress, reasonOf } from './section.js'
import { requireCount, workloadOf } from './table.js'
import type { Workload } from './workload.js'

export const PROCESS_SECTIONS = {
  get: 'look-ups from several processes on one table',
  set: 'replaces from several processes on one table',
  open: 'opening a table of 1 GiB',
} as const

export type ProcessSection = keyof typeof PROCESS_SECTIONS
export const PROCESS_SECTION_NAMES = Object.keys(PROCESS_SECTIONS) as readonly ProcessSection[]

export interface ProcessesOptions {
  /** Keys in the table; default 1 000 000. */
  readonly keys?: number
  /** Characters of a value; default 100. */
  readonly valueBytes?: number
  /** Default 3. */
  readonly rounds?: number
  /** The most processes on one table, 2 to 16; default 4. */
  readonly processes?: number
  /** Awaited GETs of each client of Redis in a round; default 20 000. */
  readonly awaitedGets?: number
  /** Default: all. */
  readonly sections?: readonly ProcessSection[]
  /** A step that takes longer leaves its contender out; default 180 000. */
  readonly timeoutMs?: number
  readonly onStart?: (machine: Machine, scale: ProcessesScale) => void
  readonly onProgress?: (progress: RunProgress) => void
}

export interface ProcessesScale {
  readonly keys: number
  readonly valueBytes: number
  readonly rounds: number
  readonly processes: number
  readonly awaitedGets: number
}

export interface ProcessesReport {
  readonly machine: Machine
  readonly scale: ProcessesScale
  readonly results: ProcessResults
  /** What the redis-server said of itself; undefined where there is none. */
  readonly redisVersion: string | undefined
  readonly seconds: number
}

const OPEN_PATH = fileURLToPath(new URL('./processes-open.js', import.meta.url))
const OPENED_CAPACITY = '1GiB'
const OPENINGS = 5
const MOST_PROCESSES = 16
const REDIS_CLIENTS: readonly RedisClientName[] = ['ioredis', 'node-redis']
const DEFAULT_TIMEOUT_MS = 180_000
const TABLE_CONTENDERS: readonly ActorContender[] = ['named', 'threads', 'lmdb']

/** The part of lmdb's operations that is timed, as in the benchmark of the table: each of its writes is a transaction. */
const TIMED: Readonly<Record<ActorContender, { reads: number; writes: number }>> = {
  named: { reads: 1, writes: 1 },
  threads: { reads: 1, writes: 1 },
  lmdb: { reads: 0.1, writes: 0.005 },
}

/** Minutes at the default size. */
export async function runProcessesBench(options: ProcessesOptions = {}): Promise<ProcessesReport> {
  const startMs = performance.now()
  const scale: ProcessesScale = {
    keys: requireCount('keys', options.keys ?? 1_000_000),
    valueBytes: requireCount('valueBytes', options.valueBytes ?? 100),
    rounds: requireCount('rounds', options.rounds ?? 3),
    processes: requireCount('processes', options.processes ?? 4),
    awaitedGets: requireCount('awaitedGets', options.awaitedGets ?? 20_000),
  }
  if (scale.processes < 2 || scale.processes > MOST_PROCESSES)
    throw new RangeError(`processes must be from 2 to ${MOST_PROCESSES}`)
  const machine = describeMachine()
  options.onStart?.(machine, scale)
  const folder = mkdtempSync(join(process.env['HEARTH_SHM_DIR'] ?? '/dev/shm', 'hearth-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // However this process ends in JavaScript: what lies there is memory.
  process.once('exit', remove)
  const run = new ProcessesRun(scale, folder, options)
  try {
    await run.run()
    const { results, redisVersion } = run
    const seconds = (performance.now() - startMs) / 1000
    return { machine, scale, results, redisVersion, seconds }
  } finally {
    await run.close()
    remove()
    process.off('exit', remove)
  }
}

class ProcessesRun {
  readonly results = new ProcessResults()
  redisVersion: string | undefined
  readonly #scale: ProcessesScale
  readonly #env: NodeJS.ProcessEnv
  readonly #sections: readonly ProcessSection[]
  readonly #timeoutMs: number
  readonly #onProgress: (progress: RunProgress) => void
  readonly #total: number
  #redis: RedisServer | undefined
  #done = 0

  constructor(scale: ProcessesScale, folder: string, options: ProcessesOptions) {
    this.#scale = scale
    this.#env = { ...process.env, HEARTH_SHM_DIR: folder }
    this.#sections = options.sections ?? PROCESS_SECTION_NAMES
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.#onProgress = options.onProgress ?? (() => {})
    this.#total = scale.rounds * this.#stepsARound()
  }

  #has(section: ProcessSection): boolean {
    return this.#sections.includes(section)
  }

  #stepsARound(): number {
    const tables = this.#has('get') || this.#has('set') ? TABLE_CONTENDERS.length : 0
    return tables + (this.#has('get') ? REDIS_CLIENTS.length : 0) + (this.#has('open') ? 2 : 0)
  }

  async run(): Promise<void> {
    this.#tell('begins')
    for (let round = 1; round <= this.#scale.rounds; round++) {
      const workload = this.#workload(round)
      if (this.#has('get') || this.#has('set'))
        for (const contender of TABLE_CONTENDERS)
          await this.#step(contender, round, () => this.#table(contender, workload, round))
      if (this.#has('get'))
        for (const client of REDIS_CLIENTS)
          await this.#step(client, round, () => this.#awaited(client, workload))
      if (this.#has('open')) {
        await this.#step('open new', round, () => this.#open('new', workload))
        await this.#step('open existing', round, () => this.#open('existing', workload))
      }
    }
  }

  async close(): Promise<void> {
    await this.#redis?.stop()
  }

  #workload(round: number): Workload {
    const { keys, valueBytes } = this.#scale
    const workload = workloadOf({ keys, valueBytes, operations: ['get', 'set-update'] })
    return { ...workload, seed: workload.seed + round }
  }

  async #step(contender: string, round: number, work: () => Promise<void>): Promise<void> {
    const startMs = performance.now()
    let told = ''
    if (!this.results.isLeftOut(contender)) {
      try {
        await work()
        told = `${((performance.now() - startMs) / 1000).toFixed(1)} s`
      } catch (error) {
        this.results.leaveOut(contender, reasonOf(error))
        told = `left out, ${reasonOf(error)}`
      }
    }
    this.#done++
    this.#tell(`${contender}, round ${round}: ${told}`)
  }

  #tell(label: string): void {
    this.#onProgress({ done: this.#done, total: this.#total, fraction: 0, label })
  }

  async #table(contender: ActorContender, workload: Workload, round: number): Promise<void> {
    const processes = contender === 'threads' ? 1 : this.#scale.processes
    const [env, timeoutMs] = [this.#env, this.#timeoutMs]
    const crew = await Crew.start({ contender, workload, processes, env, timeoutMs }, TIMED[contender])
    try {
      for (const operation of ['get', 'set-update'] as const) {
        if (!this.#has(operation === 'get' ? 'get' : 'set')) continue
        for (const places of placesOf(processes, round)) {
          const { nsPerOperation, processorNsPerOperation } = await crew.run(operation, places)
          this.results.add(contender, operation, places, nsPerOperation, processorNsPerOperation)
        }
      }
      await crew.close()
    } finally {
      await crew.end()
    }
  }

  async #awaited(client: RedisClientName, full: Workload): Promise<void> {
    this.#redis ??= await RedisServer.start()
    this.redisVersion = this.#redis.version
    // The same in every round: the server is filled once.
    const workload: Workload = { ...full, seed: 1, mostOperations: this.#scale.awaitedGets }
    const { nsPerGet } = await this.#redis.measure(client, { workload }, { timeoutMs: this.#timeoutMs })
    this.results.add(client, 'get', [0], nsPerGet)
  }

  async #open(kind: OpenRequest['kind'], workload: Workload): Promise<void> {
    const request: OpenRequest = {
      kind,
      name: kind,
      capacity: OPENED_CAPACITY,
      times: OPENINGS,
      // Those that open new ones leave the one that the next process finds.
      ...(kind === 'new' ? { leaves: { name: 'existing', workload } } : {}),
    }
    const options = { timeoutMs: this.#timeoutMs, env: this.#env }
    const { ms, processorMs } = await runChild<OpenResult>(OPEN_PATH, request, options)
    this.results.addOpenings(kind, ms, processorMs)
  }
}

/** Alone in the process that filled the table, alone in a second one (first by turns), then by more and more together. */
function placesOf(processes: number, round: number): readonly (readonly number[])[] {
  const alone = processes === 1 ? [[0]] : round % 2 === 1 ? [[0], [1]] : [[1], [0]]
  const together = Array.from({ length: processes - 1 }, (_, more) =>
    Array.from({ length: more + 2 }, (_, place) => place),
  )
  return [...alone, ...together]
}
