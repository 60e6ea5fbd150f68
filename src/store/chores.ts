/**
 * What the sequenced writer does between its groups: the sweep of expired entries, snapshots. Both are bounded, and share
 * the time fairly: of a busy thread they get one part in `SHARE`, of an idle one all of it, in small pieces.
 *
 * A snapshot that fails (no space, an error of the disk) is given up, reported, and tried again later; writes are not
 * concerned by it. One thread: that of the writer, between commits.
 */
import type { Disk } from '../log/disk.js'
import type { Epoch } from '../log/format.js'
import { type SnapshotMade, snapshotSteps } from '../log/snapshot-writer.js'
import type { LogWriter } from '../log/writer.js'
import { HEADER } from '../memory/header.js'
import { SnapshotWalk } from '../table/snapshot-walk.js'
import type { Table } from '../table/table.js'
import type { LoggedRemovals } from './logged-removals.js'

/** Of a busy thread chores get at most one part in so many: with what they push out of the caches, a snapshot slows writers by less than 15 %. */
const SHARE = 20
/** Longest time for chores in one go, in milliseconds, where there is nothing else to do. */
const IDLE_SLICE_MS = 2
/** Bucket lines that one turn of the sweep looks at, and entries it removes at most. */
const SWEEP_LINES = 4096
const SWEEP_ENTRIES = 256
const SWEEP_EVERY_MS = 100
/** So long after the last write a mark says that it is on disk: until then a flipped bit in it looks like a torn tail. */
const MARK_AFTER_MS = 200
/** A snapshot that failed is tried again after so long. */
const RETRY_MS = 30_000

/** What became of a snapshot. */
export type SnapshotEvent =
  | { readonly kind: 'snapshot'; readonly made: SnapshotMade; readonly elapsedMs: number }
  | { readonly kind: 'snapshot-failed'; readonly error: unknown }

export interface ChoresParts {
  readonly table: Table
  readonly writer: LogWriter
  readonly removals: LoggedRemovals
  readonly disk: Disk
  readonly logId: bigint
  readonly epoch: Epoch
  readonly regionTimeMs: () => number
  /** A clock that never goes back. */
  readonly monotonicMs: () => number
  /** Bytes of log since the last snapshot that call for another one. */
  readonly snapshotAfterBytes: number
  /** Bytes of log that the last start had to read. */
  readonly logBytes: number
  readonly onEvent: ((event: SnapshotEvent) => void) | undefined
}

export class Chores {
  readonly #parts: ChoresParts
  #snapshot: Generator<number, SnapshotMade> | undefined
  #startedMs = 0
  /** `bytesWritten` of the log when the last snapshot began; below 0 by what was there at the start. */
  #snapshotBytes: number
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #sweepAtMs = 0
  #markAtMs = Infinity
  #appended: number
  #lastMs: number
  /** Time that chores may still take; below 0: they have taken too much. */
  #creditMs = 0
  /** Made, and given up, since the start. */
  snapshots = 0
  snapshotFailures = 0

  constructor(parts: ChoresParts) {
    this.#parts = parts
    this.#snapshotBytes = -parts.logBytes
    this.#appended = parts.writer.appended
    this.#lastMs = parts.monotonicMs()
  }

  get isSnapshotRunning(): boolean {
    return this.#snapshot !== undefined
  }

  /** Does some of what is due. Nothing is pending. */
  tend(nowMs: number): void {
    const { writer } = this.#parts
    const isIdle = writer.appended === this.#appended
    this.#appended = writer.appended
    const elapsedMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#creditMs = isIdle ? IDLE_SLICE_MS : Math.min(IDLE_SLICE_MS, this.#creditMs + elapsedMs / SHARE)
    writer.prepare()
    if (!isIdle) this.#markAtMs = nowMs + MARK_AFTER_MS
    if (nowMs >= this.#markAtMs) this.#mark(nowMs)
    if (nowMs >= this.#sweepAtMs) this.#sweep(nowMs)
    if (this.#snapshot === undefined && this.#isSnapshotDue(nowMs)) this.startSnapshot()
    while (this.#snapshot !== undefined && this.#creditMs > 0) {
      const before = this.#parts.monotonicMs()
      this.stepSnapshot()
      this.#creditMs -= Math.max(0.01, this.#parts.monotonicMs() - before)
    }
    this.#appended = writer.appended
  }

  /** How long until there is something to do, if nothing else happens. */
  dueInMs(nowMs: number): number {
    if (this.#snapshot !== undefined) return 0
    const sweepAtMs = this.#hasExpiries() ? this.#sweepAtMs : Infinity
    return Math.max(0, Math.min(sweepAtMs, this.#markAtMs) - nowMs)
  }

  startSnapshot(): void {
    if (this.#snapshot !== undefined) return
    const { disk, logId, epoch, table, writer, regionTimeMs, monotonicMs } = this.#parts
    this.#startedMs = monotonicMs()
    this.#snapshotBytes = writer.bytesWritten
    this.#snapshot = snapshotSteps({
      disk,
      logId,
      epoch,
      startLsn: writer.appended,
      entries: new SnapshotWalk(table.space, table.newKey()).entries(),
      syncLog: () => writer.sync(),
      regionTimeMs,
    })
  }

  /** One bounded step of the running snapshot; what was made, once it is done. */
  stepSnapshot(): SnapshotMade | undefined {
    try {
      const step = this.#snapshot?.next()
      if (step?.done !== true) return undefined
      this.#snapshot = undefined
      this.snapshots++
      const elapsedMs = this.#parts.monotonicMs() - this.#startedMs
      this.#parts.onEvent?.({ kind: 'snapshot', made: step.value, elapsedMs })
      return step.value
    } catch (error) {
      this.#snapshot = undefined
      this.snapshotFailures++
      this.#notBeforeMs = this.#parts.monotonicMs() + RETRY_MS
      this.#parts.onEvent?.({ kind: 'snapshot-failed', error })
      return undefined
    }
  }

  /** Gives a running snapshot up. */
  close(): void {
    try {
      this.#snapshot?.return({ name: '', entries: 0, bytes: 0 })
    } catch {
      // Its file is removed by the next start.
    }
    this.#snapshot = undefined
  }

  /** What the level has not synced yet is looked at again later. */
  #mark(nowMs: number): void {
    const { writer } = this.#parts
    const isSynced = writer.synced === writer.appended
    this.#markAtMs = isSynced ? Infinity : nowMs + MARK_AFTER_MS
    if (isSynced) writer.mark()
  }

  #isSnapshotDue(nowMs: number): boolean {
    const { writer, snapshotAfterBytes } = this.#parts
    return nowMs >= this.#notBeforeMs && writer.bytesWritten - this.#snapshotBytes >= snapshotAfterBytes
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS
    if (this.#hasExpiries())
      this.#parts.removals.sweep(this.#parts.regionTimeMs(), SWEEP_LINES, SWEEP_ENTRIES)
  }

  #hasExpiries(): boolean {
    return this.#parts.table.space.words[HEADER.hasExpiries] !== 0
  }
}
