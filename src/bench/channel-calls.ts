/**
 * The program of a child process that times the calls of one caller: one after the other, each until its answer, or so
 * many in flight together. The process has nothing else to do, and neither has its event loop.
 *
 * The time of a call includes one look at the clock, some 40 ns; keys and values are there before, as plain flat strings.
 */
import { fileURLToPath } from 'node:url'
import { type Address, type Caller, type CallerName, connectCaller } from './channel-callers.js'
import { childRequest, reportResult } from './child.js'
import { LatencyHistogram, singleTimes } from './latency-histogram.js'

export interface CallsRequest {
  readonly caller: CallerName
  readonly at: Address
  /** 1: one after the other. */
  readonly inFlight: number
  /** Calls that are timed. */
  readonly calls: number
}

export interface CallsResult {
  /** Nanoseconds a call: of single calls where one follows the other, else all of them together by their number. */
  readonly meanNs: number
  /** Processor time of this process a call, what notes the times of single calls included. */
  readonly clientNs: number
  /** Only where one call follows the other. */
  readonly p50Ns?: number
  readonly p99Ns?: number
  readonly p999Ns?: number
}

const KEYS = 10_000
const VALUE = Buffer.alloc(100, 'v').toString('latin1')
/** Part of the calls that go before, unmeasured. */
export const WARM_UP = 0.25

const NAMES = Array.from({ length: KEYS }, (_, index) =>
  Buffer.from(`key:${String(index).padStart(12, '0')}`, 'latin1').toString('latin1'),
)
const keyOf = (call: number): string => NAMES[call % KEYS] ?? ''

async function oneByOne(caller: Caller, calls: number): Promise<LatencyHistogram> {
  const histogram = new LatencyHistogram()
  for (let call = 0; call < calls; call++) {
    const key = keyOf(call)
    const beforeMs = performance.now()
    const pending = caller.set(key, VALUE)
    // What blocks has its answer here: an await would measure the event loop.
    if (pending instanceof Promise) await pending
    histogram.record((performance.now() - beforeMs) * 1e6)
  }
  return histogram
}

async function together(caller: Caller, calls: number, inFlight: number): Promise<undefined> {
  for (let call = 0; call < calls; call += inFlight) {
    const keys = Array.from({ length: inFlight }, (_, index) => keyOf(call + index))
    const pending = caller.setTogether(keys, VALUE)
    if (pending instanceof Promise) await pending
  }
}

async function measure({ caller: name, at, inFlight, calls }: CallsRequest): Promise<CallsResult> {
  const caller = await connectCaller(name, at, inFlight)
  const run = (count: number): Promise<LatencyHistogram | undefined> =>
    inFlight === 1 ? oneByOne(caller, count) : together(caller, count, inFlight)
  await run(Math.ceil(calls * WARM_UP))
  globalThis.gc?.()
  const usedBefore = process.cpuUsage()
  const startNs = process.hrtime.bigint()
  const histogram = await run(calls)
  const done = Math.ceil(calls / inFlight) * inFlight
  const togetherNs = Number(process.hrtime.bigint() - startNs) / done
  const { user, system } = process.cpuUsage(usedBefore)
  const clientNs = ((user + system) * 1000) / done
  await caller.close()
  return histogram === undefined ? { meanNs: togetherNs, clientNs } : { ...singleTimes(histogram), clientNs }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  reportResult(await measure(childRequest() as CallsRequest))
