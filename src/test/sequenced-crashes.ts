/**
 * Loss of power, and death of the process, after every call of a workload on a sequenced store. Used by the tests with
 * few seeds and by the torture script with many.
 */
import assert from 'node:assert/strict'
import { seededRandom } from '../base/random.js'
import { DROP_ALL, KEEP_ALL, randomPlan } from '../log/crash-plan.js'
import { type Fault, SimulatedDisk } from '../log/simulated-disk.js'
import type { Store } from '../store/store.js'
import { liveAt, openTrial, SequencedTrial, type SequencedTrialOptions, stateOf } from './sequenced-trial.js'

export type SequencedCrashOptions = Omit<SequencedTrialOptions, 'disk'> & {
  /** Plans by chance, besides keeping and dropping all. */
  readonly plans?: number
  /** Only every n-th call. */
  readonly every?: number
}

export interface SequencedCounts {
  /** Calls after which the power went, or that failed. */
  points: number
  recoveries: number
  refusals: number
  snapshots: number
}

/** Clocks of the next start: a clock that has stepped back far must not bring anything back. */
const CLOCKS = { clock: () => 1_600_000_000_000, monotonicMs: () => 0 }

/** Throws an error that names seed, call and plan if a promise is broken. */
export function crashSequenced(options: SequencedCrashOptions, counts: SequencedCounts): void {
  const disk = new SimulatedDisk()
  const trial = new SequencedTrial({ ...options, disk }).run()
  counts.snapshots += trial.snapshots
  const random = seededRandom(options.seed ^ 0x5bd1)
  const every = options.every ?? 1
  for (let call = 1 + random.nextInt(every); call <= disk.calls; call += every) {
    const crashed = new SimulatedDisk()
    crashed.inject({ at: call, code: 'crash' })
    const stopped = new SequencedTrial({ ...options, disk: crashed }).run()
    counts.points++
    const where = `seed ${options.seed}, call ${call}`
    check(crashed.afterExit(), stopped, stopped.releasedLsn, `${where}, process killed`)
    const plans = [
      DROP_ALL,
      KEEP_ALL,
      ...Array.from({ length: options.plans ?? 0 }, () => randomPlan(random)),
    ]
    for (const [number, plan] of plans.entries())
      check(crashed.crash(plan), stopped, stopped.durableLsn, `${where}, plan ${number}`)
    counts.recoveries += 1 + plans.length
  }
}

/** A fault at every call of its kind, and the run goes on; then everything acknowledged is there after a restart. */
export function faultSequenced(
  options: SequencedCrashOptions & { readonly fault: Omit<Fault, 'at'> },
  counts: SequencedCounts,
): void {
  const whole = new SimulatedDisk()
  new SequencedTrial({ ...options, disk: whole }).run()
  for (let at = 1; at <= whole.calls; at += options.every ?? 1) {
    const disk = new SimulatedDisk()
    disk.inject({ ...options.fault, at })
    const trial = new SequencedTrial({ ...options, disk, faults: true }).run()
    counts.points++
    counts.refusals += trial.refusals
    disk.clearFaults()
    const where = `seed ${options.seed}, ${options.fault.code} at ${options.fault.call ?? 'call'} ${at}`
    check(disk.afterExit(), trial, trial.releasedLsn, where)
    counts.recoveries++
  }
}

const LEVELS = ['always', 'interval', 'os'] as const

/** Every kind of failure that a call of the disk can have. */
export const DISK_FAULTS = [
  { call: 'sync', code: 'EIO' },
  { call: 'write', code: 'EIO' },
  { call: 'write', code: 'ENOSPC' },
  { call: 'write', code: 'short' },
  { call: 'preallocate', code: 'ENOSPC', times: 3 },
  { call: 'rename', code: 'EIO' },
  { call: 'open', code: 'EMFILE' },
  { call: 'unlink', code: 'EROFS' },
  { call: 'syncDirectory', code: 'EIO' },
  { call: 'truncate', code: 'EIO' },
  { call: 'read', code: 'EIO' },
  { call: 'list', code: 'EACCES' },
] as const

/** One round of everything from one seed: for the torture script. */
export function sequencedRound(seed: number, counts: SequencedCounts): void {
  const durability = LEVELS[seed % LEVELS.length] ?? 'always'
  const capacityBytes = seed % 5 === 0 ? 64 * 1024 : 256 * 1024
  for (const fills of [true, false])
    new SequencedTrial({
      seed,
      disk: new SimulatedDisk(),
      steps: 80,
      durability,
      fills,
      faults: fills,
      capacityBytes,
    }).run()
  crashSequenced({ seed, steps: 25, durability, plans: 2, every: 7 }, counts)
  const fault = DISK_FAULTS[seed % DISK_FAULTS.length]
  if (fault !== undefined) faultSequenced({ seed, steps: 25, durability, every: 5, fault }, counts)
}

const AFTER = Buffer.from('after the start')
const WRITE = (store: Store): unknown => store.set(AFTER, AFTER, 'none', 'always')
const TAKE_BACK = (store: Store): unknown => store.delete(AFTER)

/** Starts on `disk`, writes, and starts again after a loss of power; judges both. */
function check(disk: SimulatedDisk, trial: SequencedTrial, guaranteedLsn: number, where: string): void {
  const store = openTrial(disk, {}, CLOCKS)
  const complaint = trial.judge(store, guaranteedLsn)
  if (complaint !== undefined) throw new Error(`${where}: ${complaint}`)
  store.table.check()
  const shown = liveAt(stateOf(store), store.table.clock.nowMs())
  for (const work of [WRITE, TAKE_BACK]) {
    store.evaluate(work)
    assert.equal(store.commit(0).refused, undefined, where)
  }
  const again = openTrial(disk.crash(DROP_ALL), {}, CLOCKS)
  const found = liveAt(stateOf(again), store.table.clock.nowMs())
  assert.deepEqual(found, shown, `${where}, then a loss of power: what was shown is there`)
  again.close()
  store.close()
}
