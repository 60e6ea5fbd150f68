/**
 * How a benchmark shows that it goes on: on a terminal one line with a bar that is always there while something runs;
 * elsewhere a line for each child process that has ended. On stderr, so that stdout holds the report alone.
 */
import type { RunProgress } from '../bench/section.js'

const BAR_WIDTH = 24
const REDRAW_MS = 100

export class BenchProgress {
  readonly #isTerminal = process.stderr.isTTY === true
  #drawnAtMs = Number.NEGATIVE_INFINITY
  #line = ''
  #lastDone = 0

  update({ done, total, fraction, label }: RunProgress): void {
    const isStep = done !== this.#lastDone
    this.#lastDone = done
    if (!this.#isTerminal) {
      if (isStep) process.stderr.write(`[${done}/${total}] ${label}\n`)
      return
    }
    const part = Math.min(1, (done + fraction) / Math.max(1, total))
    const full = Math.round(BAR_WIDTH * part)
    this.#line = `[${'#'.repeat(full)}${' '.repeat(BAR_WIDTH - full)}] ${done}/${total}  ${label}`
    const nowMs = performance.now()
    if (!isStep && nowMs - this.#drawnAtMs < REDRAW_MS) return
    this.#drawnAtMs = nowMs
    this.#draw()
  }

  /** Runs `print` with the bar out of its way. */
  around(print: () => void): void {
    this.#erase()
    print()
    this.#draw()
  }

  /** Removes the bar. */
  done(): void {
    this.#erase()
    this.#line = ''
  }

  #draw(): void {
    if (!this.#isTerminal || this.#line === '') return
    const width = (process.stderr.columns ?? 80) - 1
    process.stderr.write(`\r${this.#line.slice(0, width)}\u001b[K`)
  }

  #erase(): void {
    if (this.#isTerminal && this.#line !== '') process.stderr.write('\r\u001b[K')
  }
}
