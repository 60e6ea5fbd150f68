/**
 * Traces of a cache: which key each request asks for. `zipf` draws by Zipf's law; `scan` is the same with long walks
 * through keys that nobody asks for again in between, which push a cache that trusts recency alone out of its hot
 * keys. Pure functions of their arguments.
 */
import { seededRandom } from '../base/random.js'
import { shuffledIndices } from './workload.js'
import { zipfRanks } from './zipf.js'

export type TraceName = 'zipf' | 'scan'

export interface Trace {
  readonly name: TraceName
  /** Keys are 0 to `keys` - 1. */
  readonly keys: number
  readonly requests: Uint32Array
}

/** Zipf requests between two walks, and keys of one walk, by the number of popular keys. */
const REQUESTS_BETWEEN_WALKS = 0.5
const KEYS_OF_A_WALK = 0.1

/** `count` requests for `keys` popular keys. */
export function zipfTrace(keys: number, count: number, seed: number): Trace {
  const random = seededRandom(seed)
  const rankAt = zipfRanks(keys)
  const byPopularity = shuffledIndices(keys, seed + 1)
  const requests = Uint32Array.from({ length: count }, () => byPopularity[rankAt(random.next())] ?? 0)
  return { name: 'zipf', keys, requests }
}

/** `count` requests, a sixth of them walks over keys beyond the `keys` popular ones, each asked for once. */
export function scanTrace(keys: number, count: number, seed: number): Trace {
  const { requests: popular } = zipfTrace(keys, count, seed)
  const between = Math.max(1, Math.floor(keys * REQUESTS_BETWEEN_WALKS))
  const walk = Math.max(1, Math.floor(keys * KEYS_OF_A_WALK))
  const requests = new Uint32Array(count)
  let next = keys
  for (let at = 0; at < count; at++) {
    requests[at] = at % (between + walk) < between ? (popular[at] ?? 0) : next++
  }
  return { name: 'scan', keys: next, requests }
}
