/**
 * The program of a child process that times how long it takes to open named tables: new ones, or one that is there. The
 * first of them is the first that the process opens at all, so loading koffi is in its time.
 */
import { SharedMap } from '../index.js'
import { childRequest, reportResult } from './child.js'
import { makeShare, type Workload } from './workload.js'

export interface OpenRequest {
  readonly kind: 'new' | 'existing'
  readonly name: string
  readonly capacity: string
  readonly times: number
  /** A table that is made besides, filled, and stays when the process ends. */
  readonly leaves?: { readonly name: string; readonly workload: Workload }
}

export interface OpenResult {
  /** Milliseconds of each opening, in their order. */
  readonly ms: readonly number[]
  /** What the processor worked for each. */
  readonly processorMs: readonly number[]
}

function timedOpen(
  { kind, name, capacity }: OpenRequest,
  ms: number[],
  processorMs: number[],
): SharedMap<string, string> {
  const before = process.cpuUsage()
  const startMs = performance.now()
  const map =
    kind === 'new'
      ? SharedMap.open<string, string>(name, { mode: 'create', capacity })
      : SharedMap.open<string, string>(name, { mode: 'open' })
  ms.push(performance.now() - startMs)
  const { user, system } = process.cpuUsage(before)
  processorMs.push((user + system) / 1000)
  return map
}

function run(request: OpenRequest): OpenResult {
  const ms: number[] = []
  const processorMs: number[] = []
  for (let time = 0; time < request.times; time++) {
    const map = timedOpen(request, ms, processorMs)
    map.close()
    if (request.kind === 'new') SharedMap.unlink(request.name)
  }
  if (request.leaves !== undefined) {
    const { name, workload } = request.leaves
    SharedMap.unlink(name)
    using map = SharedMap.open<string, string>(name, { mode: 'create', capacity: request.capacity })
    for (const { keys, values } of makeShare('set-new', workload, 0, 1).untimed)
      for (const [index, key] of keys.entries()) map.set(key, values[index] ?? '')
  }
  return { ms, processorMs }
}

reportResult(run(childRequest() as OpenRequest))
