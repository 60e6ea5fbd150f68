/** The probes by name, and how to run one in a process of its own. */
import { fileURLToPath } from 'node:url'
import { type ChildOptions, runChild } from './child.js'
import type { DecodedRequest, DecodedResult } from './probes/decoded.js'
import type { EvictionRequest, EvictionResult } from './probes/eviction.js'
import type { FloodRequest, FloodResult } from './probes/flood.js'
import type { GrowthRequest, GrowthResult } from './probes/growth.js'
import type { MemoryRequest, MemoryResult } from './probes/memory.js'

export interface ProbeRequests {
  readonly decoded: DecodedRequest
  readonly eviction: EvictionRequest
  readonly flood: FloodRequest
  readonly growth: GrowthRequest
  readonly memory: MemoryRequest
}

export interface ProbeResults {
  readonly decoded: DecodedResult
  readonly eviction: EvictionResult
  readonly flood: FloodResult
  readonly growth: GrowthResult
  readonly memory: MemoryResult
}

export type ProbeName = keyof ProbeRequests

const PROCESS_PATH = fileURLToPath(new URL('./probe-process.js', import.meta.url))

export function runProbe<Name extends ProbeName>(
  name: Name,
  request: ProbeRequests[Name],
  options: ChildOptions,
): Promise<ProbeResults[Name]> {
  return runChild<ProbeResults[Name]>(PROCESS_PATH, { name, request }, options)
}
