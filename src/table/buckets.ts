/**
 * Addressing: from a hash to its stripe, from a stripe and a number to a bucket line. Arithmetic on shared words,
 * no locks; callers know what they may conclude.
 */
import { LINE_SHIFT } from '../memory/lines.js'
import type { Reference } from '../memory/region.js'
import { STRIPE, STRIPE_WORDS } from './layout.js'
import type { TableView } from './view.js'

const { buckets: BUCKETS, extents: EXTENTS } = STRIPE

/** Bucket of `hash` among `buckets`: the next power of two's low bits, folded where that bucket does not exist yet. */
export function bucketIndex(hash: number, buckets: number): number {
  const mask = (1 << (32 - Math.clz32(buckets - 1))) - 1
  const index = hash & mask
  return index < buckets ? index : index & (mask >>> 1)
}

/** Number of the extent that holds bucket `index`; extent 0 has 2^baseBits lines, extent k as many as all before it. */
export function extentOf(index: number, baseBits: number): number {
  return 32 - Math.clz32(index >>> baseBits)
}

/** Lines in extent `extent`. */
export function extentLines(extent: number, baseBits: number): number {
  return extent === 0 ? 1 << baseBits : 1 << (baseBits + extent - 1)
}

export class Buckets {
  readonly stripes: number
  readonly #words: Int32Array
  readonly #stripesAt: number
  readonly #shift: number
  readonly #baseBits: number

  constructor(view: TableView) {
    this.#words = view.words
    this.#stripesAt = view.shape.stripesAt
    this.stripes = view.shape.stripes
    this.#shift = 32 - view.facts.stripeBits
    this.#baseBits = view.baseLineBits
  }

  /** Word index of the stripe that owns `hash`. */
  stripeAt(hash: number): number {
    // A shift by 32 is a shift by 0, so one stripe alone is a case of its own.
    return this.#shift === 32 ? this.#stripesAt : this.#stripesAt + (hash >>> this.#shift) * STRIPE_WORDS
  }

  /** Word index of stripe number `index`. */
  stripeNumber(index: number): number {
    return this.#stripesAt + index * STRIPE_WORDS
  }

  /** First line of bucket `index`; 0 if its extent is not there yet. */
  line(stripeAt: number, index: number): Reference {
    const extent = extentOf(index, this.#baseBits)
    const first = this.#words[stripeAt + EXTENTS + extent]!
    if (first === 0) return 0
    const offset = extent === 0 ? index : index - (1 << (this.#baseBits + extent - 1))
    return (first + (offset << LINE_SHIFT)) | 0
  }

  /** First line of the bucket that `hash` belongs to at this moment; 0 in a stripe that has none yet. */
  lineFor(stripeAt: number, hash: number): Reference {
    const buckets = this.#words[stripeAt + BUCKETS]!
    return buckets === 0 ? 0 : this.line(stripeAt, bucketIndex(hash, buckets))
  }
}
