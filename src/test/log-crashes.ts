/**
 * Loss of power after every call of a workload, and again during the recovery from it. Used by the tests of the log
 * with few seeds and by the torture script with many.
 */
import { type SeededRandom, seededRandom } from '../base/random.js'
import type { CrashPlan } from '../log/crash-plan.js'
import { DROP_ALL, KEEP_ALL, randomPlan, subsetPlan } from '../log/crash-plan.js'
import { RecordBatch } from '../log/record-batch.js'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { addToBatch, LogModel } from './log-model.js'
import { reopen, runTrial, type Trial, type TrialOptions } from './log-trial.js'

export type CrashOptions = Omit<TrialOptions, 'disk'> & {
  /** Up to so many unsynced changes every subset of them is tried. */
  readonly exhaustiveBelow?: number
  /** Otherwise so many plans by chance, besides keeping and dropping all. */
  readonly plans?: number
  /** Crash during recovery after every n-th crash point. */
  readonly nestedEvery?: number
}

export interface CrashCounts {
  /** Calls after which the power went. */
  points: number
  /** Disks that were recovered. */
  recoveries: number
  /** Recoveries that were interrupted and run again. */
  nested: number
  snapshots: number
}

/** Throws an error that names seed, call and plan if a promise is broken. */
export function crashEverywhere(options: CrashOptions, counts: CrashCounts): void {
  const whole = new SimulatedDisk()
  const trial = runTrial({ ...options, disk: whole })
  if (trial.failure !== undefined) throw trial.failure
  counts.snapshots += trial.snapshots
  const random = seededRandom(options.seed ^ 0x5bd1)
  for (let call = 1; call <= whole.calls; call++) {
    const disk = new SimulatedDisk()
    disk.inject({ at: call, code: 'crash' })
    const stopped = runTrial({ ...options, disk })
    counts.points++
    const exit = disk.afterExit()
    check(exit, stopped, stopped.model.acknowledgedLsn, `seed ${options.seed}, call ${call}, process killed`)
    counts.recoveries++
    for (const [name, plan] of plansFor(disk, options, random)) {
      const where = `seed ${options.seed}, call ${call}, ${name}`
      check(disk.crash(plan()), stopped, stopped.durableLsn, where)
      counts.recoveries++
    }
    if (call % (options.nestedEvery ?? Infinity) === 0) {
      const where = `seed ${options.seed}, call ${call}`
      const { durableLsn, model } = stopped
      counts.nested += crashInRecovery(disk.crash(randomPlan(random)), stopped, durableLsn, random, where)
      const [exit, promised] = [disk.afterExit(), model.acknowledgedLsn]
      counts.nested += crashInRecovery(exit, stopped, promised, random, `${where}, process killed`)
    }
  }
}

function plansFor(disk: SimulatedDisk, options: CrashOptions, random: SeededRandom) {
  const plans: [string, () => CrashPlan][] = [
    ['nothing kept', () => DROP_ALL],
    ['all kept', () => KEEP_ALL],
  ]
  const changes = disk.unsyncedChanges
  if (changes <= (options.exhaustiveBelow ?? 0))
    for (let mask = 1; mask < 2 ** changes - 1; mask++) plans.push([`subset ${mask}`, () => subsetPlan(mask)])
  for (let count = 0; count < (options.plans ?? 0); count++)
    plans.push([`plan ${count}`, () => randomPlan(random)])
  return plans
}

/** Starts on `disk`, writes a batch more, and starts again, after a loss of power, too; judges all of them. */
export function check(disk: SimulatedDisk, trial: Trial, guaranteedLsn: number, where: string): void {
  const { outcome, writer } = reopen(disk)
  const complaint = trial.model.judge(outcome, guaranteedLsn)
  if (complaint !== undefined || writer === undefined || 'refusal' in outcome)
    throw new Error(`${where}: ${complaint}`)
  const record = { type: 'set', key: 'after', value: where, expiresAtMs: Infinity } as const
  const batch = new RecordBatch()
  addToBatch(batch, record)
  const lastLsn = writer.append(batch)
  writer.sync()
  const model = new LogModel()
  for (const each of trial.model.batches) if (each.lastLsn <= outcome.lastLsn) model.append(each)
  model.append({ lastLsn, records: [record] })
  for (const [how, next] of [
    ['after one batch more', disk.afterExit()],
    ['after one batch more and a loss of power', disk.crash(DROP_ALL)],
  ] as const) {
    const again = model.judge(reopen(next).outcome, lastLsn)
    if (again !== undefined) throw new Error(`${where}, ${how}: ${again}`)
  }
}

/**
 * The power goes, or the process is killed, after every call of the recovery of `start`; returns how often. What a killed
 * process has left must be there after a second kill, and what was on disk after a loss of power.
 */
function crashInRecovery(
  start: SimulatedDisk,
  trial: Trial,
  guaranteedLsn: number,
  random: SeededRandom,
  where: string,
): number {
  for (let call = 1; ; call++) {
    const disk = start.afterExit()
    disk.inject({ at: call, code: 'crash' })
    try {
      reopen(disk)
      return call - 1
    } catch (error) {
      if (!disk.isCrashed) throw error
    }
    const here = `${where}, call ${call} of the recovery`
    check(disk.afterExit(), trial, guaranteedLsn, `${here}, process killed`)
    for (const plan of [DROP_ALL, KEEP_ALL, randomPlan(random)])
      check(disk.crash(plan), trial, trial.durableLsn, here)
  }
}
