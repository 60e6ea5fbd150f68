/**
 * Workers that are terminated at random under load and replaced, round after round. After each: what the dead
 * acknowledged is there, and check() passes, while the survivors go on. None of them may get a TIMEOUT: whatever a dead
 * thread held comes free by itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { SharedMap } from '../index.js'
import { SeededRandom } from './seeded-random.js'
import { TerminateBoard } from './terminate-board.js'
import { type TerminateWorkerData, terminateKey, terminateValue } from './terminate-worker.js'

export interface TerminateOptions {
  readonly seed: number
  readonly workers: number
  readonly rounds: number
  /** The run ends here, whatever the rounds. */
  /** No further round begins after this, but for the `leastRounds`. */
  readonly mostMs: number
  readonly leastRounds?: number
  readonly stripes?: number
  /** Whether the table is too small for what the workers write, and evicts. */
  readonly evicts?: boolean
}

export interface TerminateCounts {
  rounds: number
  terminated: number
  /** Before they had begun their work. */
  unborn: number
  operations: number
  repairs: number
  evictions: number
}

const KEYS = 40
const LOCK_TIMEOUT_MS = 10_000
/** The longest that a worker runs before the next round. */
const MOST_RUN_MS = 8
const MOST_BIRTH_MS = 60

interface Life {
  readonly worker: Worker
  /** Settles when it has taken its keys over; rejects with its error. */
  readonly ready: Promise<void>
  /** Settles when it has ended by itself or was terminated; rejects with its error. */
  readonly over: Promise<void>
}

class TerminateRun {
  readonly #options: TerminateOptions
  readonly #map: SharedMap
  readonly #board: SharedArrayBuffer
  readonly #random: SeededRandom
  readonly #lives: Life[] = []
  readonly counts: TerminateCounts = {
    rounds: 0,
    terminated: 0,
    unborn: 0,
    operations: 0,
    repairs: 0,
    evictions: 0,
  }
  /** The first error of any worker. */
  #failure: Error | undefined

  constructor(options: TerminateOptions) {
    this.#options = options
    const { stripes = 2, evicts = false } = options
    this.#map = new SharedMap({
      capacity: evicts ? '256KiB' : '8MiB',
      eviction: evicts ? 'clock' : 'none',
      stripes,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    })
    this.#board = TerminateBoard.create(options.workers, KEYS)
    if (evicts) new TerminateBoard(this.#board, KEYS, 0).setEvicts()
    this.#random = new SeededRandom(options.seed)
  }

  async run(): Promise<void> {
    const { rounds, workers, mostMs, leastRounds = 0 } = this.#options
    const endMs = performance.now() + mostMs
    for (let place = 0; place < workers; place++) this.#lives.push(this.#bear(place))
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
    await Promise.all(this.#lives.map(({ worker }) => worker.terminate()))
    this.#map.close()
  }

  #bear(place: number): Life {
    const { workers: places } = this.#options
    const workerData: TerminateWorkerData = {
      table: this.#map.share(),
      board: this.#board,
      place,
      places,
      keys: KEYS,
      seed: this.#random.next(),
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    }
    const worker = new Worker(new URL('./terminate-worker.js', import.meta.url), { workerData })
    const over = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
      worker.once('error', (error) => {
        this.#failure ??= error as Error
        resolve()
      })
    })
    const ready = new Promise<void>((resolve) => worker.once('message', () => resolve()))
    return { worker, ready: Promise.race([ready, over]), over }
  }

  async #allReady(): Promise<void> {
    await Promise.all(this.#lives.map(({ ready }) => ready))
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #round(): Promise<void> {
    const { workers } = this.#options
    const victims = new Set(
      Array.from({ length: 1 + this.#random.below(Math.ceil(workers / 2)) }, () =>
        this.#random.below(workers),
      ),
    )
    const board = new TerminateBoard(this.#board, KEYS, 0)
    board.setCalm(false)
    await delay(this.#random.below(MOST_RUN_MS))
    await Promise.all([...victims].map((place) => this.#replace(place)))
    await this.#allReady()
    this.#map.check()
  }

  async #replace(place: number): Promise<void> {
    await this.#kill(place)
    new TerminateBoard(this.#board, KEYS, 0).setCalm(true)
    this.#lives[place] = this.#bear(place)
    if (!this.#random.oneIn(4)) return
    // Some die while they join the table or take their keys over.
    await delay(this.#random.below(MOST_BIRTH_MS))
    this.counts.unborn++
    await this.#kill(place)
    this.#lives[place] = this.#bear(place)
  }

  async #kill(place: number): Promise<void> {
    const life = this.#lives[place]
    await life?.worker.terminate()
    await life?.over
    this.counts.terminated++
    this.#throwFailure()
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
    const { repairs, evictions } = this.#map.stats()
    this.counts.repairs = repairs
    this.counts.evictions = evictions
    this.#map.clear()
    this.#map.check()
  }
}

/** Runs rounds of deaths; rejects with the first thing that was wrong. */
export async function runTerminations(options: TerminateOptions): Promise<TerminateCounts> {
  const run = new TerminateRun(options)
  try {
    await run.run()
    return run.counts
  } finally {
    await run.close()
  }
}
