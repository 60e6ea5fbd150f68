/**
 * What the main thread of a server and its lane threads (lane workers, or the writer thread) say to each other.
 *
 * Lane threads block where there is nothing to do and come back to their event loops now and then: who tells them
 * something rings the bell besides.
 */
import type { ErrorCode } from '../base/errors.js'
import type { LaneFileHandle } from '../channel/lane-file.js'
import type { LaneWorker } from '../channel/lane-worker.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import type { RecoveryEvent } from '../log/recovery.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import type { SnapshotEvent } from '../store/chores.js'
import type { DirectStoreHandle } from '../store/direct-store.js'
import type { OpenReport, RecoveryProgress } from '../store/open-sequenced.js'
import type { FixedFacts } from './facts.js'
import type { LogStateEvent } from './log-status.js'

/** What a log tells whoever runs the node. */
export type LogEvent = RecoveryEvent | SnapshotEvent | LogStateEvent

export interface LaneWorkerData {
  readonly number: number
  /** The server has no other lane worker. */
  readonly isOnly: boolean
  readonly bell: SharedHandle
  readonly ledger: SharedArrayHandle
  readonly table: DirectStoreHandle
  readonly facts: FixedFacts
}

export type ToLaneWorker =
  | { readonly kind: 'attach'; readonly order: number; readonly file: LaneFileHandle }
  | { readonly kind: 'detach'; readonly order: number; readonly id: number }
  | { readonly kind: 'stop' }

export type FromLaneWorker =
  | { readonly kind: 'ready' }
  /** Of the writer thread, before it is ready. */
  | { readonly kind: 'recovering'; readonly progress: RecoveryProgress }
  | { readonly kind: 'recovered'; readonly report: OpenReport }
  /** The data directory cannot be served, and the thread has ended. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** Of the log or a snapshot, at any time. */
  | { readonly kind: 'event'; readonly event: LogEvent }
  | { readonly kind: 'done'; readonly order: number }
  | { readonly kind: 'failed'; readonly order: number; readonly message: string }
  | { readonly kind: 'dropped'; readonly file: number; readonly reason: string }
  | { readonly kind: 'shutdown' }

/** Takes up or puts down a lane file, and says so. */
export function carryOut(
  worker: LaneWorker,
  message: Exclude<ToLaneWorker, { kind: 'stop' }>,
): FromLaneWorker {
  const { order } = message
  try {
    if (message.kind === 'attach') worker.attach(message.file)
    else worker.detach(message.id)
    return { kind: 'done', order }
  } catch (error) {
    return { kind: 'failed', order, message: error instanceof Error ? error.message : String(error) }
  }
}
