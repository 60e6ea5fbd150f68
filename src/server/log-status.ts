/**
 * How the log of a node is doing, for those who are asked: written by the writer thread after each group, read by the socket
 * workers (INFO, STATS) and the main thread. Numbers of different moments may stand beside each other; each is whole.
 */
import type { OperationError } from '../base/errors.js'
import type { LogFacts } from '../commands/command.js'
import type { SnapshotEvent } from '../store/chores.js'
import type { SequencedStore } from '../store/sequenced-store.js'

const APPENDED = 0
const SYNCED = 1
const RELEASED = 2
const BYTES = 3
const GROUPS = 4
const REFUSED = 5
const STATE = 6
const SNAPSHOTS = 7
const SNAPSHOT_AT = 8
const SNAPSHOT_RUNNING = 9
const SNAPSHOTS_FAILED = 10
const FIELDS = 16
/** Without a refusal for so long, a full disk is no longer one. */
const CALM_MS = 1000

const STATES = ['ok', 'disk-full', 'failed'] as const
const [OK, DISK_FULL, FAILED] = [0, 1, 2]

export type LogStatusHandle = SharedArrayBuffer

/** What is to be told of: the state has changed. */
export type LogStateEvent = {
  readonly kind: 'log-state'
  readonly state: LogFacts['state']
  readonly text: string
}

export class LogStatus {
  readonly #fields: Float64Array
  #refusedMs = Number.NEGATIVE_INFINITY
  readonly handle: LogStatusHandle

  constructor(handle: LogStatusHandle) {
    this.handle = handle
    this.#fields = new Float64Array(handle)
  }

  static create(): LogStatus {
    return new LogStatus(new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT))
  }

  get facts(): LogFacts {
    const fields = this.#fields
    return {
      state: STATES[fields[STATE]!] ?? 'failed',
      position: fields[APPENDED]!,
      syncedPosition: fields[SYNCED]!,
      releasedPosition: fields[RELEASED]!,
      bytesWritten: fields[BYTES]!,
      groups: fields[GROUPS]!,
      refusedWrites: fields[REFUSED]!,
      snapshots: fields[SNAPSHOTS]!,
      snapshotsFailed: fields[SNAPSHOTS_FAILED]!,
      lastSnapshotMs: fields[SNAPSHOT_AT]!,
      isSnapshotRunning: fields[SNAPSHOT_RUNNING] === 1,
    }
  }

  /** After a group, at a time that never goes back. Returns what is to be told, if anything. */
  noteGroup(store: SequencedStore, nowMs: number): LogStateEvent | undefined {
    const fields = this.#fields
    const isProgress = store.released > fields[RELEASED]!
    fields[APPENDED] = store.position
    fields[SYNCED] = store.synced
    fields[RELEASED] = store.released
    // Also called after a turn in which nothing was written.
    if (store.bytesWritten > fields[BYTES]!) fields[GROUPS]! += 1
    fields[BYTES] = store.bytesWritten
    fields[SNAPSHOT_RUNNING] = store.isSnapshotRunning ? 1 : 0
    if (store.failure !== undefined) return this.#become(FAILED, store.failure.message)
    // Small writes may still fit where large ones are refused: it is well when none has been for a while.
    const isWell = isProgress && nowMs - this.#refusedMs >= CALM_MS
    return isWell ? this.#become(OK, 'there is space again: writes are accepted') : undefined
  }

  /** A write was refused. Returns what is to be told, if anything. */
  noteRefusal(error: OperationError, nowMs: number): LogStateEvent | undefined {
    if (error.code !== 'DISK_FULL' && error.code !== 'LOG_FAILED') return undefined
    this.#refusedMs = nowMs
    this.#fields[REFUSED]! += 1
    if (error.code === 'LOG_FAILED') return this.#become(FAILED, error.message)
    return this.#become(DISK_FULL, `writes are refused, reads go on: ${error.message}`)
  }

  noteSnapshot(event: SnapshotEvent, nowMs: number): void {
    if (event.kind === 'snapshot-failed') this.#fields[SNAPSHOTS_FAILED]! += 1
    else {
      this.#fields[SNAPSHOTS]! += 1
      this.#fields[SNAPSHOT_AT] = nowMs
    }
  }

  #become(state: number, text: string): LogStateEvent | undefined {
    const before = this.#fields[STATE]!
    if (before === state || before === FAILED) return undefined
    this.#fields[STATE] = state
    return { kind: 'log-state', state: STATES[state] ?? 'failed', text }
  }
}
