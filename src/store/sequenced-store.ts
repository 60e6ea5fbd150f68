/**
 * The sequenced writer without its thread: orders all writes of a table, logs them in groups, and applies them once they
 * are as safe as the level asks. Nothing that could still be lost is ever seen, in the table or in an answer.
 *
 *   const store = await openSequencedStore({ directory, capacityBytes, durability: 'always' })   // open-sequenced.ts
 *   for (;;) {                                                    // one cycle of the writer thread
 *     for (const request of gathered) {                           // none, or as many as there are: a group
 *       const { result, lsn, wrote } = store.evaluate((s) => execute(s, request))   // a transaction: several calls
 *       if (lsn <= store.released) answer(request, result)        // seen nothing that is pending
 *       else held.push({ request, result, lsn, wrote })           // also a "no" waits for what it has seen
 *     }                                                           // what evaluate throws: nothing changed, answer it
 *     const { released, refused } = store.commit(performance.now())
 *     for (const reply of held) {                                 // every one of them is settled by this commit
 *       if (reply.lsn <= released) answer(reply)
 *       else if (reply.wrote || refused.code === 'LOG_FAILED' ...) fail(reply, refused)   // refused.outcome says how
 *       else again(reply.request)                                 // a read that had seen what was refused
 *     }
 *     store.tend(performance.now())                               // after the replies: sweep, snapshot, next segment
 *     sleep(store.dueInMs(performance.now()))                     // at most; commit() again then, group or not
 *   }
 *   store.close()
 *
 * `evaluate` may itself commit what came before, to get memory; it is all the same to the caller, who holds its replies
 * until `commit`. PUBLISH takes `store.position` as its lsn and is delivered once that is released.
 *
 * Refusals: DISK_FULL ('not-applied': the writes never were, and never will be; heals by itself) and LOG_FAILED
 * ('unknown'; from then on writes throw, reads go on with what was released). One thread, everything synchronous.
 */
import { InvariantError } from '../base/assert.js'
import type { Clock } from '../base/clock.js'
import { isOperationError, OperationError } from '../base/errors.js'
import type { SyncPolicy } from '../log/policy.js'
import { RecordBatch } from '../log/record-batch.js'
import type { SnapshotMade } from '../log/snapshot-writer.js'
import type { LogWriter } from '../log/writer.js'
import type { Table } from '../table/table.js'
import { Chores } from './chores.js'
import { LoggedRemovals } from './logged-removals.js'
import { OverlayStore } from './overlay-store.js'
import { type PendingOwner, PendingWrites } from './pending-writes.js'
import type { PlainStore } from './plain-store.js'
import type { Commit, Evaluation, LogStats, RegionTime, SequencedParts } from './sequenced-contract.js'
import type { Store } from './store.js'

/** Positions above all that a log gives. */
const NO_POSITION = Number.MAX_SAFE_INTEGER

export class SequencedStore {
  readonly table: Table
  readonly #writer: LogWriter
  readonly #policy: SyncPolicy
  readonly #time: RegionTime
  readonly #monotonicMs: Clock
  readonly #records = new RecordBatch()
  readonly #pending: PendingWrites
  readonly #store: Store
  #released: number
  #groups = 0
  #refusals = 0
  /** Why writes were taken back since the last commit. Until then their positions are given to nobody else. */
  #takenBack: OperationError | undefined
  #failure: OperationError | undefined
  /** What the log has refused during this evaluation. */
  #refusal: OperationError | undefined
  /** The last group was taken back: what only expires is not logged until one goes through, or reads would wait for that. */
  #isRefusing = false
  readonly #removals: LoggedRemovals
  readonly #chores: Chores
  /** The clock of evaluations, and of the frames that hold them: never going back. */
  readonly #regionTimeMs: Clock

  constructor(parts: SequencedParts) {
    this.table = parts.table
    this.#writer = parts.writer
    this.#policy = parts.policy
    this.#time = parts.time
    this.#monotonicMs = parts.monotonicMs
    this.#released = parts.writer.appended
    this.#removals = new LoggedRemovals(parts.table, {
      isPending: (key) => this.#pending.isPending(key),
      log: (batch) => this.#logNow(batch),
    })
    this.#regionTimeMs = () => (this.#time.nowMs = Math.max(this.#time.nowMs, parts.clock()))
    this.#pending = new PendingWrites(parts.table, this.#records, this.#owner())
    this.#store = new OverlayStore(this.#pending)
    this.#chores = new Chores({ ...parts, removals: this.#removals, regionTimeMs: this.#regionTimeMs })
  }

  /** Up to here everything is as safe as the level asks, and applied to the table. */
  get released(): number {
    return this.#released
  }

  /** The position of the newest write that was accepted. */
  get position(): number {
    return this.#writer.appended
  }

  /** Up to here everything is on disk. */
  get synced(): number {
    return this.#writer.synced
  }

  /** Bytes handed to the kernel since the store was opened. */
  get bytesWritten(): number {
    return this.#writer.bytesWritten
  }

  /** How the log stands: for reports. */
  logStats(): LogStats {
    const { appended, synced, bytesWritten } = this.#writer
    const { snapshots, snapshotFailures } = this.#chores
    return {
      position: appended,
      released: this.#released,
      synced,
      bytesWritten,
      groups: this.#groups,
      refusals: this.#refusals,
      snapshots,
      snapshotFailures,
      isSnapshotRunning: this.#chores.isSnapshotRunning,
      failure: this.#failure?.message,
    }
  }

  /** What made the log fail for good. */
  get failure(): OperationError | undefined {
    return this.#failure
  }

  /**
   * Runs `work` on the store as it will be: one batch, which happens whole or not at all. What `work` throws passes
   * through, and nothing has changed. Throws DISK_FULL, LOG_FAILED, RangeError for a batch that no frame holds.
   */
  evaluate<T>(work: (store: Store, plain: PlainStore) => T): Evaluation<T> {
    const pending = this.#pending
    this.#refusal = undefined
    pending.begin()
    let result: T
    try {
      result = work(this.#store, pending)
    } catch (error) {
      pending.dropAbove(NO_POSITION)
      throw error
    }
    const { seen, hasChanges: wrote } = pending
    if (this.#refusal !== undefined) {
      // Something was refused meanwhile, and this batch with it, whatever `work` made of the error and did after it.
      pending.dropAbove(NO_POSITION)
      if (wrote) throw this.#refusal
      return { result, lsn: seen, wrote }
    }
    if (this.#records.count === 0) return { result, lsn: seen, wrote }
    try {
      const lsn = this.#writer.append(this.#records)
      pending.seal(lsn)
      return { result, lsn, wrote }
    } catch (error) {
      const refusal = this.#appendFailed(error)
      // A read that only found something expired: the answer holds, and the next one finds it again.
      if (!wrote) return { result, lsn: seen, wrote }
      throw refusal
    }
  }

  /**
   * Ends the group: logs it as the level asks, and applies it. Everything that was evaluated before is settled: released,
   * or refused. `nowMs` as in `monotonicMs`.
   */
  commit(nowMs: number): Commit {
    const earlier = this.#takenBack
    this.#takenBack = undefined
    if (this.#failure === undefined) this.#settle(nowMs)
    const refused = this.#failure ?? this.#takenBack ?? earlier
    this.#takenBack = undefined
    return refused === undefined ? { released: this.#released } : { released: this.#released, refused }
  }

  /** Brings what is released to disk, whatever the level. Throws LOG_FAILED. After a commit. */
  flush(): void {
    this.#assertWritable()
    try {
      this.#writer.sync()
    } finally {
      this.#noteFailure()
    }
  }

  /** How long the thread may sleep, in milliseconds, before it must call `commit` and `tend` again. */
  dueInMs(nowMs: number): number {
    if (this.#failure !== undefined) return Infinity
    return Math.max(0, Math.min(this.#policy.dueInMs(nowMs), this.#chores.dueInMs(nowMs)))
  }

  /** Work for after the replies: the sweep of what has expired, a part of a snapshot, the next segment. After a commit. */
  tend(nowMs: number): void {
    if (this.#failure !== undefined || !this.#pending.isEmpty) return
    try {
      this.#writer.look()
      this.#chores.tend(nowMs)
    } catch (error) {
      this.#noteFailure()
      // What a sweep could not log stays, and the next one finds it again.
      if (!isOperationError(error, 'DISK_FULL') && this.#failure === undefined) throw error
    }
    this.#noteFailure()
    // A mark takes a position of its own.
    const { appended, synced } = this.#writer
    if (this.#released < appended && synced === appended && this.#failure === undefined)
      this.#release(appended)
  }

  /** Begins a snapshot, unless one is running; `tend` makes it. */
  startSnapshot(): void {
    this.#chores.startSnapshot()
  }

  get isSnapshotRunning(): boolean {
    return this.#chores.isSnapshotRunning
  }

  /** A step of the running snapshot, for who has nothing else to do; what was made, once it is done. */
  stepSnapshot(): SnapshotMade | undefined {
    if (this.#failure !== undefined || !this.#pending.isEmpty) return undefined
    const made = this.#chores.stepSnapshot()
    this.#noteFailure()
    return made
  }

  /** Logs that these keys are gone, which the table does not hold: what recovery had no room for. */
  forget(keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return
    const batch = new RecordBatch()
    for (const key of keys) batch.delete(key)
    this.#logNow(batch)
  }

  /** Whatever has failed, the lock of the directory and the files are given back. Nothing may be pending. */
  close(): void {
    this.#chores.close()
    try {
      this.#writer.close()
    } finally {
      this.table.close()
    }
  }

  /** A snapshot syncs the log, too, and keeps what that threw. */
  #noteFailure(): void {
    if (this.#writer.failure !== undefined) this.#failure ??= this.#writer.failure
  }

  #owner(): PendingOwner {
    const store = this
    return {
      nowMs: this.#regionTimeMs,
      assertWritable: () => this.#assertWritable(),
      get isWritable() {
        return store.#failure === undefined && store.#takenBack === undefined && !store.#isRefusing
      },
      makeRoom: (bytes, attempt) => this.#makeRoom(bytes, attempt),
    }
  }

  #assertWritable(): void {
    if (this.#failure !== undefined)
      throw new OperationError(
        'LOG_FAILED',
        `nothing is written until the node is started again, since ${this.#failure.message}`,
        {
          outcome: 'not-applied',
          cause: this.#failure,
        },
      )
    if (this.#takenBack !== undefined) throw this.#takenBack
  }

  /** Memory is short: what is pending gives back what it replaces once it is applied; then others have to go. */
  #makeRoom(bytes: number, attempt: number): boolean {
    if (!this.#pending.hasSealed) return this.#removals.makeRoom(bytes, this.#pending.nowMs(), attempt)
    this.#settle(this.#monotonicMs())
    this.#assertWritable()
    return true
  }

  /** Logs removals that the caller then makes, past what is being evaluated. Nothing else is pending. */
  #logNow(batch: RecordBatch): void {
    try {
      this.#writer.append(batch)
    } catch (error) {
      throw this.#appendFailed(error)
    }
    this.#settle(this.#monotonicMs())
    this.#assertWritable()
  }

  /** Writes and syncs what was appended, and applies what may be released. Refusals are remembered, not thrown. */
  #settle(nowMs: number): void {
    const { bytesWritten } = this.#writer
    if (!this.#pending.isEmpty) this.#regionTimeMs()
    let position: number
    try {
      position = this.#policy.commit(this.#writer, nowMs)
    } catch (error) {
      const refusal = this.#appendFailed(error)
      if (this.#failure !== undefined) return
      this.#takenBack ??= refusal
      this.#isRefusing = true
      // What was written before is on disk: the log says so when it takes a group back.
      position = this.#writer.appended
    }
    if (this.#writer.bytesWritten !== bytesWritten) {
      this.#groups++
      this.#isRefusing = false
      // The frames just written carry this time: nobody is told "expired" by a time that a crash would take back.
      this.table.clock.advance(this.#time.nowMs)
    }
    this.#release(position)
  }

  /** What the log has accepted cannot be refused any more: if it could not be applied, that is no answer but a bug. */
  #release(position: number): void {
    try {
      this.#pending.apply(position)
    } catch (error) {
      throw new InvariantError('what the log holds is not in the table', { cause: error })
    }
    this.#writer.release(position)
    this.#released = position
  }

  /** The log has refused a batch, and maybe the whole group with it: forgets what will not be. */
  #appendFailed(error: unknown): OperationError {
    if (!isOperationError(error)) throw error
    this.#refusal = error
    this.#refusals++
    if (error.code === 'LOG_FAILED') {
      this.#failure ??= error
      this.#pending.dropAbove(this.#released)
      return error
    }
    const position = this.#writer.appended
    if (this.#pending.newest > position) this.#takenBack ??= error
    this.#pending.dropAbove(position)
    return error
  }
}
