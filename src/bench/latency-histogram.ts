/**
 * Millions of durations in a few KiB: counts in buckets that grow with the duration, 64 for every power of two, so
 * that a quantile is exact to 1.6 %. After HdrHistogram (Gil Tene, public domain). One thread fills it; the largest
 * duration is kept as it is.
 */
const SUB_BITS = 6
const SUB_BUCKETS = 1 << SUB_BITS
const POWERS = 40

export class LatencyHistogram {
  readonly #counts = new Float64Array((POWERS + 1) * SUB_BUCKETS)
  #total = 0
  #sumNs = 0
  #largestNs = 0

  get total(): number {
    return this.#total
  }

  get largestNs(): number {
    return this.#largestNs
  }

  /** Exact; 0 when empty. */
  get meanNs(): number {
    return this.#total === 0 ? 0 : this.#sumNs / this.#total
  }

  /** `durationNs` from 0 to some minutes. */
  record(durationNs: number): void {
    const index = bucketOf(durationNs)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
    this.#sumNs += durationNs
    if (durationNs > this.#largestNs) this.#largestNs = durationNs
  }

  /** The duration that `fraction` of all do not exceed, rounded up to the end of its bucket; 0 when empty. */
  quantileNs(fraction: number): number {
    const wanted = Math.max(1, Math.ceil(fraction * this.#total))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0
      if (seen >= wanted) return Math.min(bucketEndNs(index), this.#largestNs)
    }
    return this.#largestNs
  }
}

/** What is told of calls that were timed one by one. */
export interface SingleTimes {
  readonly meanNs: number
  readonly p50Ns: number
  readonly p99Ns: number
  readonly p999Ns: number
}

export function singleTimes(histogram: LatencyHistogram): SingleTimes {
  return {
    meanNs: histogram.meanNs,
    p50Ns: histogram.quantileNs(0.5),
    p99Ns: histogram.quantileNs(0.99),
    p999Ns: histogram.quantileNs(0.999),
  }
}

/** Below 64 ns a bucket is one nanosecond; above, the leading six bits after the first choose it. */
function bucketOf(durationNs: number): number {
  const whole = Math.floor(durationNs)
  if (whole < SUB_BUCKETS) return Math.max(0, whole)
  const power = Math.floor(Math.log2(whole)) - SUB_BITS
  return (Math.min(power, POWERS - 1) + 1) * SUB_BUCKETS + (Math.floor(whole / 2 ** power) % SUB_BUCKETS)
}

function bucketEndNs(index: number): number {
  const row = Math.floor(index / SUB_BUCKETS)
  const within = index % SUB_BUCKETS
  return row === 0 ? within : (SUB_BUCKETS + within + 1) * 2 ** (row - 1) - 1
}
