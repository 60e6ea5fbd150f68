/**
 * A read-only table for those who have nobody to ask: what `SharedMap.open` gives for `access: 'ro'`.
 *
 * What a ReadOnlyTable leaves undecided is settled here:
 *   CHANGING   looked at again, asleep in between, until `timeoutMs` has gone by; then TIMEOUT, which names the thread that
 *              holds the stripe, and whether it lives (the dead's work is repaired by whoever next writes)
 *   EXPIRING   absent: what has expired by the wall clock looks expired. This reader cannot advance the region's time, so if the
 *              clock steps back before anybody who writes has met the entry, it shows again
 *   RETIRED    CLOSED
 *
 * Nobody knows of this reader, so it looks by itself, once a second while its event loop runs, whether the name still
 * leads to its region; where it does not, although nobody has retired the region, `whenOrphaned` is called.
 *
 * Hits, misses, retries and waits are counted here, and added to what the region says in `stats`. One thread's.
 */
import { type Clock, monotonicMs, wallClockMs } from '../base/clock.js'
import { OperationError } from '../base/errors.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { describeOwner } from '../memory/participant-list.js'
import type { ReadOnlyRegion } from '../memory/read-only-region.js'
import type { Batch } from './batch.js'
import { Buckets } from './buckets.js'
import { checkReadOnly } from './check-read-only.js'
import { sumOfStripes } from './entry-limit.js'
import type { KeyBuffer } from './key-buffer.js'
import { STRIPE } from './layout.js'
import { POSITIONS } from './positions.js'
import {
  ABSENT,
  type Answer,
  FOUND,
  ReadOnlyTable,
  type ReadOnlyTableOptions,
  UNDECIDED,
  UNDECIDED_BY,
} from './read-only-table.js'
import type { ReadableTable } from './readable-table.js'
import { READ_TEXT, type Reader } from './reader.js'
import { type TableStats, tableStats } from './stats.js'
import type { ExpiryClock, TableView } from './view.js'
import type { WalkedEntry } from './walker.js'

const LOOK_AT_NAME_MS = 1000
/** How long the first sleep is; the writer that was met is through in microseconds, unless it has stopped. */
const FIRST_SLEEP_MS = 0.05
const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

export interface WaitingTableOptions extends ReadOnlyTableOptions {
  /** How long one look may take, in milliseconds. */
  readonly lockTimeoutMs: number
  /** Called when the name is found to lead elsewhere although the region was not retired. */
  readonly whenOrphaned: () => void
}

export class WaitingTable implements ReadableTable {
  readonly view: TableView
  readonly key: KeyBuffer
  readonly reader: Reader
  readonly clock: ExpiryClock
  readonly #region: ReadOnlyRegion
  readonly #table: ReadOnlyTable
  readonly #buckets: Buckets
  readonly #timeoutMs: number
  readonly #timer: NodeJS.Timeout
  #hits = 0
  #misses = 0
  #waits = 0

  private constructor(region: ReadOnlyRegion, options: WaitingTableOptions) {
    this.#region = region
    this.#table = ReadOnlyTable.attach(region, options)
    this.view = this.#table.view
    this.key = this.#table.key
    this.reader = this.#table.reader
    this.clock = this.#clock(options.clock ?? wallClockMs)
    this.#buckets = new Buckets(this.view)
    this.#timeoutMs = options.lockTimeoutMs
    this.#timer = setInterval(() => this.#lookAtName(options.whenOrphaned), LOOK_AT_NAME_MS)
    this.#timer.unref()
  }

  /** Throws OperationError MISMATCH for a region that is no table of this release, CLOSED for one that was retired. */
  static attach(region: ReadOnlyRegion, options: WaitingTableOptions): WaitingTable {
    return new WaitingTable(region, options)
  }

  #clock(wallMs: Clock): ExpiryClock {
    const nowMs = () => Math.max(wallMs(), this.#table.regionTimeMs)
    return { nowMs, hasPassed: (atMs) => atMs <= nowMs() }
  }

  find(what: number): boolean {
    return this.findKey(this.key, what)
  }

  findKey(key: KeyBuffer, what: number): boolean {
    const answer = this.#table.find(what, key)
    return this.#count((answer === UNDECIDED ? this.#decide(key, what) : answer) === FOUND)
  }

  findText(key: KeyBuffer): string | undefined {
    const answer = this.#table.findText(key)
    if (typeof answer === 'string') {
      this.reader.isBytes = false
      this.#hits++
      return answer
    }
    const decided = answer === UNDECIDED ? this.#decide(key, READ_TEXT) : answer
    this.#count(decided === FOUND)
    const text = decided === FOUND ? this.reader.text : undefined
    this.reader.isBytes = decided === FOUND && text === undefined
    return text
  }

  look(what: number): boolean {
    const answer = this.#table.find(what)
    return (answer === UNDECIDED ? this.#decide(this.key, what) : answer) === FOUND
  }

  #count(isHit: boolean): boolean {
    if (isHit) this.#hits++
    else this.#misses++
    return isHit
  }

  /** After a look at `key` that was undecided. */
  #decide(key: KeyBuffer, what: number): Answer {
    const stripeAt = this.#buckets.stripeAt(key.hash)
    return this.#repeat(stripeAt, () => {
      const answer = this.#table.find(what, key)
      return answer === UNDECIDED && this.#table.undecidedBy === UNDECIDED_BY.EXPIRING ? ABSENT : answer
    })
  }

  /** Repeats `look` until it no longer answers UNDECIDED. Throws OperationError TIMEOUT or CLOSED. */
  #repeat<T extends number>(stripeAt: number, look: () => T): T {
    const startedMs = monotonicMs()
    for (let sleepMs = FIRST_SLEEP_MS; ; sleepMs = Math.min(WAIT_SLICE_MS, sleepMs * 2)) {
      const answer = look()
      if (answer !== UNDECIDED) return answer
      if (this.#table.isRetired)
        throw new OperationError('CLOSED', 'this table was given up while it was read. Open it again')
      const waitedMs = monotonicMs() - startedMs
      if (waitedMs >= this.#timeoutMs) this.#giveUp(stripeAt, waitedMs)
      this.#waits++
      Atomics.wait(SLEEPER, 0, 0, sleepMs)
    }
  }

  #giveUp(stripeAt: number, waitedMs: number): never {
    const tag = Atomics.load(this.view.words, stripeAt + STRIPE.lock)
    const owner = describeOwner(this.view.words, this.view.shape, tag, this.#region.presence)
    throw new OperationError(
      'TIMEOUT',
      `what was looked at has been changing for ${Math.round(waitedMs)} ms; ` +
        (owner === undefined ? 'nobody holds it now: try again.' : `it is held by ${owner}.`),
      { outcome: 'not-applied' },
    )
  }

  noteHits(count: number): void {
    this.#hits += count
  }

  get batch(): Batch {
    return this.#table.batch
  }

  get size(): number {
    return sumOfStripes(this.view)
  }

  isCursor(cursor: number): boolean {
    return this.#table.isCursor(cursor)
  }

  step(cursor: number, found: WalkedEntry[], withValues: boolean): number {
    const stripeAt = this.#buckets.stripeNumber(Math.floor(cursor / POSITIONS))
    const start = found.length
    const next = this.#repeat(stripeAt, () => this.#table.step(cursor, found, withValues))
    let kept = start
    for (let index = start; index < found.length; index++) {
      const entry = found[index]
      if (entry !== undefined && !this.#hasExpired(entry)) found[kept++] = entry
    }
    found.length = kept
    return next
  }

  #hasExpired({ expiresAtMs }: WalkedEntry): boolean {
    return expiresAtMs !== Number.POSITIVE_INFINITY && this.clock.hasPassed(expiresAtMs)
  }

  stats(): TableStats {
    const own = {
      hits: this.#hits,
      misses: this.#misses,
      readRetries: this.#table.retries,
      lockWaits: this.#waits,
    }
    return tableStats(this.view, own)
  }

  /**
   * Walks everything without holding anybody up, see check-read-only.ts. Throws InvariantError on a broken invariant, and
   * OperationError TIMEOUT for a stripe that did not hold still.
   */
  check(): void {
    checkReadOnly(this.view, this.#region.presence, this.#timeoutMs)
  }

  /** Lets go of the file; the mapping goes with the last view of it. */
  close(): void {
    clearInterval(this.#timer)
    this.#region.close()
  }

  #lookAtName(whenOrphaned: () => void): void {
    try {
      if (!this.#region.isOrphan()) return
    } catch {
      // The directory cannot be looked into: that says nothing about the table.
      return
    }
    whenOrphaned()
  }
}
