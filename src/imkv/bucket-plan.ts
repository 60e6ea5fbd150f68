/**
 * Which of the fixed number of buckets a key belongs to, and where the table below keeps what is in a bucket.
 *
 *   hash   | stripe | ..................... low bits, reversed = position in the stripe |
 *   bucket   stripe i has the buckets floor(iN/S) to floor((i+1)N/S) - 1; they cut its positions into equal parts
 *
 * A bucket is a part of one stripe in the order in which the table is walked (positions.ts), so its entries lie together
 * however many lines the stripe has grown to, and one lock, one version and one counter of stamps speak for all of it.
 * The number of stripes is a power of two and the number of buckets is not, so the shares of two buckets may differ by
 * a quarter at most. Pure arithmetic: every thread computes the same plan from the region's facts.
 */
import { assert } from '../base/assert.js'
import { KIB } from '../base/limits.js'
import { POSITION_BITS, POSITIONS } from '../table/positions.js'

/** What an unsigned int can say. */
export const MAX_BUCKETS = 2 ** 32 - 1

const BUCKETS_PER_STRIPE = 4
/** With that many stripes, position times buckets of a stripe stays an exact integer. */
const ENOUGH_STRIPES = 32
const BYTES_PER_STRIPE = 512 * KIB
const MOST_STRIPE_BITS = 17

/** log2 of the stripes of a table of `buckets`: at least four buckets to a stripe, at most a stripe for 512 KiB. */
export function planStripeBits(buckets: number, arenaBytes: number): number {
  const stripes = Math.min(
    buckets / BUCKETS_PER_STRIPE,
    Math.max(ENOUGH_STRIPES, arenaBytes / BYTES_PER_STRIPE),
  )
  return Math.min(MOST_STRIPE_BITS, Math.max(0, Math.floor(Math.log2(stripes))))
}

/** The low bits of `hash` in reverse: where an entry comes in the walk of its stripe. */
export function positionOf(hash: number): number {
  let bits = hash
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  bits = (bits >>> 16) | (bits << 16)
  return bits >>> (32 - POSITION_BITS)
}

export class BucketPlan {
  readonly buckets: number
  readonly #stripes: number
  readonly #shift: number

  constructor(buckets: number, stripeBits: number) {
    this.buckets = buckets
    this.#stripes = 2 ** stripeBits
    this.#shift = 32 - stripeBits
    assert(buckets >= this.#stripes, 'every stripe has a bucket')
    assert((buckets / this.#stripes) * POSITIONS <= 2 ** 53, 'places of buckets are exact')
  }

  bucketOf(hash: number): number {
    // A shift by 32 is a shift by 0, so one stripe alone is a case of its own.
    const stripe = this.#shift === 32 ? 0 : hash >>> this.#shift
    const first = this.#firstOf(stripe)
    return first + Math.floor((positionOf(hash) * (this.#firstOf(stripe + 1) - first)) / POSITIONS)
  }

  /** Number of the stripe that has all of `bucket`. */
  stripeOf(bucket: number): number {
    return Math.floor(((bucket + 1) * this.#stripes - 1) / this.buckets)
  }

  /** A position in the stripe before which nothing of `bucket` lies. */
  startOf(bucket: number): number {
    return Math.floor(this.#edgeOf(bucket, 0))
  }

  /** A position from which on nothing of `bucket` lies. */
  endOf(bucket: number): number {
    return Math.ceil(this.#edgeOf(bucket, 1))
  }

  #edgeOf(bucket: number, side: 0 | 1): number {
    const stripe = this.stripeOf(bucket)
    const first = this.#firstOf(stripe)
    return ((bucket - first + side) * POSITIONS) / (this.#firstOf(stripe + 1) - first)
  }

  #firstOf(stripe: number): number {
    return Math.floor((stripe * this.buckets) / this.#stripes)
  }
}
