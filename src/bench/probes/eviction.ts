/**
 * The hit ratio of `eviction: 'clock'` beside exact LRU of as many entries, over one trace: a request reads its key
 * and, on a miss, stores it. The table is limited by `maxEntries`, or by its capacity in bytes; then the LRU gets
 * the mean number of entries that the table really held. The first third of the trace fills both and is not counted.
 */
import { SharedMap } from '../../index.js'
import { reportProgress } from '../child.js'
import { LruModel } from '../lru-model.js'
import { scanTrace, type Trace, type TraceName, zipfTrace } from '../traces.js'
import { keyMaker } from '../workload.js'

export interface EvictionRequest {
  readonly trace: TraceName
  readonly limit: 'maxEntries' | 'capacity'
  /** Popular keys; a tenth of them fits. */
  readonly keys: number
  readonly requests: number
  readonly valueBytes: number
  readonly seed: number
}

export interface EvictionResult {
  readonly hitRatio: number
  readonly lruHitRatio: number
  /** Mean entries of the table in the counted part, as the LRU's capacity. */
  readonly entries: number
  readonly evictions: number
}

const FITTING_PART = 0.1
const NOT_COUNTED = 1 / 3
/** What an entry of 16 + 100 bytes takes, bucket line included, scaled to other sizes. */
const BYTES_BY_LIVE_BYTE = 1.4
const KEY_BYTES = 16
const LEAST_CAPACITY = 2 ** 19
const SAMPLE_EVERY = 1000

/** The options that another version may not know yet: they are given as they are, and refused by the constructor. */
interface EvictionOptions {
  readonly eviction: 'clock'
  readonly maxEntries?: number
  readonly capacity: number
}

function optionsOf({ limit, keys, valueBytes }: EvictionRequest): EvictionOptions {
  const entries = Math.max(1, Math.floor(keys * FITTING_PART))
  const liveBytes = entries * (KEY_BYTES + valueBytes)
  return limit === 'maxEntries'
    ? { eviction: 'clock', maxEntries: entries, capacity: Math.max(2 ** 22, liveBytes * 3) }
    : { eviction: 'clock', capacity: Math.max(LEAST_CAPACITY, Math.floor(liveBytes * BYTES_BY_LIVE_BYTE)) }
}

export function probeEviction(request: EvictionRequest): EvictionResult {
  const makeTrace = request.trace === 'zipf' ? zipfTrace : scanTrace
  const trace = makeTrace(request.keys, request.requests, request.seed)
  const options = optionsOf(request)
  using map = new SharedMap(options)
  const own = replay(map, trace, request.valueBytes)
  if (options.maxEntries !== undefined && own.entries > options.maxEntries * 1.01) {
    throw new Error(
      `maxEntries ${options.maxEntries} holds ${Math.round(own.entries)} entries in this version`,
    )
  }
  map.check()
  const { evictions } = map.stats()
  const capacity = Math.max(1, Math.round(own.entries))
  const lruHitRatio = replayLru(new LruModel(trace.keys, capacity), trace)
  return { ...own, entries: capacity, lruHitRatio, evictions }
}

function replay(map: SharedMap, trace: Trace, valueBytes: number): { hitRatio: number; entries: number } {
  const makeKey = keyMaker()
  const value = Buffer.alloc(valueBytes, 'v').toString('latin1')
  const { requests } = trace
  const from = Math.floor(requests.length * NOT_COUNTED)
  let hits = 0
  let samples = 0
  let entries = 0
  requests.forEach((index, at) => {
    const key = makeKey(index)
    if (map.get(key) === undefined) map.set(key, value)
    else if (at >= from) hits++
    if (at % SAMPLE_EVERY !== 0) return
    reportProgress(at / requests.length)
    if (at < from) return
    samples++
    entries += map.size
  })
  return { hitRatio: hits / (requests.length - from), entries: entries / samples }
}

function replayLru(lru: LruModel, { requests }: Trace): number {
  const from = Math.floor(requests.length * NOT_COUNTED)
  let hits = 0
  requests.forEach((key, at) => {
    if (lru.access(key) && at >= from) hits++
  })
  return hits / (requests.length - from)
}
