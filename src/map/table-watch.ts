/**
 * Tells a map's logger what has happened to its table since it was last told: repairs that this thread has made after a death,
 * and that the table was given up.
 *
 * The logger is user code, and a repair is made under locks, so nobody is told there and then: the counters are looked at once
 * a second while the event loop runs, and a last time when the map is closed. Never keeps the process alive.
 */
import type { Logger } from './logger.js'

const LOOK_MS = 1000

export interface Watched {
  /** What the table is called in messages. */
  readonly title: string
  /** Repairs that this thread has made so far. */
  repairs(): number
  isGivenUp(): boolean
}

export class TableWatch {
  readonly #watched: Watched
  readonly #logger: Logger
  readonly #timer: NodeJS.Timeout
  #repairs = 0
  #isOver = false

  constructor(watched: Watched, logger: Logger) {
    this.#watched = watched
    this.#logger = logger
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref()
  }

  /** Says what there is to say. */
  look(): void {
    if (this.#isOver) return
    const { title } = this.#watched
    const repairs = this.#watched.repairs()
    const made = repairs - this.#repairs
    this.#repairs = repairs
    const isGivenUp = this.#watched.isGivenUp()
    if (isGivenUp) this.#stop()
    if (made > 0)
      this.#logger.warn(
        `${title}: repaired what was left half done by ${made === 1 ? 'one that' : `${made} that`} died`,
      )
    if (isGivenUp)
      this.#logger.warn(
        `${title} was given up: its name was removed, or given to another table. Open it again`,
      )
  }

  /** The map is closed. May be called again. */
  end(): void {
    this.look()
    this.#stop()
  }

  #stop(): void {
    this.#isOver = true
    clearInterval(this.#timer)
  }
}
