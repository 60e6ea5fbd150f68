/**
 * Processes that are killed at random under load and replaced, round after round, on one named table. After each: what
 * the dead acknowledged is there, and check() passes, while the survivors go on; nobody gets a TIMEOUT. The dead are
 * looked after while they are still zombies, since this process cannot reap them before it gets back to its event loop.
 *
 * Starting a process is most of what a round costs, so some are always being born ahead, as spares without a place. How
 * long a death kept others from going on is measured, from the signal on, and reported; it is not asserted.
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
import { type TerminateTask, terminateKey, terminateText, terminateValue } from './terminate-worker.js'

export interface KillOptions {
  readonly seed: number
  /** For the board; the table lives where all named ones do. */
  readonly directory: string
  readonly processes: number
  readonly stripes: number
  readonly rounds: number
  /** No further round begins after this, but for the `leastRounds`, and until there were the `leastOperations`. */
  readonly mostMs: number
  readonly leastRounds?: number
  readonly leastOperations?: number
}

export interface KillCounts {
  rounds: number
  killed: number
  /** Before they had begun their work. */
  unborn: number
  operations: number
  repairs: number
  /** After each kill: milliseconds until this process has written through every stripe. */
  readonly ownMs: number[]
  /** Milliseconds until every survivor has finished another operation. */
  readonly othersMs: number[]
}

const KEYS = 40
/** Keys of this process's own: so many that every stripe has some of them. */
const OWN_KEYS = 32
const SPARES = 3
/** A survivor that does nothing for so long is stuck. */
const STUCK_MS = 60_000
const LOCK_TIMEOUT_MS = 30_000
const MOST_RUN_MS = 12
const MOST_BIRTH_MS = 12
const WORKER = fileURLToPath(new URL('./kill-worker.js', import.meta.url))

/** A process: a spare, then at work in its place. */
class Life {
  readonly child: ChildProcess
  /** Resolves when it may be given a place. */
  readonly spare: Promise<unknown>
  readonly over: Promise<void>
  /** Settles when it has taken its keys over, or has ended. */
  ready: Promise<unknown> = Promise.resolve()
  /** It has said that it has taken its keys over. */
  isAtWork = false
  wasKilled = false
  /** Why it ended, if nobody killed it and it did not end well. */
  complaint: string | undefined

  constructor(data: KillWorkerData) {
    this.child = fork(WORKER, [JSON.stringify(data)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: [],
    })
    let stderr = ''
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    this.over = once(this.child, 'close').then(() => {
      const { exitCode, signalCode } = this.child
      if (exitCode !== 0 && !this.wasKilled)
        this.complaint = `ended with ${exitCode ?? signalCode}: ${stderr}`
    })
    this.spare = Promise.race([once(this.child, 'message'), this.over])
  }

  async work(task: TerminateTask): Promise<void> {
    await this.spare
    this.ready = Promise.race([once(this.child, 'message'), this.over]).then(() => {
      this.isAtWork = true
    })
    if (this.child.connected) this.child.send(task)
  }

  async end(): Promise<void> {
    this.wasKilled = true
    this.child.kill('SIGKILL')
    await this.over
  }
}

class KillRun {
  readonly #options: KillOptions
  readonly #name: string
  readonly #map: SharedMap
  readonly #board: ArrayBuffer
  readonly #boardPath: string
  readonly #random: SeededRandom
  readonly #boards: readonly TerminateBoard[]
  readonly #lives: Life[] = []
  readonly #spares: Life[] = []
  readonly counts: KillCounts = {
    rounds: 0,
    killed: 0,
    unborn: 0,
    operations: 0,
    repairs: 0,
    ownMs: [],
    othersMs: [],
  }

  constructor(options: KillOptions) {
    this.#options = options
    const { directory, processes, seed, stripes } = options
    this.#name = `kill run ${seed}`
    this.#boardPath = join(directory, `board-${seed}`)
    this.#board = mapFile(this.#boardPath, TerminateBoard.bytes(processes, KEYS))
    TerminateBoard.initialise(this.#board, processes, KEYS)
    this.#boards = Array.from(
      { length: processes },
      (_, place) => new TerminateBoard(this.#board, KEYS, place),
    )
    this.#map = SharedMap.open(this.#name, {
      mode: 'create',
      capacity: '8MiB',
      stripes,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    })
    this.#random = new SeededRandom(seed)
  }

  async run(): Promise<void> {
    const { rounds, processes, mostMs, leastRounds = 0, leastOperations = 0 } = this.#options
    const endMs = performance.now() + mostMs
    while (this.#spares.length < SPARES) this.#spares.push(this.#bear())
    for (let place = 0; place < processes; place++) this.#lives.push(await this.#settle(place))
    await this.#allReady()
    const goesOn = (done: number): boolean =>
      done < leastRounds ||
      this.#operations() < leastOperations ||
      (done < rounds && performance.now() < endMs)
    while (goesOn(this.counts.rounds)) {
      await this.#round()
      this.counts.rounds++
    }
    await this.#end()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lives, ...this.#spares].map((life) => life.end()))
    SharedMap.unlink(this.#name)
    this.#map.close()
  }

  #bear(): Life {
    return new Life({
      table: this.#name,
      boardPath: this.#boardPath,
      boardBytes: this.#board.byteLength,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    })
  }

  /** Gives a place to a spare, and has another one born. */
  async #settle(place: number): Promise<Life> {
    const life = this.#spares.shift() ?? this.#bear()
    this.#spares.push(this.#bear())
    const places = this.#options.processes
    await life.work({ place, places, keys: KEYS, seed: this.#random.next() })
    return life
  }

  async #allReady(): Promise<void> {
    await Promise.all(this.#lives.map(({ ready }) => ready))
    this.#throwComplaint()
  }

  #operations(): number {
    return this.#boards.reduce((sum, board) => sum + board.operations, 0)
  }

  #throwComplaint(): void {
    const life = this.#lives.find(({ complaint }) => complaint !== undefined)
    if (life !== undefined) throw new Error(`process ${this.#lives.indexOf(life)} ${life.complaint}`)
  }

  async #round(): Promise<void> {
    const [board] = this.#boards
    board?.setCalm(false)
    await delay(this.#random.below(MOST_RUN_MS))
    const victims = new Set([this.#random.below(this.#lives.length), this.#random.below(this.#lives.length)])
    for (const place of victims) this.#kill(place)
    this.#map.check()
    board?.setCalm(true)
    await Promise.all([...victims].map((place) => this.#replace(place)))
    await this.#allReady()
    this.#map.check()
  }

  async #replace(place: number): Promise<void> {
    await this.#lives[place]?.over
    this.#throwComplaint()
    this.#lives[place] = await this.#settle(place)
    if (!this.#random.oneIn(4)) return
    // Some die while they open the table or take their keys over.
    await delay(this.#random.below(MOST_BIRTH_MS))
    this.counts.unborn++
    this.#kill(place)
    await this.#lives[place]?.over
    this.#lives[place] = await this.#settle(place)
  }

  /** Kills and looks after, without a turn of the event loop in between: the dead one is a zombie throughout. */
  #kill(place: number): void {
    const life = this.#lives[place]!
    const before = this.#boards.map((board) => board.operations)
    life.wasKilled = true
    const startMs = performance.now()
    life.child.kill('SIGKILL')
    while (!isZombie(life.child.pid!)) Atomics.wait(SLEEPER, 0, 0, 0.1)
    this.counts.killed++
    for (let key = 0; key < OWN_KEYS; key++)
      this.#map.set(`own ${key}`, terminateText(`own ${key}`, this.counts.killed))
    this.counts.ownMs.push(performance.now() - startMs)
    this.#awaitOthers(before, startMs)
    this.#lookAfter(place)
  }

  /** Blocks until everybody who is at work and alive has finished another operation. */
  #awaitOthers(before: readonly number[], startMs: number): void {
    const others = this.#lives.flatMap((life, place) => (life.wasKilled || !life.isAtWork ? [] : [place]))
    const waits = (place: number) => this.#boards[place]!.operations === before[place]
    while (others.some(waits)) {
      Atomics.wait(SLEEPER, 0, 0, 0.2)
      if (performance.now() - startMs < STUCK_MS) continue
      const stuck = others.filter((place) => waits(place) && !isZombie(this.#lives[place]!.child.pid!))
      // Who ended by itself complains as soon as it is heard.
      if (stuck.length === 0) return
      throw new Error(`processes ${stuck.join()} did nothing for ${STUCK_MS} ms after another was killed`)
    }
    if (others.length > 0) this.counts.othersMs.push(performance.now() - startMs)
  }

  /** What the dead one of `place` had acknowledged is there. */
  #lookAfter(place: number): void {
    const board = this.#boards[place]!
    for (let key = 0; key < KEYS; key++) {
      const name = terminateKey(place, key)
      const found = terminateValue(name, this.#map.get(name))
      if (!board.allows(key, found)) throw new Error(`${name} holds ${found}; ${board.describe(key)}`)
    }
  }

  async #end(): Promise<void> {
    this.#boards[0]?.stop()
    await Promise.all(this.#lives.map(({ over }) => over))
    this.#throwComplaint()
    this.#map.check()
    for (const place of this.#boards.keys()) this.#lookAfter(place)
    this.counts.operations = this.#operations()
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

/** How long deaths kept others: `over` counts those beyond `limitMs`. */
export function summaryOf(
  ms: readonly number[],
  limitMs: number,
): { p50: number; p99: number; most: number; over: number } {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (part: number) =>
    Math.round(10 * (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)) / 10
  return { p50: at(0.5), p99: at(0.99), most: at(1), over: sorted.filter((one) => one > limitMs).length }
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
