/**
 * Sweeps: one size of the workload changes from point to point, and every contender is measured at each of them, as
 * reads only and as replaces only; the sweep `mix` changes what is between the two. All keys are drawn at random,
 * with replacement. Points that the machine has no memory for are left out with the reason.
 */
import { freemem } from 'node:os'
import { GIB, KIB, MIB } from '../base/limits.js'
import { CONTENDERS, type ContenderName } from './contender-list.js'
import { type PassDone, type PassResults, planOf, runPasses } from './passes.js'
import { median } from './statistics.js'
import type { StripedMapProgram } from './striped-map.js'
import { workloadOf } from './table.js'
import type { Distribution, Operation, Workload } from './workload.js'

export const SWEEPS = {
  keys: 'throughput by the number of keys',
  values: 'throughput by the size of a value',
  threads: 'throughput by the number of threads',
  mix: 'throughput by the share of reads',
} as const

export type SweepName = keyof typeof SWEEPS

export const SWEEP_NAMES = Object.keys(SWEEPS) as readonly SweepName[]

export const SWEPT_CONTENDERS: readonly ContenderName[] = ['hearth', 'cpp', 'map', 'lmdb']

export interface SweepLimits {
  /** Keys where another size is swept. */
  readonly keys: number
  readonly valueBytes: number
  readonly mostKeys: number
  readonly mostThreads: number
  /** Keys and values of one table together, at most. */
  readonly payloadBytes: number
}

export const DEFAULT_SWEEP_LIMITS: SweepLimits = {
  keys: 1_000_000,
  valueBytes: 100,
  mostKeys: 10_000_000,
  mostThreads: 8,
  payloadBytes: 2 * GIB,
}

export interface SweepPoint {
  readonly label: string
  readonly threads: number
  readonly keys: number
  readonly valueBytes: number
  readonly distribution: Distribution
}

export interface SweepPlan {
  readonly points: readonly SweepPoint[]
  readonly operations: readonly Operation[]
  /** What stands in one panel of the picture: a row a cell. */
  readonly panels: readonly {
    readonly title: string
    readonly cells: readonly {
      readonly label: string
      readonly point: number
      readonly operation: Operation
    }[]
  }[]
}

const KEY_COUNTS = [1e3, 1e4, 1e5, 1e6, 1e7]
const VALUE_BYTES = [8, 64, 512, 4 * KIB, 16 * KIB, 64 * KIB]
const THREADS = [1, 2, 4, 8]
const MIXES: readonly Operation[] = ['mix-100', 'mix-95', 'mix-50', 'mix-0']
const READS_AND_REPLACES: readonly (readonly [string, Operation])[] = [
  ['get, M/s', 'mix-100'],
  ['set (replace), M/s', 'mix-0'],
]
const KEY_BYTES = 16

/** What a sweep measures, within limits. */
export function sweepPlan(name: SweepName, limits: SweepLimits): SweepPlan {
  const base = {
    threads: 1,
    keys: limits.keys,
    valueBytes: limits.valueBytes,
    distribution: 'uniform',
  } as const
  const fitting = (point: SweepPoint): SweepPoint => ({
    ...point,
    keys: Math.max(1, Math.min(point.keys, Math.floor(limits.payloadBytes / (KEY_BYTES + point.valueBytes)))),
  })
  switch (name) {
    case 'keys': {
      const counts = KEY_COUNTS.filter((keys) => keys <= limits.mostKeys)
      return byPoint(counts.map((keys) => fitting({ ...base, label: shortCount(keys), keys })))
    }
    case 'values':
      return byPoint(
        VALUE_BYTES.map((valueBytes) => fitting({ ...base, label: shortBytes(valueBytes), valueBytes })),
      )
    case 'threads': {
      const counts = THREADS.filter((threads) => threads <= limits.mostThreads)
      return byPoint(counts.map((threads) => fitting({ ...base, label: String(threads), threads })))
    }
    case 'mix':
      return byMix([
        fitting({ ...base, label: 'uniform' }),
        fitting({ ...base, label: 'Zipf 0.99', distribution: 'zipf' }),
      ])
  }
}

function byPoint(points: readonly SweepPoint[]): SweepPlan {
  return {
    points,
    operations: READS_AND_REPLACES.map(([, operation]) => operation),
    panels: READS_AND_REPLACES.map(([title, operation]) => ({
      title,
      cells: points.map(({ label }, point) => ({ label, point, operation })),
    })),
  }
}

function byMix(points: readonly SweepPoint[]): SweepPlan {
  return {
    points,
    operations: MIXES,
    panels: points.map(({ label }, point) => ({
      title: `${label}, M/s by percentage of reads`,
      cells: MIXES.map((operation) => ({ label: `${operation.slice('mix-'.length)} %`, point, operation })),
    })),
  }
}

function shortCount(count: number): string {
  return count >= 1e6 ? `${count / 1e6}M` : `${count / 1e3}k`
}

function shortBytes(bytes: number): string {
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}

export interface SweepSeries {
  readonly contender: ContenderName
  /** Million operations a second, one figure a cell; null where there is none. */
  readonly millionPerSecond: readonly (number | null)[]
}

export interface SweepReport {
  readonly sweep: SweepName
  readonly rounds: number
  readonly points: readonly SweepPoint[]
  readonly panels: readonly {
    readonly title: string
    readonly labels: readonly string[]
    readonly series: readonly SweepSeries[]
  }[]
  readonly leftOut: readonly string[]
}

export interface SweepSettings {
  readonly contenders: readonly ContenderName[]
  readonly rounds: number
  readonly passTimeoutMs: number
  readonly onPass: (pass: PassDone, point: SweepPoint) => void
}

/** Operations of a pass, and the bytes of what is prepared for them. */
const MOST_OPERATIONS = 1_000_000
const PREPARED_BYTES = 256 * MIB
const USABLE_PART = 0.8

/** What a table and its prepared strings take at most, by the live bytes. */
const BYTES_BY_LIVE_BYTE: { readonly [contender in ContenderName]: number } = {
  hearth: 2,
  'hearth-cached': 2,
  map: 3,
  lmdb: 3,
  sharedmap: 5,
  cpp: 5,
}

export function sweepWorkload(point: SweepPoint, operations: readonly Operation[]): Workload {
  const most = Math.max(1, Math.min(MOST_OPERATIONS, Math.floor(PREPARED_BYTES / point.valueBytes)))
  const { keys, valueBytes, distribution } = point
  return workloadOf({ keys, valueBytes, distribution, operations, mixOperations: most, mostOperations: most })
}

/** Child processes that a sweep starts at most. */
export function sweepSteps(plan: SweepPlan, { contenders, rounds }: SweepSettings): number {
  return plan.points.reduce((sum, { threads }) => sum + planOf(contenders, [threads]).length * rounds, 0)
}

export async function runSweep(
  sweep: SweepName,
  plan: SweepPlan,
  stripedMap: StripedMapProgram,
  settings: SweepSettings,
): Promise<SweepReport> {
  const results: PassResults[] = []
  const leftOut: string[] = []
  for (const point of plan.points) {
    const passes = planOf(settings.contenders, [point.threads])
    const fitting = passes.filter(({ contender }) => hasMemoryFor(point, contender))
    for (const { contender } of passes.filter((pass) => !fitting.includes(pass))) {
      leftOut.push(`${CONTENDERS[contender].label} at ${point.label}: not enough free memory`)
    }
    const ofPoint = await runPasses(fitting, sweepWorkload(point, plan.operations), stripedMap, {
      rounds: settings.rounds,
      passTimeoutMs: settings.passTimeoutMs,
      onPass: (pass) => settings.onPass(pass, point),
    })
    results.push(ofPoint)
    for (const { contender, reason } of ofPoint.leftOut) {
      leftOut.push(`${CONTENDERS[contender].label} at ${point.label}: ${reason}`)
    }
  }
  return {
    sweep,
    rounds: settings.rounds,
    points: plan.points,
    panels: panelsOf(plan, results, settings),
    leftOut,
  }
}

function hasMemoryFor({ keys, valueBytes }: SweepPoint, contender: ContenderName): boolean {
  return keys * (KEY_BYTES + valueBytes) * BYTES_BY_LIVE_BYTE[contender] < freemem() * USABLE_PART
}

function panelsOf(
  plan: SweepPlan,
  results: readonly PassResults[],
  { contenders }: SweepSettings,
): SweepReport['panels'] {
  return plan.panels.map(({ title, cells }) => ({
    title,
    labels: cells.map(({ label }) => label),
    series: contenders.map((contender) => ({
      contender,
      millionPerSecond: cells.map(({ point, operation }) => {
        const threads = plan.points[point]?.threads ?? 1
        const ns = results[point]?.nsPerOperation({ contender, threads }, operation) ?? []
        return ns.length === 0 ? null : 1000 / median(ns)
      }),
    })),
  }))
}
