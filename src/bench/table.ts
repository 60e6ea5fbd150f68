/**
 * The table benchmark: Hearth's SharedMap beside `Map`, lmdb, sharedmap and C++, in one run.
 *
 * Rounds are interleaved (A B C A B C), each contender's pass in a child process of its own, and what is
 * reported is the median of the rounds, so that a machine that slows down meets all of them alike. What is
 * compared are ratios of one run; numbers of different runs are not comparable.
 *
 * Contenders that this machine does not have (no package, no compiler) are left out with the reason.
 * This module prints nothing: progress goes to a callback, `table-report.ts` makes the text.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CONTENDER_NAMES, type ContenderName } from './contender.js'
import type { PassRequest, PassResult } from './contender-process.js'
import { describeMachine, type Machine } from './machine.js'
import { type CompiledStripedMap, compileStripedMap, runStripedMap } from './striped-map.js'
import { OPERATION_NAMES, type Operation, type Workload } from './workload.js'

const run = promisify(execFile)
const PROCESS_PATH = fileURLToPath(new URL('./contender-process.js', import.meta.url))

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
  /** Default 5. */
  readonly rounds?: number
  /** Thread counts to measure; default 1 and 2. */
  readonly threads?: readonly number[]
  /** Default: all. */
  readonly contenders?: readonly ContenderName[]
  /** A pass that takes longer leaves its contender out; default 180 000. */
  readonly passTimeoutMs?: number
  /** Called with one line after each pass. */
  readonly onProgress?: (line: string) => void
}

/** One operation of one contender with one number of threads. */
export interface Measurement {
  readonly contender: ContenderName
  readonly threads: number
  readonly operation: Operation
  /** Wall time of all operations of all threads divided by their number; one figure a round. */
  readonly nsPerOperation: readonly number[]
  readonly medianNsPerOperation: number
}

export interface MemoryMeasurement {
  readonly contender: ContenderName
  readonly bytes: number
  /** By the live bytes: keys and values, nothing else. */
  readonly bytesPerLiveByte: number
}

export interface TableBenchReport {
  readonly machine: Machine
  readonly workload: Workload
  readonly rounds: number
  readonly measurements: readonly Measurement[]
  readonly memory: readonly MemoryMeasurement[]
  readonly leftOut: readonly {
    readonly contender: ContenderName
    readonly threads: number
    readonly reason: string
  }[]
}

const KEY_BYTES = 16

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Whole positive numbers only; the message names the option. */
function requireCount(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1`)
  return value
}

function workloadOf(options: TableBenchOptions): Workload {
  return {
    keys: requireCount('keys', options.keys ?? 1_000_000),
    valueBytes: requireCount('valueBytes', options.valueBytes ?? 100),
    hotKeys: requireCount('hotKeys', options.hotKeys ?? 1000),
    hotOperations: requireCount('hotOperations', options.hotOperations ?? 1_000_000),
    batch: requireCount('batch', options.batch ?? 64),
    seed: 1,
    timedFraction: 1,
  }
}

/** What went wrong in a child, in one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('killed' in error && error.killed === true) return 'took longer than the limit for one pass'
  const stderr = 'stderr' in error ? String(error.stderr) : ''
  const told = stderr.split('\n').find((line) => /^\S*(Error|striped-map)\b/.test(line))
  return told ?? error.message.split('\n')[0] ?? error.name
}

async function runContender(
  contender: Exclude<ContenderName, 'cpp'>,
  threads: number,
  workload: Workload,
  timeoutMs: number,
): Promise<PassResult> {
  const request: PassRequest = { contender, threads, workload }
  const argv = ['--expose-gc', PROCESS_PATH, JSON.stringify(request)]
  const { stdout } = await run(process.execPath, argv, { timeout: timeoutMs })
  return JSON.parse(stdout)
}

/** The passes of one run, gathered by contender and number of threads. */
class Passes {
  readonly #results = new Map<string, PassResult[]>()

  add(contender: ContenderName, threads: number, result: PassResult): void {
    const key = `${contender} ${threads}`
    this.#results.set(key, [...(this.#results.get(key) ?? []), result])
  }

  of(contender: ContenderName, threads: number): readonly PassResult[] {
    return this.#results.get(`${contender} ${threads}`) ?? []
  }
}

function measurementsOf(passes: Passes, contender: ContenderName, threads: number): readonly Measurement[] {
  return OPERATION_NAMES.flatMap((operation) => {
    const nsPerOperation = passes.of(contender, threads).flatMap(({ times }) => {
      const ns = times[operation]
      return ns === undefined ? [] : [ns]
    })
    if (nsPerOperation.length === 0) return []
    return [{ contender, threads, operation, nsPerOperation, medianNsPerOperation: median(nsPerOperation) }]
  })
}

function memoryOf(
  passes: Passes,
  contender: ContenderName,
  threadCounts: readonly number[],
  workload: Workload,
): readonly MemoryMeasurement[] {
  const results = threadCounts.flatMap((threads) => passes.of(contender, threads))
  const known = results.flatMap(({ memoryBytes }) => (memoryBytes === undefined ? [] : [memoryBytes]))
  if (known.length === 0) return []
  const bytes = median(known)
  return [{ contender, bytes, bytesPerLiveByte: bytes / (workload.keys * (KEY_BYTES + workload.valueBytes)) }]
}

/** Runs the whole comparison: minutes at the default size. */
export async function runTableBench(options: TableBenchOptions = {}): Promise<TableBenchReport> {
  const workload = workloadOf(options)
  const rounds = requireCount('rounds', options.rounds ?? 5)
  const threadCounts = (options.threads ?? [1, 2]).map((count) => requireCount('threads', count))
  const contenders = options.contenders ?? CONTENDER_NAMES
  const timeoutMs = requireCount('passTimeoutMs', options.passTimeoutMs ?? 180_000)
  const machine = describeMachine()
  const passes = new Passes()
  const leftOut = new Map<string, TableBenchReport['leftOut'][number]>()
  let stripedMap: CompiledStripedMap | undefined

  const runPass = (contender: ContenderName, threads: number, round: number): Promise<PassResult> => {
    const seeded = { ...workload, seed: workload.seed + round }
    if (contender !== 'cpp') return runContender(contender, threads, seeded, timeoutMs)
    stripedMap ??= compileStripedMap()
    return runStripedMap(stripedMap.path, threads, seeded, timeoutMs)
  }

  try {
    for (let round = 1; round <= rounds; round++) {
      for (const threads of threadCounts) {
        for (const contender of contenders) {
          const key = `${contender} ${threads}`
          if (leftOut.has(key)) continue
          if (contender === 'map' && threads > 1) continue
          const startMs = performance.now()
          try {
            passes.add(contender, threads, await runPass(contender, threads, round))
            const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
            options.onProgress?.(`round ${round}/${rounds}, ${threads} threads, ${contender}: ${seconds} s`)
          } catch (error) {
            leftOut.set(key, { contender, threads, reason: reasonOf(error) })
            options.onProgress?.(`${contender} with ${threads} threads left out: ${reasonOf(error)}`)
          }
        }
      }
    }
  } finally {
    stripedMap?.remove()
  }
  return {
    machine,
    workload,
    rounds,
    measurements: threadCounts.flatMap((threads) =>
      contenders.flatMap((contender) => measurementsOf(passes, contender, threads)),
    ),
    memory: contenders.flatMap((contender) => memoryOf(passes, contender, threadCounts, workload)),
    leftOut: [...leftOut.values()],
  }
}
