/**
 * The long runs, round after round with a new seed, bounded in time and count; the first failure ends them with its seed
 * and exit code 1. Each part runs until it has reached its own number:
 *
 *   storm         readers under a storm of writers                 --reads
 *   histories     operations checked for linearizability           --operations
 *   terminations  rounds of worker threads terminated under load   --rounds
 *   schedules     interleavings chosen store by store              --schedules
 *   kills         rounds of processes killed under load (Linux)    --kills
 *   crashes       a durable node killed under load (Linux)         --crashes
 *   log           the log on a simulated disk, and killed writers  --log-rounds
 *   sequenced     the sequenced writer on a simulated disk         --sequenced-rounds
 *   clients       requests of 16 threads in 4 processes (Linux)   --requests
 *
 *   npm run torture                                      all parts, 15 minutes at most
 *   npm run torture -- --only storm --reads 50000000     until reached, or --minutes
 *   npm run torture -- --minutes 2 --reads 1000000 --seed 7
 *
 * The last lines say what was reached of what was asked.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureReady } from './setup.mjs'

const PARTS = [
  'storm',
  'histories',
  'terminations',
  'schedules',
  'kills',
  'crashes',
  'log',
  'sequenced',
  'clients',
]
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '15' },
    reads: { type: 'string', default: '50000000' },
    operations: { type: 'string', default: '5000000' },
    rounds: { type: 'string', default: '2000' },
    schedules: { type: 'string', default: '500000' },
    kills: { type: 'string', default: '2000' },
    crashes: { type: 'string', default: '1000' },
    'log-rounds': { type: 'string', default: '200' },
    'sequenced-rounds': { type: 'string', default: '500' },
    requests: { type: 'string', default: '10000000' },
    only: { type: 'string', multiple: true, default: PARTS },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const limits = {
  ms: Number(values.minutes) * 60_000,
  reads: Number(values.reads),
  operations: Number(values.operations),
  rounds: Number(values.rounds),
  schedules: Number(values.schedules),
  kills: Number(values.kills),
  crashes: Number(values.crashes),
  logRounds: Number(values['log-rounds']),
  sequencedRounds: Number(values['sequenced-rounds']),
  requests: Number(values.requests),
}
const firstSeed = Number(values.seed)
if (
  !(Object.values(limits).every((limit) => limit > 0) && Number.isSafeInteger(firstSeed) && firstSeed >= 0)
) {
  console.error('torture: --minutes and what is asked of each part must be above 0, --seed a whole number')
  process.exit(2)
}
if (!values.only.every((part) => PARTS.includes(part))) {
  console.error(`torture: --only takes ${PARTS.join(', ')}`)
  process.exit(2)
}

await ensureReady()
const { complaintOf, runHistory } = await import('../dist/test/history-run.js')
const { runCrowd } = await import('../dist/test/served-crowd.js')
const { runStorm } = await import('../dist/test/storm.js')
const { runTerminations } = await import('../dist/test/terminate.js')
const { runLaneSchedules } = await import('../dist/test/lane-schedule-scenes.js')
const { runSchedules } = await import('../dist/test/schedule-run.js')
const { runKills, summaryOf } = await import('../dist/test/kill.js')
const { crashNode } = await import('../dist/test/node-crash.js')
const { crashEverywhere } = await import('../dist/test/log-crashes.js')
const { killRound } = await import('../dist/test/log-kill.js')
const { sequencedRound } = await import('../dist/test/sequenced-crashes.js')
const { SharedMap } = await import('../dist/index.js')
const { NO_NAMED_TABLES, useScratchDirectory } = await import('../dist/test/named-scratch.js')

const STORM_READS = 1_000_000
const ROUNDS_AT_ONCE = 40
const REQUESTS_A_THREAD = 20_000
const SCHEDULES_AT_ONCE = 5000
const KILLS_AT_ONCE = 50
const CRASHES_AT_ONCE = 20
/** What a death may cost others, in milliseconds: measured and told, not asserted. */
const GO_ON_MS = 200
const startedAt = performance.now()
/** Where the named tables of this run live. @type {string | undefined} */
let scratch
const done = {
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
const wentOnMs = [[], []]

/** What is asked of each part, and whether there is more to do. */
const PARTS_LEFT = {
  storm: { run: oneStorm, left: () => done.reads < limits.reads },
  histories: { run: someHistories, left: () => done.operations < limits.operations },
  terminations: { run: someTerminations, left: () => done.rounds < limits.rounds },
  schedules: { run: someSchedules, left: () => done.schedules < limits.schedules },
  kills: { run: someKills, left: () => NO_NAMED_TABLES === false && done.kills < limits.kills },
  log: { run: oneLogRound, left: () => done.logRounds < limits.logRounds },
  sequenced: { run: oneSequencedRound, left: () => done.sequencedRounds < limits.sequencedRounds },
  clients: { run: oneCrowd, left: () => NO_NAMED_TABLES === false && done.requests < limits.requests },
  crashes: { run: someCrashes, left: () => NO_NAMED_TABLES === false && done.crashes < limits.crashes },
}
const leftMs = () => limits.ms - (performance.now() - startedAt)
const left = () =>
  leftMs() > 0
    ? Object.entries(PARTS_LEFT).filter(([name, part]) => values.only.includes(name) && part.left())
    : []

for (let seed = firstSeed; left().length > 0; seed++) {
  for (const [name, { run }] of left()) {
    try {
      await run(seed)
    } catch (error) {
      console.error(`torture: ${name}, seed ${seed} failed`, error)
      process.exit(1)
    }
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`${seconds} s, seed ${seed}: ${JSON.stringify(done)}`)
}
for (const [part, unit] of [
  ['storm', 'reads'],
  ['histories', 'operations'],
  ['terminations', 'rounds'],
  ['schedules', 'schedules'],
  ['kills', 'kills'],
  ['crashes', 'crashes'],
  ['log', 'logRounds'],
  ['sequenced', 'sequencedRounds'],
  ['clients', 'requests'],
]) {
  if (!values.only.includes(part)) continue
  const [found, asked] = [done[unit], limits[unit]]
  const verdict = found >= asked ? 'reached' : 'NOT reached: time was up'
  console.log(`torture: ${found} of ${asked} ${unit}, ${verdict}`)
}
if (done.killed > 0) {
  const [own, others] = wentOnMs.map((ms) => JSON.stringify(summaryOf(ms, GO_ON_MS)))
  console.log(
    `torture: after a kill, ms until its stripes could be written: ${own}, until all others had gone on: ${others}`,
  )
}
console.log('torture: nothing found')

function scratchDirectory() {
  scratch ??= useScratchDirectory()
  return scratch
}

/** Of those that were made here. */
function removeTables() {
  if (scratch !== undefined) for (const { name } of SharedMap.list()) SharedMap.unlink(name)
}

/** @param {number} seed */
async function someHistories(seed) {
  for (const kind of /** @type {const} */ (['numbers', 'texts', 'blobs'])) {
    const shape = seed % 2 === 0 ? { threads: 4, keys: 1, stripes: 1 } : { threads: 6, keys: 4 }
    // One in three in processes, some of which can only read.
    const apart = seed % 3 === 2 && !NO_NAMED_TABLES ? { directory: scratchDirectory(), readers: 2 } : {}
    // One in three asks a server: reads go past it, writes through its lanes.
    const served = seed % 3 === 1 && !NO_NAMED_TABLES ? { laneWorkers: 2 } : {}
    if (seed % 3 === 1) scratchDirectory()
    const all = { ...shape, ...apart, ...served }
    const report = await runHistory({ subject: { values: kind }, seed, operationsPerThread: 5000, ...all })
    removeTables()
    const complaint = complaintOf(report)
    if (complaint !== undefined) throw new Error(complaint)
    done.histories++
    done.operations += report.operations
  }
}

/** @param {number} seed */
async function oneStorm(seed) {
  const kind = seed % 2 === 0 ? 'text' : 'bytes'
  const threads = seed % 4 < 2 ? { readers: 3, writers: 1 } : { readers: 2, writers: 2 }
  // One in three on a named table, which the readers cannot store into.
  const isNamed = seed % 3 === 2 && !NO_NAMED_TABLES
  if (isNamed) scratchDirectory()
  const named = isNamed ? { name: `storm ${seed}` } : {}
  const shape = { ...threads, ...named, reads: STORM_READS, keys: 300, capacity: '16MiB' }
  const counts = await runStorm({ kind, seed, ...shape })
  removeTables()
  done.storms++
  done.reads += counts.reads
  done.writes += counts.writes
}

/** @param {number} seed */
async function someTerminations(seed) {
  const evicts = seed % 3 === 2
  const shape = seed % 2 === 0 ? { workers: 4, stripes: 1, evicts } : { workers: 6, stripes: 4, evicts }
  const rounds = Math.min(ROUNDS_AT_ONCE, limits.rounds - done.rounds)
  const counts = await runTerminations({ seed, rounds, mostMs: Math.max(1, leftMs()), ...shape })
  done.rounds += counts.rounds
  done.terminated += counts.terminated
  done.repairs += counts.repairs
}

/** @param {number} seed */
async function someSchedules(seed) {
  const schedules = Math.min(SCHEDULES_AT_ONCE, limits.schedules - done.schedules)
  done.schedules += (await runSchedules(seed, schedules)).schedules
  done.schedules += await runLaneSchedules(seed, Math.ceil(schedules / 5))
}

/** @param {number} seed */
async function someKills(seed) {
  const shape = seed % 2 === 0 ? { processes: 3, stripes: 1 } : { processes: 4, stripes: 4 }
  const rounds = Math.min(KILLS_AT_ONCE, limits.kills - done.kills)
  const counts = await runKills({
    seed,
    directory: scratchDirectory(),
    rounds,
    mostMs: Math.max(1, leftMs()),
    ...shape,
  })
  done.kills += counts.rounds
  done.killed += counts.killed
  done.repairs += counts.repairs
  wentOnMs[0]?.push(...counts.ownMs)
  wentOnMs[1]?.push(...counts.othersMs)
}

/** @param {number} seed */
async function someCrashes(seed) {
  scratch ??= useScratchDirectory()
  const directory = mkdtempSync(join(tmpdir(), 'hearth-crash-'))
  try {
    const counts = await crashNode({
      directory,
      name: `crash ${process.pid}`,
      seed,
      kills: Math.min(CRASHES_AT_ONCE, limits.crashes - done.crashes),
      mostLifeMs: 400,
      mostMs: Math.max(1, leftMs()),
    })
    done.crashes += counts.kills
    done.acknowledged += counts.acknowledged
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** As `dist/test/log-torture.js` does: power lost after every call of a workload, then a real process killed. @param {number} seed */
async function oneLogRound(seed) {
  const durability = /** @type {const} */ (['always', 'interval', 'os'])[seed % 3]
  const counts = { points: 0, recoveries: 0, nested: 0, snapshots: 0 }
  crashEverywhere({ seed, durability, steps: 60, plans: 8, exhaustiveBelow: 6, nestedEvery: 20 }, counts)
  done.acknowledged += await killRound(seed)
  done.logRounds++
  done.points += counts.points
  done.recoveries += counts.recoveries
}

/** @param {number} seed */
async function oneSequencedRound(seed) {
  const counts = { points: 0, recoveries: 0, refusals: 0, snapshots: 0 }
  sequencedRound(seed, counts)
  done.sequencedRounds++
  done.points += counts.points
  done.recoveries += counts.recoveries
}

/** Processes and threads that ask one server in every way at once. @param {number} seed */
async function oneCrowd(seed) {
  scratchDirectory()
  const shape = { processes: 4, threads: 4, requests: REQUESTS_A_THREAD, laneWorkers: 1 + (seed % 3) }
  done.requests += await runCrowd({ seed, ...shape })
}
