/**
 * A bar for what takes long: on a terminal only, on stderr, and not before a second has passed. Without a known
 * total it counts.
 */
const QUIET_MS = 1000
const REDRAW_MS = 100
const BAR_WIDTH = 30

export class Progress {
  readonly #noun: string
  readonly #isShown = process.stderr.isTTY === true
  readonly #startedAtMs = performance.now()
  #drawnAtMs = 0
  #isDrawn = false

  /** `noun` is what is counted: `entries`. */
  constructor(noun: string) {
    this.#noun = noun
  }

  /** `fraction` of the whole, 0 to 1, where it is known. */
  update(count: number, fraction: number | undefined): void {
    const nowMs = performance.now()
    if (!this.#isShown || nowMs - this.#startedAtMs < QUIET_MS || nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#isDrawn = true
    const full = Math.round(BAR_WIDTH * Math.min(1, fraction ?? 0))
    const bar =
      fraction === undefined
        ? ''
        : `[${'#'.repeat(full)}${' '.repeat(BAR_WIDTH - full)}] ${Math.floor(100 * fraction)} % `
    process.stderr.write(`\r${bar}${count} ${this.#noun}\u001b[K`)
  }

  /** Removes the bar. */
  done(): void {
    if (this.#isDrawn) process.stderr.write('\r\u001b[K')
  }
}
