/**
 * A table that can be read and never stored into: what a process has of a region that another one serves, and what
 * `SharedMap.open` gives for `access: 'ro'` (through waiting-table.ts).
 *
 * It reads as every participant does (reader.ts: a hit is validated by its stamp, a miss by the stripe's version), but
 * counts nothing in the region, marks nothing as used, advances no time, removes nothing that has expired, and is no
 * participant. So there are three answers:
 *
 *   FOUND      the value is in `reader` (`bytes`, `text`, `stamp`, `expiresAtMs`), as it was at one moment of this call
 *   ABSENT     at one moment of this call the key was not there, or had expired by the region's own time
 *   UNDECIDED  ask who can store; `undecidedBy` says why:
 *     RETIRED    the region is nobody's any more: open the name again, and do not believe this one
 *     CHANGING   bounded tries met a change each time: somebody is fast, has stopped, or has died in the middle
 *     EXPIRING   the entry (it is in `reader`) has expired by the wall clock, but the region's time has not reached that
 *                moment. To answer "absent" would be to let the entry come back if the clock steps back; whoever can
 *                store advances the region's time first, and then everybody may say so.
 *
 * The state word is loaded before every look: what is read from a region that is retired during the look was true
 * when the look began, before any successor took a write.
 *
 *   const region = ReadOnlyRegion.open(Native.load(), regionName('hearth'), 0o600)
 *   const table = ReadOnlyTable.attach(region)
 *   table.key.setText('user:1')
 *   if (table.find(READ_BYTES) === FOUND) use(table.reader.bytes)   // private, until the next call
 *
 * One thread's; nothing that may use the table again may run between filling the key and reading the result. `stats`
 * and `check` of such a table: waiting-table.ts.
 */
import { type Clock, wallClockMs } from '../base/clock.js'
import { EVICTION, HEADER, REGION_STATE } from '../memory/header.js'
import type { RegionView } from '../memory/region.js'
import { Batch } from './batch.js'
import { KeyBuffer } from './key-buffer.js'
import { AGAIN, type Look, MISS, READ_TEXT, Reader } from './reader.js'
import { checkJoinable } from './space.js'
import { type Recourse, type TableView, viewOf } from './view.js'
import { type WalkedEntry, Walker } from './walker.js'

export const UNDECIDED = -1
export const ABSENT = 0
export const FOUND = 1
export type Answer = typeof UNDECIDED | typeof ABSENT | typeof FOUND

/** Why an answer was UNDECIDED. */
export const UNDECIDED_BY = { RETIRED: 1, CHANGING: 2, EXPIRING: 3 } as const
export type UndecidedBy = (typeof UNDECIDED_BY)[keyof typeof UNDECIDED_BY]

const { RETIRED, CHANGING, EXPIRING } = UNDECIDED_BY
const READY = REGION_STATE.READY
const STATE = HEADER.state
const TIME_AT = HEADER.timeMs >>> 1

export interface ReadOnlyTableOptions {
  /** Wall clock, milliseconds since 1970. Default: the system's. */
  readonly clock?: Clock
}

export class ReadOnlyTable {
  readonly view: TableView
  readonly key: KeyBuffer
  readonly reader: Reader
  /** Valid after an answer that was UNDECIDED. */
  undecidedBy: UndecidedBy = RETIRED
  /** Looks that met a change and were repeated. */
  retries = 0
  readonly #walker: Walker
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #wallClockMs: Clock
  #batch: Batch | undefined

  private constructor(view: TableView, clock: Clock) {
    this.view = view
    this.#words = view.words
    this.#floats = view.floats
    this.#wallClockMs = clock
    this.key = new KeyBuffer(view.words[HEADER.hashKey0]!, view.words[HEADER.hashKey1]!)
    const recourse: Recourse = {
      noteRetry: () => {
        this.retries++
      },
      locked: () => undefined,
    }
    const regionTime = {
      nowMs: () => this.regionTimeMs,
      hasPassed: (atMs: number) => atMs <= this.regionTimeMs,
    }
    this.reader = new Reader(view, regionTime, recourse)
    this.#walker = new Walker(view, regionTime, recourse)
  }

  /** Throws OperationError MISMATCH for a region that is no table of this release, CLOSED for one that was retired. */
  static attach(region: RegionView, options: ReadOnlyTableOptions = {}): ReadOnlyTable {
    checkJoinable(region)
    return new ReadOnlyTable(viewOf(region), options.clock ?? wallClockMs)
  }

  /** Looks `key` up; `what` is READ_NOTHING, READ_TEXT or READ_BYTES. */
  find(what: number, key = this.key): Answer {
    const answer = this.findText(key, what)
    if (typeof answer !== 'string') return answer
    this.reader.text = answer
    return FOUND
  }

  /** As {@link find}, but the text found is the answer, and in no field; FOUND where it is in `reader.bytes`. */
  findText(key: KeyBuffer, what = READ_TEXT): Answer | string {
    if (this.#words[STATE] !== READY) return this.#undecided(RETIRED)
    const found = this.reader.look(key, what)
    if (found === MISS) return ABSENT
    if (found === AGAIN) return this.#undecided(CHANGING)
    return this.reader.expiresAtMs === Number.POSITIVE_INFINITY ? found : this.#judge(found)
  }

  /** Whether an entry that was found counts as there. */
  #judge(found: Exclude<Look, typeof AGAIN | typeof MISS>): Answer | string {
    const { expiresAtMs } = this.reader
    if (expiresAtMs <= this.regionTimeMs) return ABSENT
    return expiresAtMs <= this.#wallClockMs() ? this.#undecided(EXPIRING) : found
  }

  #undecided(by: UndecidedBy): typeof UNDECIDED {
    this.undecidedBy = by
    return UNDECIDED
  }

  /** Whether the region is nobody's any more. One load. */
  get isRetired(): boolean {
    return this.#words[STATE] !== READY
  }

  /** What the region holds to be the time: everybody may call expired what was to expire by then. */
  get regionTimeMs(): number {
    return this.#floats[TIME_AT]!
  }

  /**
   * Whether the entry that was FOUND last is one that eviction would take for unused, since this reader cannot mark it.
   * Who can store may be told so once in a while.
   */
  get seemsUnused(): boolean {
    const { reader, view } = this
    if (view.facts.eviction !== EVICTION.CLOCK) return false
    return view.region.segments[reader.slotSegment]!.words[reader.slotAt]! >= 0
  }

  /** For looking up many keys at once; made when first used. It knows nothing of retirement: ask `isRetired` first. */
  get batch(): Batch {
    this.#batch ??= new Batch(this.view)
    return this.#batch
  }

  /** Whether `cursor` can have come from this table. */
  isCursor(cursor: number): boolean {
    return this.#walker.isCursor(cursor)
  }

  /**
   * One step of a walk (see walker.ts): adds entries to `found` and returns where to go on, 0 at the end, UNDECIDED as
   * above. What has expired by the wall clock alone is among them.
   */
  step(cursor: number, found: WalkedEntry[], withValues: boolean): number {
    if (this.#words[STATE] !== READY) return this.#undecided(RETIRED)
    const next = this.#walker.step(cursor, found, withValues)
    return next < 0 ? this.#undecided(CHANGING) : next
  }
}
