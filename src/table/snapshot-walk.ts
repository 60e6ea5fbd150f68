/**
 * All entries of a table, stripe by stripe, for a snapshot that its one writer takes between its other work: entries are
 * copied out of the table before any is handed over, so that it may change whenever the caller gets one.
 *
 * The order is that of positions.ts, so what is there throughout comes exactly once however much the table grows
 * meanwhile, and what is loaded in this order goes into one stripe after the other. Hashes come whole (a slot keeps 31 bits,
 * the stripe the rest). Only for the one thread that writes; everybody else has walker.ts.
 */
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Buckets } from './buckets.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  FIRST_SLOT,
  FLAG_ASCII,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  keyOffset,
  keyWords,
  LINE_LINK,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
  VALUE_LENGTH_MASK,
} from './layout.js'
import { levelOf, POSITIONS, positionAfter, residueAt } from './positions.js'
import type { Space } from './space.js'

export interface CopiedEntry {
  /** In memory that is used again after the next entries. */
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly isAscii: boolean
  readonly expiresAtMs: number
  readonly hash: number
}

const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
const FIRST_BYTES = 64 * 1024
const HASH_MASK = 0x7fffffff

export class SnapshotWalk {
  readonly #buckets: Buckets
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #stripeBits: number
  readonly #key: KeyBuffer
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0
  readonly #found: CopiedEntry[] = []

  /** `key`: a buffer with the hash of the table. */
  constructor(space: Space, key: KeyBuffer) {
    this.#buckets = new Buckets(space)
    this.#words = space.words
    this.#segments = space.region.segments
    this.#stripeBits = space.facts.stripeBits
    this.#key = key
  }

  *entries(): Generator<CopiedEntry, void> {
    for (let stripe = 0; stripe < this.#buckets.stripes; stripe++) {
      for (let position = 0; position < POSITIONS; ) {
        position = this.#copyInterval(stripe, position)
        yield* this.#found
      }
    }
  }

  /** Copies the entries of the interval at `position`; returns the position behind it. */
  #copyInterval(stripe: number, position: number): number {
    this.#found.length = 0
    this.#length = 0
    const stripeAt = this.#buckets.stripeNumber(stripe)
    if (this.#words[stripeAt + STRIPE.count] === 0) return POSITIONS
    const buckets = this.#words[stripeAt + STRIPE.buckets]!
    const level = levelOf(buckets)
    for (let index = residueAt(position, level); index < buckets; index += 2 ** level) {
      for (let line = this.#buckets.line(stripeAt, index); line !== 0; ) {
        const { words } = this.#segments[line >>> GRANULE_BITS]!
        const at = (line & GRANULE_MASK) << 2
        for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS)
          if (words[slot + 1] !== 0) this.#copy(stripe, words[slot]!, words[slot + 1]!)
        line = words[at + LINE_LINK]!
      }
    }
    return positionAfter(position, level)
  }

  #copy(stripe: number, slotHash: number, reference: Reference): void {
    const { words, bytes, floats } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    const valueWord = words[at]!
    const keyBytes = words[at + 1]! & KEY_LENGTH_MASK
    const valueBytes = valueWord & VALUE_LENGTH_MASK
    const keyStart = (at + keyOffset(valueWord)) << 2
    const valueStart = keyStart + (keyWords(keyBytes) << 2)
    const start = this.#take(keyBytes + valueBytes)
    bytes.copy(this.#bytes, start, keyStart, keyStart + keyBytes)
    bytes.copy(this.#bytes, start + keyBytes, valueStart, valueStart + valueBytes)
    const key = this.#bytes.subarray(start, start + keyBytes)
    this.#found.push({
      key,
      value: this.#bytes.subarray(start + keyBytes, start + keyBytes + valueBytes),
      isAscii: (valueWord & FLAG_ASCII) !== 0,
      expiresAtMs: (valueWord & FLAG_EXPIRY) === 0 ? Number.POSITIVE_INFINITY : floats[(at + 2) >>> 1]!,
      hash: this.#wholeHash(stripe, slotHash, key),
    })
  }

  #wholeHash(stripe: number, slotHash: number, key: Uint8Array): number {
    if (this.#stripeBits > 0) return (slotHash & HASH_MASK) | ((stripe >>> (this.#stripeBits - 1)) << 31)
    this.#key.setBytes(key)
    return this.#key.hash
  }

  /** Room for `count` bytes; what was copied before stays where it is. */
  #take(count: number): number {
    if (this.#length + count > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafe(Math.max(FIRST_BYTES, count))
      this.#length = 0
    }
    const start = this.#length
    this.#length += count
    return start
  }
}
