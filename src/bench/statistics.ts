/** The few statistics of a benchmark: medians of rounds, and ratios of contenders that ran side by side. Pure. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** A ratio with what it was made of. */
export interface Ratio {
  /** Median of the first by the median of the second. */
  readonly value: number
  /** Smallest and largest ratio of two values of one round. */
  readonly range: readonly [number, number]
}

/** `above` by `below`; both hold one value a round, in the order of the rounds. NaN where one is empty. */
export function ratioOf(above: readonly number[], below: readonly number[]): Ratio {
  const pairs = above.flatMap((value, round) => {
    const other = below[round]
    return other === undefined ? [] : [value / other]
  })
  return { value: median(above) / median(below), range: [Math.min(...pairs), Math.max(...pairs)] }
}
