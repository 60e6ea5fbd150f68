/**
 * Runs passes of contenders, interleaved (A B C A B C), each in a process of its own: a machine that slows down
 * meets all of them alike, and no contender is measured at one place in memory only.
 *
 * Contenders that this machine does not have (no package, no compiler) and those that take too long are left out
 * with the reason. Prints nothing: progress goes to a callback.
 */
import { fileURLToPath } from 'node:url'
import { runChild } from './child.js'
import type { ContenderName } from './contender-list.js'
import type { PassRequest, PassResult } from './contender-process.js'
import { median } from './statistics.js'
import { runStripedMap, type StripedMapProgram } from './striped-map.js'
import { OPERATION_NAMES, type Operation, type Workload } from './workload.js'

const PROCESS_PATH = fileURLToPath(new URL('./contender-process.js', import.meta.url))

/** Ten million keys of a `Map` and what is prepared for them. */
const HEAP_MIB = 12_288

export interface PlannedPass {
  readonly contender: ContenderName
  readonly threads: number
}

/** One operation of one contender with one number of threads. */
export interface Measurement extends PlannedPass {
  readonly operation: Operation
  /** Wall time of all operations of all threads divided by their number; one figure a round. */
  readonly nsPerOperation: readonly number[]
  readonly medianNsPerOperation: number
}

export interface LeftOut extends PlannedPass {
  readonly reason: string
}

/** Told after each pass. */
export interface PassDone extends PlannedPass {
  readonly round: number
  readonly seconds: number
  readonly outcome: PassResult | { readonly leftOut: string }
}

export interface PassSettings {
  readonly rounds: number
  /** A pass that takes longer leaves its contender out. */
  readonly passTimeoutMs: number
  readonly onPass: (pass: PassDone) => void
}

/** A pass in one line, with what it measured, for those who watch. */
export function passText({ contender, threads, round, seconds, outcome }: PassDone): string {
  const what = `${contender}, ${threads === 1 ? '1 thread' : `${threads} threads`}, round ${round}`
  if ('leftOut' in outcome) return `${what}: left out, ${outcome.leftOut}`
  const rates = Object.entries(outcome.times).map(([operation, ns]) => `${operation} ${rateText(ns)}`)
  return `${what}: ${seconds.toFixed(1)} s; M/s: ${rates.join(', ')}`
}

/** Million operations a second. */
export function rateText(nsPerOperation: number): string {
  const perMicrosecond = 1000 / nsPerOperation
  return perMicrosecond.toFixed(perMicrosecond < 0.1 ? 4 : 2)
}

/** What a run of passes gave, by contender and number of threads. */
export class PassResults {
  readonly #results = new Map<string, PassResult[]>()
  readonly #leftOut = new Map<string, LeftOut>()

  add(pass: PlannedPass, result: PassResult): void {
    this.#results.set(keyOf(pass), [...this.of(pass), result])
  }

  leaveOut(pass: PlannedPass, reason: string): void {
    this.#leftOut.set(keyOf(pass), { ...pass, reason })
  }

  isLeftOut(pass: PlannedPass): boolean {
    return this.#leftOut.has(keyOf(pass))
  }

  /** The results of all rounds, in their order. */
  of(pass: PlannedPass): readonly PassResult[] {
    return this.#results.get(keyOf(pass)) ?? []
  }

  /** Why a pass has no results. */
  reason(pass: PlannedPass): string {
    return this.#leftOut.get(keyOf(pass))?.reason ?? 'not measured'
  }

  get leftOut(): readonly LeftOut[] {
    return [...this.#leftOut.values()]
  }

  /** Nanoseconds per operation, one figure a round. */
  nsPerOperation(pass: PlannedPass, operation: Operation): readonly number[] {
    return this.of(pass).flatMap(({ times }) => times[operation] ?? [])
  }

  measurements(pass: PlannedPass): readonly Measurement[] {
    return OPERATION_NAMES.flatMap((operation) => {
      const nsPerOperation = this.nsPerOperation(pass, operation)
      if (nsPerOperation.length === 0) return []
      return [{ ...pass, operation, nsPerOperation, medianNsPerOperation: median(nsPerOperation) }]
    })
  }
}

function keyOf({ contender, threads }: PlannedPass): string {
  return `${contender} ${threads}`
}

/** Every contender with every number of threads, but `Map` with one only. */
export function planOf(contenders: readonly ContenderName[], threadCounts: readonly number[]): PlannedPass[] {
  return threadCounts.flatMap((threads) =>
    contenders
      .filter((contender) => contender !== 'map' || threads === 1)
      .map((contender) => ({ contender, threads })),
  )
}

export async function runPasses(
  plan: readonly PlannedPass[],
  workload: Workload,
  stripedMap: StripedMapProgram,
  settings: PassSettings,
): Promise<PassResults> {
  const results = new PassResults()
  for (let round = 1; round <= settings.rounds; round++) {
    for (const pass of plan) {
      if (results.isLeftOut(pass)) continue
      const startMs = performance.now()
      let outcome: PassDone['outcome']
      try {
        outcome = await runOne(pass, { ...workload, seed: workload.seed + round }, stripedMap, settings)
        results.add(pass, outcome)
      } catch (error) {
        outcome = { leftOut: error instanceof Error ? error.message : String(error) }
        results.leaveOut(pass, outcome.leftOut)
      }
      settings.onPass({ ...pass, round, seconds: (performance.now() - startMs) / 1000, outcome })
    }
  }
  return results
}

async function runOne(
  { contender, threads }: PlannedPass,
  workload: Workload,
  stripedMap: StripedMapProgram,
  { passTimeoutMs }: PassSettings,
): Promise<PassResult> {
  if (contender === 'cpp') return runStripedMap(stripedMap.path(), threads, workload, passTimeoutMs)
  const request: PassRequest = { contender, threads, workload }
  return runChild<PassResult>(PROCESS_PATH, request, { timeoutMs: passTimeoutMs, heapMib: HEAP_MIB })
}
