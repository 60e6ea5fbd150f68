/**
 * A table that grows from 16 buckets while every single `set` is timed. Since one `set` splits one bucket at most, no
 * operation moves more entries than the largest bucket holds: the probe looks for that one at several sizes, and
 * watches how many buckets one `set` splits. Beside it: throughput of look-ups and replaces at a tenth of the final
 * size and at the end, in one process.
 *
 * Durations include what a thread really waits: the garbage collector and other programs of the machine. A loop that
 * does nothing for as long shows how much of it is the machine's.
 */
import { SharedMap } from '../../index.js'
import { reportProgress } from '../child.js'
import { LatencyHistogram } from '../latency-histogram.js'
import { median } from '../statistics.js'
import { keyMaker, randomBelow } from '../workload.js'

export interface GrowthRequest {
  readonly keys: number
  readonly valueBytes: number
}

export interface GrowthResult {
  readonly bucketsAtStart: number
  /** Most entries found in one step of a walk: one bucket, or two that overlap in part. */
  readonly largestBucket: number
  /** Most buckets split by one `set`, of those watched. */
  readonly mostSplits: number
  readonly splits: number
  readonly setNs: Quantiles
  /** Of turns that do nothing for as long as the median `set` takes: what the machine alone adds. */
  readonly idleNs: Quantiles
  /** At a tenth of the final size, and at the end. */
  readonly small: Throughput
  readonly large: Throughput
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly p9999: number
  readonly max: number
}

export interface Throughput {
  readonly entries: number
  readonly getNs: number
  readonly setNs: number
}

/** One stripe starts with one bucket. */
const STRIPES = 16
const KEY_BYTES = 16
const PIECE = 100_000
const MOST_SAMPLED = 200_000
const SAMPLES = 5
const WALK_STEPS = 20_000
const WATCHED_SETS = 2000
const MOST_IDLE = 2_000_000
const NS_PER_MS = 1e6

export function probeGrowth({ keys, valueBytes }: GrowthRequest): GrowthResult {
  const capacity = Math.max(2 ** 24, Math.ceil(keys * (KEY_BYTES + valueBytes) * 2.5))
  using map = new SharedMap({ capacity, stripes: STRIPES })
  const values = valuePool(valueBytes)
  const makeKey = keyMaker()
  const histogram = new LatencyHistogram()
  const smallSize = Math.max(1, Math.floor(keys / 10))
  let largestBucket = 0
  let mostSplits = 0
  let small: Throughput | undefined
  warmUp(valueBytes)
  for (let from = 0; from < keys; ) {
    const until = Math.min(from + PIECE, small === undefined ? smallSize : keys)
    const watched = Math.min(until, from + WATCHED_SETS)
    mostSplits = Math.max(mostSplits, watchSplits(map, from, watched, values))
    const keysOfPiece = Array.from({ length: until - watched }, (_, at) => makeKey(watched + at))
    globalThis.gc?.()
    fillTimed(map, keysOfPiece, values, histogram)
    largestBucket = Math.max(largestBucket, largestStep(map))
    from = until
    if (from === smallSize) small ??= throughputOf(map, smallSize, values)
    reportProgress(from / keys)
  }
  const large = throughputOf(map, keys, values)
  return {
    bucketsAtStart: STRIPES,
    largestBucket,
    mostSplits,
    splits: map.stats().splits,
    setNs: quantilesOf(histogram),
    idleNs: quantilesOf(idleDurations(histogram.quantileNs(0.5), Math.min(keys, MOST_IDLE))),
    small: small ?? large,
    large,
  }
}

function quantilesOf(histogram: LatencyHistogram): Quantiles {
  return {
    p50: histogram.quantileNs(0.5),
    p99: histogram.quantileNs(0.99),
    p999: histogram.quantileNs(0.999),
    p9999: histogram.quantileNs(0.9999),
    max: histogram.largestNs,
  }
}

function idleDurations(durationNs: number, turns: number): LatencyHistogram {
  const histogram = new LatencyHistogram()
  const durationMs = durationNs / NS_PER_MS
  for (let turn = 0; turn < turns; turn++) {
    const startMs = performance.now()
    let nowMs = startMs
    while (nowMs - startMs < durationMs) nowMs = performance.now()
    histogram.record((nowMs - startMs) * NS_PER_MS)
  }
  return histogram
}

function valuePool(valueBytes: number): readonly string[] {
  return Array.from({ length: 64 }, (_, index) =>
    Buffer.alloc(valueBytes, 97 + (index % 26)).toString('latin1'),
  )
}

/** Compiles the loops, so that the first durations are not the compiler's. */
function warmUp(valueBytes: number): void {
  using map = new SharedMap({ capacity: '32MiB' })
  const makeKey = keyMaker()
  const keys = Array.from({ length: 30_000 }, (_, index) => makeKey(index))
  fillTimed(map, keys, valuePool(valueBytes), new LatencyHistogram())
  throughputOf(map, keys.length, valuePool(valueBytes))
}

function fillTimed(
  map: SharedMap,
  keys: readonly string[],
  values: readonly string[],
  histogram: LatencyHistogram,
): void {
  for (let index = 0; index < keys.length; index++) {
    const startMs = performance.now()
    map.set(keys[index] ?? '', values[index & 63] ?? '')
    histogram.record((performance.now() - startMs) * NS_PER_MS)
  }
}

/** Most splits of one `set`; counting costs more than the `set`, so few are watched. */
function watchSplits(map: SharedMap, from: number, until: number, values: readonly string[]): number {
  const makeKey = keyMaker()
  let most = 0
  let before = map.stats().splits
  for (let index = from; index < until; index++) {
    map.set(makeKey(index), values[index & 63] ?? '')
    const after = map.stats().splits
    most = Math.max(most, after - before)
    before = after
  }
  return most
}

function largestStep(map: SharedMap): number {
  let largest = 0
  let cursor = 0
  for (let step = 0; step < WALK_STEPS; step++) {
    const page = map.scan(cursor, { count: 1 })
    largest = Math.max(largest, page.keys.length)
    cursor = page.cursor
    if (cursor === 0) break
  }
  return largest
}

/** Medians of several loops over fresh key strings, drawn from all keys. */
function throughputOf(map: SharedMap, entries: number, values: readonly string[]): Throughput {
  const count = Math.min(entries, MOST_SAMPLED)
  const below = randomBelow(entries)
  const makeKey = keyMaker()
  const getNs: number[] = []
  const setNs: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) {
    const reads = Array.from({ length: count }, () => makeKey(below(entries)))
    const writes = Array.from({ length: count }, () => makeKey(below(entries)))
    globalThis.gc?.()
    getNs.push(nsPerOperation(() => getAll(map, reads), count))
    setNs.push(nsPerOperation(() => setAll(map, writes, values), count))
  }
  return { entries, getNs: median(getNs), setNs: median(setNs) }
}

function nsPerOperation(run: () => void, operations: number): number {
  const startMs = performance.now()
  run()
  return ((performance.now() - startMs) * NS_PER_MS) / operations
}

function getAll(map: SharedMap, keys: readonly string[]): void {
  for (const key of keys) {
    if (map.get(key) === undefined) throw new Error(`the table has lost the key ${key}`)
  }
}

function setAll(map: SharedMap, keys: readonly string[], values: readonly string[]): void {
  for (let index = 0; index < keys.length; index++) map.set(keys[index] ?? '', values[index & 63] ?? '')
}
