/**
 * One pass: every operation of its workload once, in order, over one table, by all threads in step.
 *
 * Each thread runs `runPass` with its own number; thread 0 collects. Between operations all meet, so that nobody
 * times while another still makes its strings, and a full garbage collection runs before each clock starts, so
 * that the strings made for the loop are not moved during it.
 */
import type { BenchTable } from './contender.js'
import type { StartLine } from './start-line.js'
import { loadUntimed, runShare } from './timed-loop.js'
import { makeShare, type Operation, passOperations, timedOperations, type Workload } from './workload.js'

/** Nanoseconds per operation: wall time of all threads together by the number of operations of all. */
export type PassTimes = { readonly [operation in Operation]?: number }

/** Thread 0's way to look at the full table. */
export type OnFilled = () => void

export function runPass(
  table: BenchTable,
  workload: Workload,
  thread: number,
  threads: number,
  line: StartLine,
  onFilled: OnFilled,
): PassTimes {
  const times: { [operation in Operation]?: number } = {}
  for (const operation of passOperations(workload)) {
    runOperation(table, operation, workload, thread, threads, line)
    line.meet()
    const timed = timedOperations(operation, workload)
    if (timed > 0) times[operation] = line.elapsedNs() / timed
    if (operation === 'set-new' && thread === 0) onFilled()
    line.meet()
  }
  return times
}

// A function of its own, so that the share is garbage before the next one is made.
function runOperation(
  table: BenchTable,
  operation: Operation,
  workload: Workload,
  thread: number,
  threads: number,
  line: StartLine,
): void {
  const share = makeShare(operation, workload, thread, threads)
  loadUntimed(table, share)
  globalThis.gc?.()
  line.meet()
  const startNs = process.hrtime.bigint()
  const sum = runShare(table, share)
  line.record(thread, startNs, process.hrtime.bigint())
  if (sum !== share.expectedSum) {
    throw new Error(`${operation} of thread ${thread} read ${sum} where ${share.expectedSum} was stored`)
  }
}
