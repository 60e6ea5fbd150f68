/**
 * The parts of the torture script, each one round with one seed. What they reach is counted in a {@link Run}, the first failure
 * is thrown. Needs the compiled output: torture.mjs loads this file once that is there.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SharedMap } from '../dist/index.js'
import { complaintOf, runHistory } from '../dist/test/history-run.js'
import { runKills, summaryOf } from '../dist/test/kill.js'
import { runLaneSchedules } from '../dist/test/lane-schedule-scenes.js'
import { crashEverywhere } from '../dist/test/log-crashes.js'
import { killRound } from '../dist/test/log-kill.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../dist/test/named-scratch.js'
import { crashNode } from '../dist/test/node-crash.js'
import { runSchedules } from '../dist/test/schedule-run.js'
import { sequencedRound } from '../dist/test/sequenced-crashes.js'
import { runCrowd } from '../dist/test/served-crowd.js'
import { runStorm } from '../dist/test/storm.js'
import { runTerminations } from '../dist/test/terminate.js'

/** @typedef {Record<string, number>} Limits what is asked of each part, by its unit */
/** @typedef {(seed: number, run: Run) => void | Promise<void>} Round */

const STORM_READS = 1_000_000
const ROUNDS_AT_ONCE = 40
const REQUESTS_A_THREAD = 20_000
const SCHEDULES_AT_ONCE = 5000
const KILLS_AT_ONCE = 50
const CRASHES_AT_ONCE = 20
/** What a death may cost others, in milliseconds: measured and told, not asserted. */
const GO_ON_MS = 200

/** What a run is asked, and what it has reached. */
export class Run {
  done = {
    histories: 0,
    operations: 0,
    storms: 0,
    reads: 0,
    writes: 0,
    rounds: 0,
    terminated: 0,
    repairs: 0,
    schedules: 0,
    kills: 0,
    killed: 0,
    crashes: 0,
    acknowledged: 0,
    logRounds: 0,
    sequencedRounds: 0,
    requests: 0,
    /** Calls of simulated disks after which the power went or that failed, and starts after them. */
    points: 0,
    recoveries: 0,
  }
  /** Milliseconds from each kill until this process, and until every other one, had gone on. @type {number[][]} */
  wentOnMs = [[], []]
  /** Where the named tables of this run live. @type {string | undefined} */
  #scratch

  /**
   * @param {Limits} limits
   * @param {() => number} leftMs
   */
  constructor(limits, leftMs) {
    this.limits = limits
    this.leftMs = leftMs
  }

  scratchDirectory() {
    this.#scratch ??= useScratchDirectory()
    return this.#scratch
  }

  /** Of those that were made here. */
  removeTables() {
    if (this.#scratch !== undefined) for (const { name } of SharedMap.list()) SharedMap.unlink(name)
  }

  /** How much of `unit` one round may still do. @param {string} unit @param {number} most */
  upTo(unit, most) {
    return Math.min(most, Number(this.limits[unit]) - this.reached(unit))
  }

  /** @param {string} unit */
  reached(unit) {
    return Number(/** @type {Record<string, number>} */ (this.done)[unit])
  }

  /** How soon others went on after a kill, if anybody was killed. @returns {string | undefined} */
  get deaths() {
    if (this.done.killed === 0) return undefined
    const [own, others] = this.wentOnMs.map((ms) => JSON.stringify(summaryOf(ms, GO_ON_MS)))
    return `after a kill, ms until its stripes could be written: ${own}, until all others had gone on: ${others}`
  }
}

/** By name: what is counted, and one round. Those that need named tables are left out where there are none. */
export const PARTS = /** @type {Record<string, { unit: string, round: Round, isNamed?: true }>} */ ({
  storm: { unit: 'reads', round: oneStorm },
  histories: { unit: 'operations', round: someHistories },
  terminations: { unit: 'rounds', round: someTerminations },
  schedules: { unit: 'schedules', round: someSchedules },
  kills: { unit: 'kills', round: someKills, isNamed: true },
  crashes: { unit: 'crashes', round: someCrashes, isNamed: true },
  log: { unit: 'logRounds', round: oneLogRound },
  sequenced: { unit: 'sequencedRounds', round: oneSequencedRound },
  clients: { unit: 'requests', round: oneCrowd, isNamed: true },
})

/** The parts of `names` that have not reached what is asked of them. @param {string[]} names @param {Run} run */
export function partsLeft(names, run) {
  return Object.entries(PARTS).filter(
    ([name, { unit, isNamed }]) =>
      names.includes(name) && (isNamed !== true || NO_NAMED_TABLES === false) && run.upTo(unit, Infinity) > 0,
  )
}

/** @type {Round} */
async function someHistories(seed, run) {
  for (const kind of /** @type {const} */ (['numbers', 'texts', 'blobs'])) {
    const shape = seed % 2 === 0 ? { threads: 4, keys: 1, stripes: 1 } : { threads: 6, keys: 4 }
    // One in three in processes, some of which can only read.
    const apart = seed % 3 === 2 && !NO_NAMED_TABLES ? { directory: run.scratchDirectory(), readers: 2 } : {}
    // One in three asks a server: reads go past it, writes through its lanes.
    const served = seed % 3 === 1 && !NO_NAMED_TABLES ? { laneWorkers: 2 } : {}
    if (seed % 3 === 1) run.scratchDirectory()
    const all = { ...shape, ...apart, ...served }
    const report = await runHistory({ subject: { values: kind }, seed, operationsPerThread: 5000, ...all })
    run.removeTables()
    const complaint = complaintOf(report)
    if (complaint !== undefined) throw new Error(complaint)
    run.done.histories++
    run.done.operations += report.operations
  }
}

/** @type {Round} */
async function oneStorm(seed, run) {
  const kind = seed % 2 === 0 ? 'text' : 'bytes'
  const threads = seed % 4 < 2 ? { readers: 3, writers: 1 } : { readers: 2, writers: 2 }
  // One in three on a named table, which the readers cannot store into.
  const isNamed = seed % 3 === 2 && !NO_NAMED_TABLES
  if (isNamed) run.scratchDirectory()
  const named = isNamed ? { name: `storm ${seed}` } : {}
  const shape = { ...threads, ...named, reads: STORM_READS, keys: 300, capacity: '16MiB' }
  const counts = await runStorm({ kind, seed, ...shape })
  run.removeTables()
  run.done.storms++
  run.done.reads += counts.reads
  run.done.writes += counts.writes
}

/** @type {Round} */
async function someTerminations(seed, run) {
  const evicts = seed % 3 === 2
  const shape = seed % 2 === 0 ? { workers: 4, stripes: 1, evicts } : { workers: 6, stripes: 4, evicts }
  const rounds = run.upTo('rounds', ROUNDS_AT_ONCE)
  const counts = await runTerminations({ seed, rounds, mostMs: Math.max(1, run.leftMs()), ...shape })
  run.done.rounds += counts.rounds
  run.done.terminated += counts.terminated
  run.done.repairs += counts.repairs
}

/** @type {Round} */
async function someSchedules(seed, run) {
  const schedules = run.upTo('schedules', SCHEDULES_AT_ONCE)
  run.done.schedules += (await runSchedules(seed, schedules)).schedules
  run.done.schedules += await runLaneSchedules(seed, Math.ceil(schedules / 5))
}

/** @type {Round} */
async function someKills(seed, run) {
  const shape = seed % 2 === 0 ? { processes: 3, stripes: 1 } : { processes: 4, stripes: 4 }
  const rounds = run.upTo('kills', KILLS_AT_ONCE)
  const counts = await runKills({
    seed,
    directory: run.scratchDirectory(),
    rounds,
    mostMs: Math.max(1, run.leftMs()),
    ...shape,
  })
  run.done.kills += counts.rounds
  run.done.killed += counts.killed
  run.done.repairs += counts.repairs
  run.wentOnMs[0]?.push(...counts.ownMs)
  run.wentOnMs[1]?.push(...counts.othersMs)
}

/** @type {Round} */
async function someCrashes(seed, run) {
  run.scratchDirectory()
  const directory = mkdtempSync(join(tmpdir(), 'hearth-crash-'))
  try {
    const counts = await crashNode({
      directory,
      name: `crash ${process.pid}`,
      seed,
      kills: run.upTo('crashes', CRASHES_AT_ONCE),
      mostLifeMs: 400,
      mostMs: Math.max(1, run.leftMs()),
    })
    run.done.crashes += counts.kills
    run.done.acknowledged += counts.acknowledged
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** As `dist/test/log-torture.js` does: power lost after every call of a workload, then a real process killed. @type {Round} */
async function oneLogRound(seed, run) {
  const durability = /** @type {const} */ (['always', 'interval', 'os'])[seed % 3]
  const counts = { points: 0, recoveries: 0, nested: 0, snapshots: 0 }
  crashEverywhere({ seed, durability, steps: 60, plans: 8, exhaustiveBelow: 6, nestedEvery: 20 }, counts)
  run.done.acknowledged += await killRound(seed)
  run.done.logRounds++
  run.done.points += counts.points
  run.done.recoveries += counts.recoveries
}

/** @type {Round} */
async function oneSequencedRound(seed, run) {
  const counts = { points: 0, recoveries: 0, refusals: 0, snapshots: 0 }
  sequencedRound(seed, counts)
  run.done.sequencedRounds++
  run.done.points += counts.points
  run.done.recoveries += counts.recoveries
}

/** Processes and threads that ask one server in every way at once. @type {Round} */
async function oneCrowd(seed, run) {
  run.scratchDirectory()
  const shape = { processes: 4, threads: 4, requests: REQUESTS_A_THREAD, laneWorkers: 1 + (seed % 3) }
  run.done.requests += await runCrowd({ seed, ...shape })
}
