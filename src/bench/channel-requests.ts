/**
 * The program of a child process that sends requests on numbers of 32 bits as original 001's client does: through so many
 * threads with so many requests in flight each, half PUT, half GET. The same code as `bin/client`, checked.
 */
import { runClients } from '../workload/client-run.js'
import { generateWorkload } from '../workload/generator.js'
import { KIND, RequestList } from '../workload/request-list.js'
import { sharesByKey } from '../workload/shares.js'
import { childRequest, reportResult } from './child.js'

export interface RequestsRequest {
  readonly name: string
  readonly requests: number
  readonly clients: number
  readonly window: number
  /** 0: uniform; above 1: Zipf. */
  readonly skew: number
  readonly seed: number
}

export interface RequestsResult {
  readonly millionPerSecond: number
  /** Processor time of this process a request, the start of its threads included. */
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
  const { name, requests, clients, window, skew, seed } = request
  const shares = sharesByKey(listOf(requests, skew, seed), clients)
  const before = process.cpuUsage()
  const result = await runClients({ name, shares, width: window, check: true })
  if (result.wrong > 0) throw new Error(`${result.wrong} answers were wrong`)
  const { user, system } = process.cpuUsage(before)
  const clientNs = ((user + system) * 1000) / requests
  return { millionPerSecond: requests / result.milliseconds / 1000, clientNs }
}

reportResult(await measure(childRequest() as RequestsRequest))
