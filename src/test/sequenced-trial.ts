/**
 * A workload on a sequenced store over a simulated disk, from one seed: groups of evaluations of all kinds, chains on
 * one key within a group, transactions, expiry under a clock that jumps by days, snapshots, restarts. Beside it runs a
 * model, which remembers the state after every batch. It stops where a fault says so.
 *
 * Held to at every step: each answer is the model's; the table shows exactly the state of the released position, never
 * anything that could still be refused; what was refused never appears.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { isOperationError } from '../base/errors.js'
import { type SeededRandom, seededRandom } from '../base/random.js'
import { errorCode } from '../log/disk.js'
import type { LogDurability } from '../log/policy.js'
import type { SimulatedDisk } from '../log/simulated-disk.js'
import { openOnDisk } from '../store/open-sequenced.js'
import { OverlayStore } from '../store/overlay-store.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { WalkedEntry } from '../table/walker.js'
import { MapOverlay, type ModelEntry } from './map-overlay.js'
import { withPlainCalls } from './plain-calls.js'
import { outcomeOf, randomWork } from './sequenced-work.js'

export type ModelState = ReadonlyMap<string, ModelEntry>

export interface SequencedTrialOptions {
  readonly seed: number
  readonly disk: SimulatedDisk
  readonly steps: number
  readonly durability?: LogDurability
  readonly capacityBytes?: number
  /** A canary: takes what was evaluated for released. */
  readonly answersEarly?: boolean
  /** Calls of the disk may fail: then a start may be refused, and the log may fail for good. */
  readonly faults?: boolean
  /** The disk is full now and then. */
  readonly fills?: boolean
}

const START_MS = 1_700_000_000_000
const DAY_MS = 24 * 3600 * 1000
const SEGMENT_BYTES = 4096

/** Opens a trial's disk as a node would. */
export function openTrial(
  disk: SimulatedDisk,
  options: { readonly durability?: LogDurability; readonly capacityBytes?: number },
  clocks: { readonly clock: () => number; readonly monotonicMs: () => number },
): SequencedStore {
  const { durability = 'always', capacityBytes = 256 * 1024 } = options
  return openOnDisk({
    disk,
    durability,
    capacityBytes,
    intervalMs: 100,
    segmentBytes: SEGMENT_BYTES,
    ...clocks,
  }).store
}

/** What the table shows, to everybody. */
export function stateOf(store: SequencedStore): Map<string, ModelEntry> {
  const found: WalkedEntry[] = []
  for (let cursor = 0; ; ) {
    cursor = store.table.walker.step(cursor, found, true)
    if (cursor === 0) break
  }
  return new Map(
    found.map(({ key, value, expiresAtMs }) => [
      key.toString('latin1'),
      { value: value?.toString('latin1') ?? '', expiresAtMs },
    ]),
  )
}

/** Without what has expired by `timeMs`, in an order. */
export function liveAt(state: ModelState, timeMs: number): [string, ModelEntry][] {
  return [...state].filter(([, { expiresAtMs }]) => expiresAtMs > timeMs).sort(([a], [b]) => (a < b ? -1 : 1))
}

export class SequencedTrial {
  readonly #options: SequencedTrialOptions
  readonly #random: SeededRandom
  readonly #model = new MapOverlay()
  readonly #modelStore = new OverlayStore(this.#model)
  /** The state after each batch that was accepted and not refused, by position; the first is that of the start. */
  readonly #states = new Map<number, ModelState>([[0, new Map()]])
  #store: SequencedStore | undefined
  #wallMs = START_MS
  #latestMs = START_MS
  #monotonicMs = 0
  #held: number[] = []
  /** Positions that were promised: to a killed process, and to one that loses its power. */
  releasedLsn = 0
  durableLsn = 0
  /** Groups that a commit refused, and evaluations that were refused at once. */
  refusals = 0
  refusedAtOnce = 0
  snapshots = 0
  /** Why the run ended, if it was not done. */
  failure: unknown
  /** When the log failed: what was in flight may or may not be there. */
  #unknown: ReadonlyMap<number, ModelState> | undefined

  constructor(options: SequencedTrialOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  /** Runs to the end, or until the power goes or the log fails; what else is thrown is a broken promise. */
  run(): this {
    try {
      this.#open()
      for (let step = 0; step < this.#options.steps; step++) {
        this.#step()
        if (this.#options.disk.isCrashed) throw this.#running().failure
      }
      this.#close()
    } catch (error) {
      const isExpected = isOperationError(error) || errorCode(error) !== undefined
      if (!this.#options.disk.isCrashed && !(this.#options.faults === true && isExpected)) throw error
      this.failure = error
    }
    return this
  }

  /** What is wrong with a store that was opened on what is left of the disk, which must reach `guaranteedLsn`. */
  judge(recovered: SequencedStore, guaranteedLsn: number): string | undefined {
    const lsn = recovered.released
    if (lsn < guaranteedLsn) return `position ${lsn} recovered, but ${guaranteedLsn} was promised`
    // Nothing is expired by this time but what somebody may have been told of.
    const timeMs = recovered.table.clock.nowMs()
    const found = liveAt(stateOf(recovered), timeMs)
    const expected = liveAt(this.stateAt(lsn), timeMs)
    if (isDeepStrictEqual(found, expected)) return undefined
    return `at ${lsn}: ${JSON.stringify(found).slice(0, 400)}, not ${JSON.stringify(expected).slice(0, 400)}`
  }

  #step(): void {
    this.#monotonicMs += this.#random.nextInt(60)
    this.#wallMs += this.#random.nextInt(1000)
    const dice = this.#random.nextInt(24)
    if (dice === 0) this.#wallMs += (this.#random.nextInt(3) - 1) * DAY_MS
    this.#latestMs = Math.max(this.#latestMs, this.#wallMs)
    if (this.#options.fills === true)
      this.#options.disk.capacityBytes = this.#random.nextInt(3) === 0 ? 1 : Infinity
    if (dice === 1) this.#restart()
    else if (dice < 5) this.#running().tend(this.#monotonicMs)
    else if (dice < 7) this.#snapshot()
    else this.#group()
    this.#durable()
  }

  #group(): void {
    const store = this.#running()
    for (let count = this.#random.nextInt(6); count >= 0; count--) {
      this.#evaluate(store)
      this.#checkTable(store)
    }
    if (this.#options.answersEarly === true) this.releasedLsn = store.position
    const { released, refused } = store.commit(this.#monotonicMs)
    assert.ok(
      refused !== undefined || this.#held.every((lsn) => lsn <= released),
      'a commit settles everything',
    )
    this.#held = []
    this.#released(store)
    if (refused === undefined) return
    this.refusals++
    if (refused.code === 'LOG_FAILED') this.#unknown ??= new Map(this.#states)
    this.#backTo(released)
  }

  #evaluate(store: SequencedStore): void {
    const work = randomWork(this.#random, this.#model.timeMs, 3000)
    const before = new Map(this.#model.entries)
    let timeMs = 0
    let lsn = 0
    const found = outcomeOf(() => {
      const evaluation = store.evaluate((inner, plain) => {
        timeMs = inner.nowMs()
        return work(withPlainCalls(inner, plain))
      })
      lsn = evaluation.lsn
      return evaluation.result
    })
    assert.ok(timeMs >= this.#model.timeMs, 'time goes on')
    this.#model.timeMs = timeMs
    if (found.code !== undefined) {
      assert.ok(['DISK_FULL', 'LOG_FAILED', 'FULL'].includes(found.code), found.code)
      this.refusedAtOnce++
      // Nothing of it may be; and what came before may have been released on the way.
      this.#model.entries = before
      this.#released(store)
      return
    }
    const expected = outcomeOf(() => work(this.#modelStore))
    assert.deepEqual(found, expected)
    this.#held.push(lsn)
    if (lsn > 0) this.#states.set(store.position, new Map(this.#model.entries))
    this.#released(store)
  }

  /** Notes what is released, and that the table shows it. */
  #released(store: SequencedStore): void {
    this.releasedLsn = Math.max(this.releasedLsn, store.released)
    this.#checkTable(store)
  }

  #checkTable(store: SequencedStore): void {
    const expected = this.stateAt(store.released)
    // A sweep may have gone by the clock of this moment.
    assert.deepEqual(liveAt(stateOf(store), this.#latestMs), liveAt(expected, this.#latestMs))
  }

  /** The state at a position: that of the newest batch up to there. */
  stateAt(lsn: number): ModelState {
    const states = this.#unknown ?? this.#states
    let best = 0
    for (const at of states.keys()) if (at <= lsn && at > best) best = at
    return states.get(best) ?? new Map()
  }

  /** What came after `lsn` was refused. */
  #backTo(lsn: number): void {
    for (const at of this.#states.keys()) if (at > lsn) this.#states.delete(at)
    this.#model.entries = new Map(this.stateAt(lsn))
  }

  #durable(): void {
    this.durableLsn = Math.max(this.durableLsn, this.#running().synced)
  }

  #snapshot(): void {
    const store = this.#running()
    if (!store.isSnapshotRunning) store.startSnapshot()
    for (let count = this.#random.nextInt(4); count >= 0; count--) {
      const made = store.stepSnapshot()
      if (made !== undefined) this.snapshots++
    }
  }

  #restart(): void {
    this.#close()
    this.#open()
    const store = this.#running()
    // Who only read has written no time down; what he met as expired is gone all the same.
    this.#model.timeMs = Math.min(this.#model.timeMs, store.table.clock.nowMs())
    assert.equal(this.judge(store, this.releasedLsn), undefined)
    if (this.#unknown === undefined) return
    // What was unknown is known now.
    for (const [lsn, state] of this.#unknown) this.#states.set(lsn, state)
    this.#unknown = undefined
    this.#backTo(store.released)
  }

  #close(): void {
    const store = this.#running()
    const { released, refused } = store.commit(this.#monotonicMs)
    if (refused !== undefined) this.#backTo(released)
    this.#released(store)
    store.table.check()
    try {
      store.close()
    } catch (error) {
      // Everything was released before: only the mark at the end is missing.
      if (!isOperationError(error) && errorCode(error) === undefined) throw error
      if (this.#options.disk.isCrashed) throw error
    }
    if (store.failure === undefined) this.durableLsn = Math.max(this.durableLsn, store.synced)
    this.#store = undefined
  }

  #open(): void {
    this.#store = openTrial(this.#options.disk, this.#options, {
      clock: () => this.#wallMs,
      monotonicMs: () => this.#monotonicMs,
    })
  }

  #running(): SequencedStore {
    assert.ok(this.#store !== undefined)
    return this.#store
  }
}
