/**
 * Zipf's distribution with the exponent 0.99 that YCSB made the custom of this field: the key of rank r (from 1)
 * is asked for in proportion to 1 / r^0.99. Exact by a table of cumulated weights and a binary search, the same
 * few lines as in bench/striped-map.cpp; a table of n ranks takes 8 n bytes. Pure functions.
 */

export const ZIPF_EXPONENT = 0.99

/** Cumulated weights of the ranks 0 to `count` - 1, not normalized. */
export function zipfCumulative(count: number, exponent = ZIPF_EXPONENT): Float64Array {
  const cumulative = new Float64Array(count)
  let total = 0
  for (let rank = 0; rank < count; rank++) cumulative[rank] = total += (rank + 1) ** -exponent
  return cumulative
}

/** The probability of each rank. */
export function zipfProbabilities(count: number, exponent = ZIPF_EXPONENT): Float64Array {
  const cumulative = zipfCumulative(count, exponent)
  const total = cumulative[count - 1] ?? 0
  return cumulative.map((_, rank) => (rank + 1) ** -exponent / total)
}

/** Turns an evenly spread number, 0 <= n < 1, into a rank from 0. */
export function zipfRanks(count: number, exponent = ZIPF_EXPONENT): (even: number) => number {
  const cumulative = zipfCumulative(count, exponent)
  const total = cumulative[count - 1] ?? 0
  return (even) => {
    const wanted = even * total
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((cumulative[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
