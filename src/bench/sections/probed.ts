/** The sections that look at Hearth alone: memory, growth, eviction, flood. Each probe is a process of its own. */
import { atLeast, atMost, type Figure, type Section } from '../figure.js'
import type { EvictionRequest } from '../probes/eviction.js'
import type { FloodRequest } from '../probes/flood.js'
import type { GrowthResult, Throughput } from '../probes/growth.js'
import type { MemoryUse } from '../probes/memory.js'
import { reasonOf, type SectionRun } from '../section.js'
import { median, ratioOf } from '../statistics.js'

type Row = Omit<Figure, 'section' | 'detail'>

const FLOOD_KEYS = 131_072
const FLOOD_TURNS = 3
/** Each has turns of its own; more processes than that only take time. */
const MOST_FLOOD_ROUNDS = 2
const EVICTION_PART = 0.2
const REQUESTS_A_KEY = 8

/** Child processes of each section. */
export const PROBED_STEPS: { readonly [section in Section]?: (rounds: number) => number } = {
  memory: () => 2,
  growth: () => 1,
  eviction: () => EVICTION_CASES.length,
  flood: (rounds) => FLOOD_CASES.length * Math.min(rounds, MOST_FLOOD_ROUNDS),
}

function byLiveByte({ usedBytes, liveBytes }: MemoryUse): number {
  return usedBytes / liveBytes
}

export async function runMemory(run: SectionRun): Promise<void> {
  const { keys, valueBytes } = run.scale
  const full: Row = { label: 'bytes by live byte, full', unit: 'times', asked: atMost(1.45) }
  const churned: Row = {
    label: 'after 10 replacements a key, by full',
    unit: 'times',
    asked: atMost(1.25),
  }
  try {
    const even = { keys, least: valueBytes, most: valueBytes, replacements: 0, seed: 1 }
    const { full: use } = await run.probe('memory', 'memory of a full table', even)
    const detail = `${(use.usedBytes / keys).toFixed(0)} B a key of 16 + ${valueBytes} B`
    run.add({ ...full, section: 'memory', measured: byLiveByte(use), detail })
  } catch (error) {
    run.skip('memory', [full], reasonOf(error))
  }
  try {
    const [least, most] = [Math.max(1, Math.round(valueBytes * 0.2)), Math.round(valueBytes * 1.8)]
    const spread = { keys, least, most, replacements: 10 * keys, seed: 2 }
    const { full: before, after } = await run.probe('memory', 'memory after replacements', spread)
    const measured = byLiveByte(after) / byLiveByte(before)
    const detail = `${byLiveByte(before).toFixed(2)} full, ${byLiveByte(after).toFixed(2)} after; values of ${least}-${most} B`
    run.add({ ...churned, section: 'memory', measured, detail })
  } catch (error) {
    run.skip('memory', [churned], reasonOf(error))
  }
}

const GROWTH_ROWS = {
  moved: { label: 'entries moved by one set, at most', unit: 'entries' },
  latency: { label: 'p99.99 of set', unit: 'µs' },
  longest: { label: 'longest set', unit: 'µs' },
  get: { label: 'get at full size by a tenth of it', unit: 'times', asked: atLeast(0.5) },
  set: { label: 'set (replace) at full size by a tenth of it', unit: 'times', asked: atLeast(0.5) },
} as const satisfies Readonly<Record<string, Row>>

export async function runGrowth(run: SectionRun): Promise<void> {
  const keys = 10 * run.scale.keys
  const rows = Object.values(GROWTH_ROWS)
  try {
    const result = await run.probe('growth', 'growth', { keys, valueBytes: run.scale.valueBytes })
    const measured = measuredGrowth(result)
    for (const [index, row] of rows.entries()) {
      run.add({ ...row, section: 'growth', ...(measured[index] ?? { detail: '' }) })
    }
  } catch (error) {
    run.skip('growth', rows, reasonOf(error))
  }
}

/** In the order of GROWTH_ROWS. */
function measuredGrowth(result: GrowthResult): readonly { measured: number; detail: string }[] {
  const { setNs, idleNs, small, large, largestBucket, mostSplits, splits, bucketsAtStart } = result
  const micro = (ns: number): string => (ns / 1000).toFixed(1)
  const compared = (what: 'getNs' | 'setNs'): { measured: number; detail: string } => ({
    measured: small[what] / large[what],
    detail: `${rateAt(large, what)} beside ${rateAt(small, what)}`,
  })
  return [
    {
      measured: mostSplits * largestBucket,
      detail: `largest bucket met ${largestBucket}, buckets split by one set at most ${mostSplits}; ${splits} splits from ${bucketsAtStart} buckets`,
    },
    {
      measured: setNs.p9999 / 1000,
      detail: `p50 ${micro(setNs.p50)}, p99 ${micro(setNs.p99)}, p99.9 ${micro(setNs.p999)} µs`,
    },
    {
      measured: setNs.max / 1000,
      detail: `a loop that only looks at the clock for as long: p99.99 ${micro(idleNs.p9999)}, longest ${micro(idleNs.max)} µs`,
    },
    compared('getNs'),
    compared('setNs'),
  ]
}

function rateAt(throughput: Throughput, what: 'getNs' | 'setNs'): string {
  return `${(1000 / throughput[what]).toFixed(2)} M/s at ${throughput.entries} keys`
}

const EVICTION_CASES: readonly (Pick<EvictionRequest, 'trace' | 'limit'> & { readonly label: string })[] = [
  { trace: 'zipf', limit: 'maxEntries', label: 'Zipf 0.99, maxEntries of 10 %' },
  { trace: 'zipf', limit: 'capacity', label: 'Zipf 0.99, bytes for about 10 %' },
  { trace: 'scan', limit: 'maxEntries', label: 'with scans, maxEntries of 10 %' },
  { trace: 'scan', limit: 'capacity', label: 'with scans, bytes for about 10 %' },
]

export async function runEviction(run: SectionRun): Promise<void> {
  const keys = Math.max(100, Math.round(run.scale.keys * EVICTION_PART))
  const { valueBytes } = run.scale
  for (const { trace, limit, label } of EVICTION_CASES) {
    const row: Row = { label: `LRU less clock: ${label}`, unit: 'points', asked: atMost(2) }
    try {
      const request = { trace, limit, keys, requests: keys * REQUESTS_A_KEY, valueBytes, seed: 3 }
      const result = await run.probe('eviction', `eviction, ${label}`, request)
      const measured = 100 * (result.lruHitRatio - result.hitRatio)
      const [own, lru] = [result.hitRatio, result.lruHitRatio].map((ratio) => (100 * ratio).toFixed(2))
      const detail = `${own} % of hits beside ${lru} % of exact LRU; ${result.entries} of ${keys} popular keys held`
      run.add({ ...row, section: 'eviction', measured, detail })
    } catch (error) {
      run.skip('eviction', [row], reasonOf(error))
    }
  }
}

const FLOOD_CASES: readonly { readonly kind: FloodRequest['kind']; readonly label: string }[] = [
  { kind: 'murmur', label: 'time of keys of one murmur3 hash by random' },
  { kind: 'integers', label: 'time of integer-like keys by random' },
]

export async function runFlood(run: SectionRun): Promise<void> {
  const keys = Math.min(FLOOD_KEYS, run.scale.keys)
  for (const { kind, label } of FLOOD_CASES) {
    const row: Row = { label, unit: 'times', asked: atMost(1.2) }
    try {
      const turns: { chosenNs: number[]; randomNs: number[] } = { chosenNs: [], randomNs: [] }
      for (let round = 1; round <= Math.min(run.scale.rounds, MOST_FLOOD_ROUNDS); round++) {
        const result = await run.probe('flood', `flood of ${kind}, round ${round}`, {
          kind,
          keys,
          turns: FLOOD_TURNS,
        })
        turns.chosenNs.push(median(result.chosenNs))
        turns.randomNs.push(median(result.randomNs))
      }
      const { value, range } = ratioOf(turns.chosenNs, turns.randomNs)
      const detail = `${median(turns.chosenNs).toFixed(0)} ns beside ${median(turns.randomNs).toFixed(0)}, ${keys} keys; rounds ${range.map((end) => end.toFixed(2)).join('-')}`
      run.add({ ...row, section: 'flood', measured: value, detail })
    } catch (error) {
      run.skip('flood', [row], reasonOf(error))
    }
  }
}
