/**
 * The sample job of the original: threads share 800 000 operations, half inserts and half look-ups, on keys 0 to 99 999.
 * Then one thread replays what each of them drew, and every count, every value and every chain must be right.
 *
 * With --speed-up a longer job is timed on 1, 2, 4 and 8 threads, each time with the same number of operations in all.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import {
  HT_RET,
  ht_attach,
  ht_count,
  ht_destroy,
  ht_init,
  ht_insert,
  ht_iterate,
  ht_lookup,
  ht_share,
} from 'hearthkv/imkv'

const KEYS = 100_000
const WARM_UP_OPERATIONS = 60_000
/** Tables: code that was compiled for one is compiled anew when it meets a second. */
const WARM_UPS = 3

/**
 * What a thread draws: a key, and whether to insert it. The same seed draws the same again (mulberry32).
 * @param {number} seed @param {number} operations @param {(key: number, inserts: boolean) => void} perform
 */
function draw(seed, operations, perform) {
  let state = seed
  for (let done = 0; done < operations; done++) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    mixed = (mixed ^ (mixed >>> 14)) >>> 0
    perform((mixed >>> 1) % KEYS, (mixed & 1) === 0)
  }
}

/** @param {number} key */
const textOf = (key) => `value of ${key}`

/** The work of one thread. @param {number} seed @param {number} operations */
function work(seed, operations) {
  const counts = { inserted: 0, refused: 0, found: 0, missing: 0, wrong: 0 }
  const out = { val: '' }
  draw(seed, operations, (key, inserts) => {
    if (inserts) {
      if (ht_insert(String(key), textOf(key)) === HT_RET.INSERT_OK) counts.inserted++
      else counts.refused++
    } else if (ht_lookup(String(key), out) === HT_RET.FOUND) {
      counts.found++
      if (out.val !== textOf(key)) counts.wrong++
    } else counts.missing++
  })
  return counts
}

/** A thread: warms up on tables of its own, joins the shared one, and works when all are ready. */
async function runThread() {
  for (let table = 0; table < WARM_UPS; table++) {
    ht_init(1024)
    work(0, WARM_UP_OPERATIONS)
    ht_destroy()
  }
  if (ht_attach(workerData.table) !== HT_RET.INIT_OK) throw new Error('the table cannot be attached')
  parentPort?.postMessage('ready')
  await once(/** @type {import('node:worker_threads').MessagePort} */ (parentPort), 'message')
  const startedMs = performance.timeOrigin + performance.now()
  const counts = work(workerData.seed, workerData.operations)
  const endedMs = performance.timeOrigin + performance.now()
  parentPort?.postMessage({ counts, startedMs, endedMs })
}

/**
 * Runs the job on a table of its own, which stays for the checks.
 * @param {number} threads @param {number} operations of all threads @param {number} buckets @param {number} firstSeed
 */
async function runJob(threads, operations, buckets, firstSeed) {
  if (ht_init(buckets) !== HT_RET.INIT_OK) throw new Error(`no table with ${buckets} buckets`)
  const seeds = Array.from({ length: threads }, (_, thread) => firstSeed + thread)
  const each = Math.floor(operations / threads)
  const workers = seeds.map(
    (seed) =>
      new Worker(new URL(import.meta.url), { workerData: { table: ht_share(), seed, operations: each } }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const finished = Promise.all(workers.map((worker) => once(worker, 'message')))
  const processorBefore = process.cpuUsage()
  for (const worker of workers) worker.postMessage('go')
  const results = (await finished).map(([result]) => result)
  const { user, system } = process.cpuUsage(processorBefore)
  const startedMs = Math.min(...results.map((result) => result.startedMs))
  const endedMs = Math.max(...results.map((result) => result.endedMs))
  return {
    seeds,
    each,
    seconds: (endedMs - startedMs) / 1000,
    processorSeconds: (user + system) / 1e6,
    counts: results.map((result) => result.counts),
  }
}

/** What is wrong with the table after a job; empty if nothing is. @param {Awaited<ReturnType<typeof runJob>>} job */
function faults({ seeds, each, counts }, buckets) {
  const expected = new Set()
  for (const seed of seeds) draw(seed, each, (key, inserts) => inserts && expected.add(String(key)))
  const sum = (/** @type {string} */ name) => counts.reduce((total, count) => total + count[name], 0)
  const out = { val: '' }
  const absent = [...expected].filter(
    (key) => ht_lookup(key, out) !== HT_RET.FOUND || out.val !== textOf(key),
  )
  const chained = Array.from({ length: buckets }, (_, bucket) => ht_iterate(bucket)).flat()
  const strangers = chained.filter(([key]) => !expected.has(key))
  return Object.entries({
    'entries missing or wrong': absent.length,
    'entries too many or too few': ht_count() - expected.size,
    'inserts that succeeded too often or too rarely': sum('inserted') - expected.size,
    'entries of all chains too many or too few': chained.length - expected.size,
    'entries in chains that nobody inserted': strangers.length,
    'look-ups with a wrong value': sum('wrong'),
    'operations without an answer':
      seeds.length * each - sum('inserted') - sum('refused') - sum('found') - sum('missing'),
  }).filter(([, number]) => number !== 0)
}

/** @param {readonly number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0

async function main() {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', default: '8' },
      operations: { type: 'string' },
      buckets: { type: 'string', default: '16384' },
      rounds: { type: 'string', default: '5' },
      'speed-up': { type: 'boolean', default: false },
    },
  })
  // The job itself is short: timed, it runs longer, so that compiling it in every thread does not weigh too much.
  const operations = Number(values.operations ?? (values['speed-up'] ? 3_200_000 : 800_000))
  const buckets = Number(values.buckets)
  const seedOf = (/** @type {number} */ round) => 1000 * (round + 1)
  if (values['speed-up']) {
    const counts = [1, 2, 4, 8]
    /** @type {number[][]} */
    const rates = counts.map(() => [])
    /** @type {number[][]} */
    const costs = counts.map(() => [])
    // Round by round, so that a slow minute of the machine falls on all of them.
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [index, threads] of counts.entries()) {
        const { seconds, processorSeconds, each } = await runJob(threads, operations, buckets, seedOf(round))
        rates[index]?.push((each * threads) / seconds)
        costs[index]?.push((processorSeconds * 1e6) / (each * threads))
        ht_destroy()
      }
    }
    const alone = median(rates[0] ?? [])
    for (const [index, threads] of counts.entries()) {
      const rate = median(rates[index] ?? [])
      const cost = median(costs[index] ?? [])
      console.log(
        `${threads} threads: ${(rate / 1e6).toFixed(2)} M operations/s, ${(rate / alone).toFixed(2)}x, ` +
          `${cost.toFixed(2)} us of processor each`,
      )
    }
    return
  }
  const job = await runJob(Number(values.threads), operations, buckets, seedOf(0))
  const wrong = faults(job, buckets)
  const done = job.each * job.seeds.length
  console.log(`${values.threads} threads, ${done} operations, ${buckets} buckets`)
  console.log(`${ht_count()} entries, ${(done / job.seconds / 1e6).toFixed(2)} M operations/s`)
  for (const [what, number] of wrong) console.log(`${number} ${what}`)
  if (wrong.length === 0) console.log('equal to what one thread replays')
  process.exitCode = wrong.length === 0 ? 0 : 1
}

if (isMainThread) await main()
else await runThread()
