/**
 * The long runs: histories checked for linearizability, and readers under a storm of writers, each round with a new
 * seed, bounded in time and count. The first failure ends it with its seed and exit code 1.
 *
 *   npm run torture                         10 minutes at most, 50 million reads at most
 *   npm run torture -- --minutes 2 --reads 1000000 --seed 7
 */
import { parseArgs } from 'node:util'
import { ensureReady } from './setup.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    reads: { type: 'string', default: '50000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const limits = { ms: Number(values.minutes) * 60_000, reads: Number(values.reads) }
const firstSeed = Number(values.seed)
if (!(limits.ms > 0 && limits.reads > 0 && Number.isSafeInteger(firstSeed) && firstSeed >= 0)) {
  console.error('torture: --minutes and --reads must be above 0, --seed a whole number')
  process.exit(2)
}

await ensureReady()
const { complaintOf, runHistory } = await import('../dist/test/history-run.js')
const { runStorm } = await import('../dist/test/storm.js')

const STORM_READS = 500_000
const startedAt = performance.now()
const done = { histories: 0, operations: 0, storms: 0, reads: 0, writes: 0 }

for (let seed = firstSeed; performance.now() - startedAt < limits.ms && done.reads < limits.reads; seed++) {
  try {
    await oneRound(seed)
  } catch (error) {
    console.error(`torture: seed ${seed} failed`, error)
    process.exit(1)
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`${seconds} s, seed ${seed}: ${JSON.stringify(done)}`)
}
console.log('torture: nothing found')

/** @param {number} seed */
async function oneRound(seed) {
  for (const kind of /** @type {const} */ (['numbers', 'texts', 'blobs'])) {
    const shape = seed % 2 === 0 ? { threads: 4, keys: 1, stripes: 1 } : { threads: 6, keys: 4 }
    const report = await runHistory({ subject: { values: kind }, seed, operationsPerThread: 5000, ...shape })
    const complaint = complaintOf(report)
    if (complaint !== undefined) throw new Error(complaint)
    done.histories++
    done.operations += report.operations
  }
  const kind = seed % 2 === 0 ? 'text' : 'bytes'
  const shape = { readers: 2, writers: 2, reads: STORM_READS, keys: 300, capacity: '16MiB' }
  const counts = await runStorm({ kind, seed, ...shape })
  done.storms++
  done.reads += counts.reads
  done.writes += counts.writes
}
