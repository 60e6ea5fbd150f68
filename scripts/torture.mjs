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
const { PARTS: parts, partsLeft, Run } = await import('./torture-parts.mjs')
const { ms, ...asked } = limits
const startedAt = performance.now()
const leftMs = () => ms - (performance.now() - startedAt)
const run = new Run(asked, leftMs)
const left = () => (leftMs() > 0 ? partsLeft(values.only, run) : [])

for (let seed = firstSeed; left().length > 0; seed++) {
  for (const [name, { round }] of left()) {
    try {
      await round(seed, run)
    } catch (error) {
      console.error(`torture: ${name}, seed ${seed} failed`, error)
      process.exit(1)
    }
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`${seconds} s, seed ${seed}: ${JSON.stringify(run.done)}`)
}
for (const [part, { unit }] of Object.entries(parts)) {
  if (!values.only.includes(part)) continue
  const verdict = run.upTo(unit, Infinity) <= 0 ? 'reached' : 'NOT reached: time was up'
  console.log(`torture: ${run.reached(unit)} of ${run.limits[unit]} ${unit}, ${verdict}`)
}
if (run.deaths !== undefined) console.log(`torture: ${run.deaths}`)
console.log('torture: nothing found')
