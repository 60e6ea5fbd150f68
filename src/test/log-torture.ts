/**
 * The log under torture, for as long as it is let: seeds without end, each a workload on the simulated disk that loses
 * its power after every call, under all levels, and again during recovery; and real processes killed while they write
 * to the real disk.
 *
 *   node dist/test/log-torture.js --rounds 200 --kills 100 --minutes 5 --seed 1
 *
 * Prints what was done; the first broken promise ends it with its seed and exit code 1.
 */
import { parseArgs } from 'node:util'
import { crashEverywhere } from './log-crashes.js'
import { killRound } from './log-kill.js'

const LEVELS = ['always', 'interval', 'os'] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    kills: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const [rounds, kills, minutes, firstSeed] = [values.rounds, values.kills, values.minutes, values.seed].map(
  Number,
)
if (![rounds, kills, minutes, firstSeed].every((value) => value !== undefined && value >= 0)) {
  console.error('log-torture: --rounds, --kills, --minutes and --seed are numbers of 0 or more')
  process.exit(2)
}

const endsAt = performance.now() + Number(minutes) * 60_000
const counts = { points: 0, recoveries: 0, nested: 0, snapshots: 0 }
let done = 0
for (; done < Number(rounds) && performance.now() < endsAt; done++) {
  const seed = Number(firstSeed) + done
  const durability = LEVELS[done % LEVELS.length] ?? 'always'
  crashEverywhere({ seed, durability, steps: 60, plans: 8, exhaustiveBelow: 6, nestedEvery: 20 }, counts)
  if (done % 10 === 9) console.log(`seed ${seed}: ${JSON.stringify(counts)}`)
}
console.log(`log-torture: ${done} of ${rounds} rounds, ${JSON.stringify(counts)}`)

let killed = 0
let acknowledged = 0
for (; killed < Number(kills) && performance.now() < endsAt; killed++) {
  acknowledged += await killRound(Number(firstSeed) + killed)
}
console.log(
  `log-torture: ${killed} of ${kills} processes killed, ${acknowledged} acknowledged writes all there`,
)
