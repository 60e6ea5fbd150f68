/**
 * Processes that are killed at random under load and replaced, round after round, on one named table. After each: what
 * the dead acknowledged is there, and check() passes, while the survivors go on; nobody gets a TIMEOUT. The dead are
 * looked after while they are still zombies, since this process cannot reap them before it gets back to its event loop.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SharedMap } from '../index.js'
import type { KillWorkerData } from './kill-worker.js'
import { mapFile } from './named-scratch.js'
import { SeededRandom } from './seeded-random.js'
import { TerminateBoard } from './terminate-board.js'
import { terminateKey, terminateValue } from './terminate-worker.js'

export interface KillOptions {
  readonly seed: number
  /** For the board; the table lives where all named ones do. */
  readonly directory: string
  readonly processes: number
  readonly stripes: number
  readonly rounds: number
  /** The run ends here, whatever the rounds. */
  /** No further round begins after this, but for the `leastRounds`. */
  readonly mostMs: number
  readonly leastRounds?: number
}

export interface KillCounts {
  rounds: number
  killed: number
  /** Before they had begun their work. */
  unborn: number
  operations: number
  repairs: number
}

const KEYS = 40
const LOCK_TIMEOUT_MS = 10_000
const MOST_RUN_MS = 12
const MOST_BIRTH_MS = 120
const WORKER = fileURLToPath(new URL('./kill-worker.js', import.meta.url))

interface Life {
  readonly child: ChildProcess
  /** Settles when it has taken its keys over, or has ended. */
  readonly ready: Promise<unknown>
  readonly over: Promise<unknown>
  wasKilled: boolean
}

class KillRun {
  readonly #options: KillOptions
  readonly #name: string
  readonly #map: SharedMap
  readonly #board: ArrayBuffer
  readonly #boardPath: string
  readonly #random: SeededRandom
  readonly #lives: Life[] = []
  readonly counts: KillCounts = { rounds: 0, killed: 0, unborn: 0, operations: 0, repairs: 0 }
  #failure: Error | undefined

  constructor(options: KillOptions) {
    this.#options = options
    const { directory, processes, seed, stripes } = options
    this.#name = `kill run ${seed}`
    this.#boardPath = join(directory, `board-${seed}`)
    this.#board = mapFile(this.#boardPath, TerminateBoard.bytes(processes, KEYS))
    TerminateBoard.initialise(this.#board, processes, KEYS)
    this.#map = SharedMap.open(this.#name, {
      mode: 'create',
      capacity: '8MiB',
      stripes,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    })
    this.#random = new SeededRandom(seed)
  }

  async run(): Promise<void> {
    const { rounds, processes, mostMs, leastRounds = 0 } = this.#options
    const endMs = performance.now() + mostMs
    for (let place = 0; place < processes; place++) this.#lives.push(this.#bear(place))
    await this.#allReady()
    const goesOn = (done: number): boolean =>
      done < leastRounds || (done < rounds && performance.now() < endMs)
    while (goesOn(this.counts.rounds)) {
      await this.#round()
      this.counts.rounds++
    }
    await this.#end()
  }

  async close(): Promise<void> {
    for (const { child } of this.#lives) child.kill('SIGKILL')
    await Promise.all(this.#lives.map(({ over }) => over))
    SharedMap.unlink(this.#name)
    this.#map.close()
  }

  #bear(place: number): Life {
    const data: KillWorkerData = {
      table: this.#name,
      boardPath: this.#boardPath,
      place,
      places: this.#options.processes,
      keys: KEYS,
      seed: this.#random.next(),
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    }
    const child = fork(WORKER, [JSON.stringify(data)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: [],
    })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    const over = once(child, 'exit').then(() => {
      if (child.exitCode !== 0 && !life.wasKilled)
        this.#failure ??= new Error(
          `process ${place} ended with ${child.exitCode ?? child.signalCode}: ${complaint}`,
        )
    })
    const ready = Promise.race([once(child, 'message'), over])
    const life: Life = { child, ready, over, wasKilled: false }
    return life
  }

  async #allReady(): Promise<void> {
    await Promise.all(this.#lives.map(({ ready }) => ready))
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #round(): Promise<void> {
    const board = new TerminateBoard(this.#board, KEYS, 0)
    board.setCalm(false)
    await delay(this.#random.below(MOST_RUN_MS))
    const victims = new Set([this.#random.below(this.#lives.length), this.#random.below(this.#lives.length)])
    for (const place of victims) this.#kill(place)
    this.#map.check()
    board.setCalm(true)
    for (const place of victims) await this.#replace(place)
    await this.#allReady()
    this.#map.check()
  }

  async #replace(place: number): Promise<void> {
    await this.#lives[place]?.over
    this.#throwFailure()
    this.#lives[place] = this.#bear(place)
    if (!this.#random.oneIn(4)) return
    // Some die while they open the table or take their keys over.
    await delay(this.#random.below(MOST_BIRTH_MS))
    this.counts.unborn++
    this.#kill(place)
    await this.#lives[place]?.over
    this.#lives[place] = this.#bear(place)
  }

  /** Kills and looks after, without a turn of the event loop in between: the dead one is a zombie throughout. */
  #kill(place: number): void {
    const life = this.#lives[place]!
    life.wasKilled = true
    life.child.kill('SIGKILL')
    while (!isZombie(life.child.pid!)) Atomics.wait(SLEEPER, 0, 0, 0.1)
    this.counts.killed++
    this.#lookAfter(place)
  }

  /** What the dead one of `place` had acknowledged is there. */
  #lookAfter(place: number): void {
    const board = new TerminateBoard(this.#board, KEYS, place)
    for (let key = 0; key < KEYS; key++) {
      const name = terminateKey(place, key)
      const found = terminateValue(name, this.#map.get(name))
      if (!board.allows(key, found)) throw new Error(`${name} holds ${found}; ${board.describe(key)}`)
    }
  }

  async #end(): Promise<void> {
    new TerminateBoard(this.#board, KEYS, 0).stop()
    await Promise.all(this.#lives.map(({ over }) => over))
    this.#throwFailure()
    this.#map.check()
    for (let place = 0; place < this.#lives.length; place++) {
      this.#lookAfter(place)
      this.counts.operations += new TerminateBoard(this.#board, KEYS, place).operations
    }
    this.counts.repairs = this.#map.stats().repairs
    this.#map.clear()
    this.#map.check()
  }
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

function isZombie(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat[stat.lastIndexOf(')') + 2] === 'Z'
}

/** Runs rounds of deaths; rejects with the first thing that was wrong. */
export async function runKills(options: KillOptions): Promise<KillCounts> {
  const run = new KillRun(options)
  try {
    await run.run()
    return run.counts
  } finally {
    await run.close()
  }
}
