/**
 * The clock that expiry is judged by: the later of the wall clock and a word of the region that only advances.
 *
 * Nobody says "expired" before the region's word has reached that moment, so an entry that was once seen expired is
 * never seen again, even if the wall clock steps back. The word is a float64; floats of one sign order as their bits
 * do, so a compare-and-swap on the bits moves it forward and never back.
 */
import type { Clock } from '../base/clock.js'
import { HEADER } from '../memory/header.js'
import type { Space } from './space.js'

const TIME_AT = HEADER.timeMs >>> 1

/**
 * Thrown by reads of a table behind a log that find an entry whose time has come, and the region's word has not reached it:
 * only the one writer may say "expired", for it has to log that. Ask there. No error that a user sees.
 */
export class AskWriter extends Error {
  override readonly name = 'AskWriter'
}

export class RegionClock {
  readonly #floats: Float64Array
  readonly #longs: BigInt64Array
  readonly #wallClockMs: Clock
  readonly #asksWriter: boolean

  /** `asksWriter`: does not move the word itself, but throws {@link AskWriter} where that would be to do. */
  constructor(space: Space, wallClockMs: Clock, asksWriter = false) {
    this.#asksWriter = asksWriter
    this.#floats = space.floats
    this.#longs = space.region.segments[0]!.longs
    this.#wallClockMs = wallClockMs
  }

  nowMs(): number {
    return Math.max(this.#wallClockMs(), this.#floats[TIME_AT]!)
  }

  /** Whether `atMs` has passed; if so, it has for everybody from now on. */
  hasPassed(atMs: number): boolean {
    if (atMs <= this.#floats[TIME_AT]!) return true
    const nowMs = this.#wallClockMs()
    if (atMs > nowMs) return false
    if (this.#asksWriter) throw new AskWriter()
    this.advance(nowMs)
    return true
  }

  /** Moves the region's word forward. */
  advance(toMs: number): void {
    const bits = floatBits(toMs)
    for (let seen = Atomics.load(this.#longs, TIME_AT); seen < bits; ) {
      const found = Atomics.compareExchange(this.#longs, TIME_AT, seen, bits)
      if (found === seen) return
      seen = found
    }
  }
}

function floatBits(value: number): bigint {
  return new BigInt64Array(new Float64Array([value]).buffer)[0]!
}
