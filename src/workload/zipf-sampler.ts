/**
 * Ranks by Zipf's law, without a table: rank r, from 1, in proportion to 1 / r^exponent. Rejection-inversion after
 * W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions" (ACM
 * TOMACS 6, 1996), the same as in Apache Commons Math; a draw takes 1.1 tries or so, whatever the number of ranks.
 */
import type { SeededRandom } from '../base/random.js'

/** Draws ranks of 1 to `count`; `exponent` is above 1. */
export function zipfSampler(count: number, exponent: number, random: SeededRandom): () => number {
  const integral = (x: number): number => (x ** (1 - exponent) - 1) / (1 - exponent)
  const inverse = (y: number): number => (1 + y * (1 - exponent)) ** (1 / (1 - exponent))
  const least = integral(1.5) - 1
  const most = integral(count + 0.5)
  /** Within it of the next whole number, a draw is right without a look at the curve. */
  const margin = 2 - inverse(integral(2.5) - 2 ** -exponent)
  return () => {
    for (;;) {
      const y = most + random.next() * (least - most)
      const x = inverse(y)
      const rank = Math.min(Math.max(Math.round(x), 1), count)
      if (rank - x <= margin || y >= integral(rank + 0.5) - rank ** -exponent) return rank
    }
  }
}
