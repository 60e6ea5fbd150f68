/**
 * What goes into a sequenced store and what comes out of it; see sequenced-store.ts.
 */
import type { Clock } from '../base/clock.js'
import type { OperationError } from '../base/errors.js'
import type { Disk } from '../log/disk.js'
import type { Epoch } from '../log/format.js'
import type { SyncPolicy } from '../log/policy.js'
import type { LogWriter } from '../log/writer.js'
import type { Table } from '../table/table.js'
import type { SnapshotEvent } from './chores.js'

export interface Evaluation<T> {
  readonly result: T
  /** The answer may go out once `released` has reached this. */
  readonly lsn: number
  /** Whether it changes anything; if not, it can be evaluated again. */
  readonly wrote: boolean
}

export interface Commit {
  /** Up to here everything is as safe as the level asks, and applied. */
  readonly released: number
  /** Why what is above `released` will not be; absent if there is nothing. */
  readonly refused?: OperationError
}

/** How a log stands. Positions count records over its whole life; the rest counts since the start. */
export interface LogStats {
  readonly position: number
  readonly released: number
  /** Up to here everything is on disk. */
  readonly synced: number
  /** Handed to the kernel, heads included. */
  readonly bytesWritten: number
  readonly groups: number
  /** Batches or groups that the log has refused: the disk is full, or the log has failed. */
  readonly refusals: number
  readonly snapshots: number
  readonly snapshotFailures: number
  readonly isSnapshotRunning: boolean
  /** Why nothing is written any more; absent while all is well. */
  readonly failure: string | undefined
}

export interface SequencedParts {
  readonly table: Table
  readonly writer: LogWriter
  readonly policy: SyncPolicy
  /** Wall clock, milliseconds since 1970. */
  readonly clock: Clock
  /** The region's time that frames carry. */
  readonly time: RegionTime
  /** A clock that never goes back. */
  readonly monotonicMs: Clock
  readonly disk: Disk
  readonly logId: bigint
  readonly epoch: Epoch
  readonly snapshotAfterBytes: number
  readonly logBytes: number
  readonly onEvent: ((event: SnapshotEvent) => void) | undefined
}

/** The time that the next frame of the log carries: known before the log is open, moved on by evaluations. */
export interface RegionTime {
  nowMs: number
}
