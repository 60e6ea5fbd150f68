/**
 * The comparison of the table benchmark: Hearth's SharedMap beside `Map`, lmdb, sharedmap and C++, in one run.
 *
 * What is reported is the median of interleaved rounds (see `passes.ts`). What is compared are ratios of one run;
 * numbers of different runs are not comparable. This module prints nothing: `table-report.ts` makes the text.
 */
import { COMPARED_NAMES, type ContenderName } from './contender-list.js'
import { describeMachine, type Machine } from './machine.js'
import {
  type LeftOut,
  type Measurement,
  type PassDone,
  type PassResults,
  planOf,
  runPasses,
} from './passes.js'
import { median } from './statistics.js'
import { StripedMapProgram } from './striped-map.js'
import { type Operation, PLAIN_OPERATIONS, type Workload } from './workload.js'

export interface TableBenchOptions {
  /** Keys in the table; default 1 000 000. */
  readonly keys?: number
  /** Characters of a value; default 100. */
  readonly valueBytes?: number
  /** Default 1000. */
  readonly hotKeys?: number
  /** Operations on the hot keys; default 1 000 000, so that a table of few keys is measured by them. */
  readonly hotOperations?: number
  /** Keys of one `getMany`; default 64. */
  readonly batch?: number
  /** Default: all but the mixes. */
  readonly operations?: readonly Operation[]
  /** Default 5. */
  readonly rounds?: number
  /** Thread counts to measure; default 1 and 2. */
  readonly threads?: readonly number[]
  /** Default: all. */
  readonly contenders?: readonly ContenderName[]
  /** A pass that takes longer leaves its contender out; default 180 000. */
  readonly passTimeoutMs?: number
  /** Called after each pass. */
  readonly onPass?: (pass: PassDone) => void
}

export interface MemoryMeasurement {
  readonly contender: ContenderName
  readonly bytes: number
  /** By the live bytes: keys and values, nothing else. */
  readonly bytesPerLiveByte: number
}

/** Measurements of one workload, whoever ran the passes. */
export interface Comparison {
  readonly workload: Workload
  readonly rounds: number
  readonly measurements: readonly Measurement[]
  readonly memory: readonly MemoryMeasurement[]
  readonly leftOut: readonly LeftOut[]
}

export interface TableBenchReport extends Comparison {
  readonly machine: Machine
}

export const DEFAULT_PASS_TIMEOUT_MS = 180_000

const KEY_BYTES = 16
/** More than any table here has keys. */
const NO_MOST = 100_000_000

/** Whole positive numbers only; the message names the option. */
export function requireCount(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1`)
  return value
}

export type WorkloadOptions = Pick<
  TableBenchOptions,
  'keys' | 'valueBytes' | 'hotKeys' | 'hotOperations' | 'batch' | 'operations'
> &
  Partial<Pick<Workload, 'mixOperations' | 'mostOperations' | 'distribution'>>

/** A workload with the benchmark's defaults; throws RangeError for a size that cannot be. */
export function workloadOf(options: WorkloadOptions): Workload {
  return {
    keys: requireCount('keys', options.keys ?? 1_000_000),
    valueBytes: requireCount('valueBytes', options.valueBytes ?? 100),
    hotKeys: requireCount('hotKeys', options.hotKeys ?? 1000),
    hotOperations: requireCount('hotOperations', options.hotOperations ?? 1_000_000),
    mixOperations: requireCount('mixOperations', options.mixOperations ?? 1_000_000),
    distribution: options.distribution ?? 'uniform',
    batch: requireCount('batch', options.batch ?? 64),
    operations: options.operations ?? PLAIN_OPERATIONS,
    mostOperations: requireCount('mostOperations', options.mostOperations ?? NO_MOST),
    seed: 1,
    timedReads: 1,
    timedWrites: 1,
  }
}

function memoryOf(
  results: PassResults,
  contender: ContenderName,
  threadCounts: readonly number[],
  { keys, valueBytes }: Workload,
): readonly MemoryMeasurement[] {
  const known = threadCounts.flatMap((threads) =>
    results.of({ contender, threads }).flatMap(({ memoryBytes }) => memoryBytes ?? []),
  )
  if (known.length === 0) return []
  const bytes = median(known)
  return [{ contender, bytes, bytesPerLiveByte: bytes / (keys * (KEY_BYTES + valueBytes)) }]
}

/** Everything that `results` hold of these contenders and numbers of threads. */
export function comparisonOf(
  results: PassResults,
  workload: Workload,
  rounds: number,
  contenders: readonly ContenderName[],
  threadCounts: readonly number[],
): Comparison {
  return {
    workload,
    rounds,
    measurements: threadCounts.flatMap((threads) =>
      contenders.flatMap((contender) => results.measurements({ contender, threads })),
    ),
    memory: contenders.flatMap((contender) => memoryOf(results, contender, threadCounts, workload)),
    leftOut: results.leftOut,
  }
}

/** Runs the whole comparison: minutes at the default size. */
export async function runTableBench(options: TableBenchOptions = {}): Promise<TableBenchReport> {
  const workload = workloadOf(options)
  const rounds = requireCount('rounds', options.rounds ?? 5)
  const threadCounts = (options.threads ?? [1, 2]).map((count) => requireCount('threads', count))
  const contenders = options.contenders ?? COMPARED_NAMES
  const passTimeoutMs = requireCount('passTimeoutMs', options.passTimeoutMs ?? DEFAULT_PASS_TIMEOUT_MS)
  const machine = describeMachine()
  using stripedMap = new StripedMapProgram()
  const results = await runPasses(planOf(contenders, threadCounts), workload, stripedMap, {
    rounds,
    passTimeoutMs,
    onPass: options.onPass ?? (() => {}),
  })
  return { machine, ...comparisonOf(results, workload, rounds, contenders, threadCounts) }
}
