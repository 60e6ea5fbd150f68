/**
 * The program of a child process that sends requests on numbers of 32 bits as original 001's client does: through so many
 * threads with so many requests in flight each, half PUT, half GET. The same code as `bin/client`, checked; but a warm-up
 * goes before, so that what is timed is code that both sides have compiled.
 */
import { runClients } from '../workload/client-run.js'
import { generateWorkload } from '../workload/generator.js'
import { KIND, RequestList } from '../workload/request-list.js'
import { sharesByKey } from '../workload/shares.js'
import { childRequest, reportResult } from './child.js'

export interface RequestsRequest {
  readonly name: string
  /** Those that are timed. */
  readonly requests: number
  /** Those that go before. */
  readonly warmUp: number
  readonly clients: number
  readonly window: number
  /** 0: uniform; above 1: Zipf. */
  readonly skew: number
  readonly seed: number
}

export interface RequestsResult {
  readonly millionPerSecond: number
  /** Processor time of this process a request. */
  readonly clientNs: number
}

function listOf(requests: number, skew: number, seed: number): RequestList {
  const list = new RequestList()
  const options = { requests, skew, putRatio: 0.5, seed }
  generateWorkload(options, {
    put: (key, value) => list.push(KIND.PUT, key, value),
    get: (key, value) => list.push(KIND.GET, key, value),
  })
  return list
}

async function measure(request: RequestsRequest): Promise<RequestsResult> {
  const { name, requests, warmUp, clients, window, skew, seed } = request
  const all = requests + warmUp
  const shares = sharesByKey(listOf(all, skew, seed), clients)
  let before = process.cpuUsage()
  const result = await runClients({
    name,
    shares,
    width: window,
    check: true,
    warmUpPart: warmUp / all,
    onStart: () => {
      before = process.cpuUsage()
    },
  })
  if (result.wrong > 0) throw new Error(`${result.wrong} answers were wrong`)
  const { user, system } = process.cpuUsage(before)
  const clientNs = ((user + system) * 1000) / result.requests
  return { millionPerSecond: result.requests / result.milliseconds / 1000, clientNs }
}

reportResult(await measure(childRequest() as RequestsRequest))
