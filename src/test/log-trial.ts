/**
 * A workload on a log over a simulated disk, from one seed: batches of all kinds, groups, rotations (segments are
 * small), snapshots taken while writes go on, restarts. It stops where a fault says so, and remembers in a `LogModel`
 * what was promised by then. `recoverFrom` reads a disk back.
 */

import { isOperationError } from '../base/errors.js'
import { type SeededRandom, seededRandom } from '../base/random.js'
import { openLog, readIdentity } from '../log/directory.js'
import { errorCode } from '../log/disk.js'
import type { Identity } from '../log/identity.js'
import { type LogDurability, SyncPolicy } from '../log/policy.js'
import { RecordBatch } from '../log/record-batch.js'
import { SimulatedCrash, type SimulatedDisk } from '../log/simulated-disk.js'
import { type SnapshotEntry, type SnapshotMade, snapshotSteps } from '../log/snapshot-writer.js'
import type { LogWriter } from '../log/writer.js'
import {
  addToBatch,
  applyRecord,
  LogModel,
  type ModelRecord,
  type Outcome,
  type State,
  stateSink,
} from './log-model.js'

export const TRIAL_IDENTITY: Identity = { logId: 0x1234_5678_9abc_def0n, hashKey: [1, 2] }
const SEGMENT_BYTES = 2048

export interface TrialOptions {
  readonly seed: number
  readonly disk: SimulatedDisk
  readonly steps: number
  readonly durability?: LogDurability
  /** A canary: promises what the kernel has, at every level. */
  readonly acknowledgesEarly?: boolean
  readonly snapshots?: boolean
}

/** What a run promised. */
export interface Trial {
  readonly model: LogModel
  /** Survives the loss of power. */
  readonly durableLsn: number
  readonly snapshots: number
  /** Why the run ended, if it was not done. */
  readonly failure: unknown
}

export function runTrial(options: TrialOptions): Trial {
  const run = new TrialRun(options)
  let failure: unknown
  try {
    run.run()
  } catch (error) {
    if (!options.disk.isCrashed && errorCode(error) === undefined) throw error
    failure = error
  }
  return { model: run.model, durableLsn: run.durableLsn, snapshots: run.snapshotsMade, failure }
}

/** A disk read back: the outcome, and the log opened for more. */
export interface Reopened {
  readonly outcome: Outcome
  readonly writer: LogWriter | undefined
}

/** Starts on a disk as a node would. Throws `SimulatedCrash` if the power goes meanwhile. */
export function reopen(disk: SimulatedDisk, acceptLoss = false): Reopened {
  const state: State = new Map()
  try {
    const identity = readIdentity(disk) ?? TRIAL_IDENTITY
    const options = { disk, identity, sink: stateSink(state), segmentBytes: SEGMENT_BYTES, acceptLoss }
    const { recovered, writer } = openLog({ ...options, ...CLOCKS })
    return { outcome: { state, lastLsn: recovered.end.nextLsn - 1 }, writer }
  } catch (refusal) {
    if (disk.isCrashed) throw new SimulatedCrash('the power went during recovery')
    return { outcome: { refusal }, writer: undefined }
  }
}

const CLOCKS = { nowMs: () => 0, regionTimeMs: () => 1_700_000_000_000 }

class TrialRun {
  readonly #options: TrialOptions
  readonly #random: SeededRandom
  readonly #batch = new RecordBatch()
  readonly model = new LogModel()
  #applied: State = new Map()
  #appliedLsn = 0
  #writer: LogWriter | undefined
  #policy: SyncPolicy
  #nowMs = 0
  #value = 0
  #snapshot: Generator<number, SnapshotMade> | undefined
  #durableLsn = 0
  snapshotsMade = 0

  constructor(options: TrialOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#policy = this.#newPolicy()
  }

  /** What a loss of power must leave. */
  get durableLsn(): number {
    const writer = this.#writer
    if (this.#options.acknowledgesEarly === true) return this.model.acknowledgedLsn
    return Math.max(this.#durableLsn, writer?.synced ?? 0)
  }

  run(): void {
    this.#open()
    for (let step = 0; step < this.#options.steps; step++) {
      this.#nowMs += this.#random.nextInt(50)
      const dice = this.#random.nextInt(20)
      if (dice === 0) this.#restart()
      else if (dice === 1) this.#running().mark()
      else if (dice < 8 && this.#options.snapshots !== false) this.#stepSnapshot()
      else this.#writeGroup()
      this.#durableLsn = Math.max(this.#durableLsn, this.#running().synced)
    }
    this.#running().close()
    this.#durableLsn = this.model.acknowledgedLsn
    this.#writer = undefined
  }

  #running(): LogWriter {
    if (this.#writer === undefined) throw new Error('the log is open')
    return this.#writer
  }

  #newPolicy(): SyncPolicy {
    return new SyncPolicy(this.#options.durability ?? 'always', 100)
  }

  #open(): void {
    const state: State = new Map()
    const { writer } = openLog({
      disk: this.#options.disk,
      identity: TRIAL_IDENTITY,
      sink: stateSink(state),
      segmentBytes: SEGMENT_BYTES,
      nowMs: () => this.#nowMs,
      regionTimeMs: () => 1_700_000_000_000 + this.#nowMs,
    })
    this.#writer = writer
    this.#applied = state
    this.#policy = this.#newPolicy()
  }

  #restart(): void {
    this.#snapshot?.return({ name: '', entries: 0, bytes: 0 })
    this.#snapshot = undefined
    this.#running().close()
    this.#durableLsn = this.#running().synced
    this.#open()
    this.#appliedLsn = this.#running().appended
  }

  #writeGroup(): void {
    const writer = this.#running()
    const batches = 1 + this.#random.nextInt(4)
    for (let count = 0; count < batches; count++) this.#append(writer)
    try {
      const released = this.#policy.commit(writer, this.#nowMs)
      this.#release(writer, released)
      if (this.#random.nextInt(3) > 0) writer.prepare()
    } catch (error) {
      if (!isOperationError(error, 'DISK_FULL')) throw error
      this.model.takeBack(writer.appended)
      this.#release(writer, Math.min(writer.written, writer.appended))
    }
    if (this.#options.acknowledgesEarly === true) this.model.acknowledgedLsn = writer.written
  }

  #append(writer: LogWriter): void {
    const records = this.#records()
    this.#batch.reset()
    for (const record of records) addToBatch(this.#batch, record)
    if (this.#options.acknowledgesEarly === true) {
      this.model.append({ lastLsn: writer.append(this.#batch), records })
      this.model.acknowledgedLsn = writer.write()
      return
    }
    try {
      this.model.append({ lastLsn: writer.append(this.#batch), records })
    } catch (error) {
      if (!isOperationError(error, 'DISK_FULL')) throw error
      this.model.takeBack(writer.appended)
    }
  }

  #records(): ModelRecord[] {
    return Array.from({ length: 1 + this.#random.nextInt(3) }, () => {
      const key = `key-${this.#random.nextInt(6)}`
      const dice = this.#random.nextInt(30)
      if (dice === 0) return { type: 'clear' }
      if (dice < 5) return { type: 'delete', key }
      const value = `v${++this.#value}-${'x'.repeat(this.#random.nextInt(dice === 29 ? 3000 : 60))}`
      return { type: 'set', key, value, expiresAtMs: dice < 10 ? 1_800_000_000_000 + this.#value : Infinity }
    })
  }

  #release(writer: LogWriter, position: number): void {
    writer.release(position)
    this.model.acknowledgedLsn = Math.max(this.model.acknowledgedLsn, position)
    this.#applyUpTo(position)
  }

  #applyUpTo(position: number): void {
    for (const { lastLsn, records } of this.model.batches) {
      if (lastLsn <= this.#appliedLsn || lastLsn > position) continue
      for (const record of records) applyRecord(this.#applied, record)
      this.#appliedLsn = lastLsn
    }
  }

  /** Begins a snapshot, or goes on with one by a block; writes come in between. */
  #stepSnapshot(): void {
    const writer = this.#running()
    if (this.#snapshot === undefined) {
      const { disk } = this.#options
      this.#snapshot = snapshotSteps({
        disk,
        logId: TRIAL_IDENTITY.logId,
        epoch: { number: 1, startId: 1n },
        startLsn: this.model.acknowledgedLsn,
        entries: this.#entries(),
        syncLog: () => writer.sync(),
        regionTimeMs: () => 1_700_000_000_000,
        blockBytes: 40,
      })
    }
    for (let blocks = this.#random.nextInt(4); blocks >= 0; blocks--) {
      if (this.#snapshot.next().done !== true) continue
      this.snapshotsMade++
      this.#snapshot = undefined
      return
    }
  }

  *#entries(): Generator<SnapshotEntry> {
    for (const [key, stored] of this.#applied) {
      const at = stored.lastIndexOf('@')
      yield {
        key: Buffer.from(key),
        value: Buffer.from(stored.slice(0, at)),
        isAscii: true,
        expiresAtMs: Number(stored.slice(at + 1)),
        hash: key.length,
      }
    }
  }
}
