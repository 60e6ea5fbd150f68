/**
 * What lies in a chunk, for the one writer of a table behind a log: chunks that it has staged or published and not yet
 * freed, which nobody else changes. So nothing is validated. Everybody else reads by reader.ts.
 */
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { FLAG_EXPIRY, KEY_LENGTH_MASK, keyOffset, keyWords, VALUE_LENGTH_MASK } from './layout.js'
import { NO_EXPIRY } from './writer.js'

const SCRATCH_BYTES = 64 * 1024

export class ChunkReader {
  readonly #segments: readonly Segment[]
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES)

  constructor(segments: readonly Segment[]) {
    this.#segments = segments
  }

  /** When the entry in a chunk expires; Infinity: never. */
  expiryOf(reference: Reference): number {
    const { words, floats } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return (words[at]! & FLAG_EXPIRY) === 0 ? NO_EXPIRY : floats[(at + 2) >>> 1]!
  }

  /** Its value, in private memory that the next call uses again. */
  valueOf(reference: Reference): Buffer {
    const { words, bytes } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    const start = (at + keyOffset(words[at]!) + keyWords(words[at + 1]! & KEY_LENGTH_MASK)) << 2
    const length = words[at]! & VALUE_LENGTH_MASK
    const target = length <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafeSlow(length)
    bytes.copy(target, 0, start, start + length)
    return target.subarray(0, length)
  }

  /** Its key, where it lies. */
  keyOf(reference: Reference): Uint8Array {
    const { words, bytes } = this.#segments[reference >>> GRANULE_BITS]!
    const start = this.keyAt(reference) << 2
    const at = (reference & GRANULE_MASK) << 2
    return bytes.subarray(start, start + (words[at + 1]! & KEY_LENGTH_MASK))
  }

  /** Where its key lies: the words, and the index in them. */
  wordsOf(reference: Reference): Int32Array {
    return this.#segments[reference >>> GRANULE_BITS]!.words
  }

  keyAt(reference: Reference): number {
    const at = (reference & GRANULE_MASK) << 2
    return at + keyOffset(this.wordsOf(reference)[at]!)
  }
}
