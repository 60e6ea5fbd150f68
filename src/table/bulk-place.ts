/**
 * Puts one entry of the usual kind into a table that nobody else uses yet: a short value without expiry, whose key is new
 * and finds an empty slot in its chain, or replaces a value of the same length. Everything else is refused with nothing
 * changed, and takes the way of bulk-load.ts. A table is filled through here, entry by entry, so it is one function with
 * few calls: it takes half the instructions of the general way, and is compiled in a fraction of the time.
 *
 * The stores keep the order of chain.ts (a chunk is whole, and counted, before its slot has a stamp) and the chunk is in
 * the participant's hand until its slot leads to it, so that whoever settles a death finds what it knows. A value is
 * replaced under its stamp, as in all of a bulk load.
 */
import { copyToWords } from '../base/word-copy.js'
import { PARTICIPANT } from '../memory/participant.js'
import {
  GRANULE_BITS as IMPORTED_GRANULE_BITS,
  GRANULE_MASK as IMPORTED_GRANULE_MASK,
  type Reference,
  type Segment,
} from '../memory/region.js'
import type { Slab } from '../memory/slab.js'
import type { KeyBuffer } from './key-buffer.js'
import { FIRST_SLOT, VALUE_LENGTH_MASK as IMPORTED_VALUE_LENGTH_MASK, SLOT_WORDS, STRIPE } from './layout.js'
import type { Space } from './space.js'

// Local copies: an imported constant is loaded and checked at every use.
const GRANULE_BITS = IMPORTED_GRANULE_BITS
const GRANULE_MASK = IMPORTED_GRANULE_MASK
const VALUE_LENGTH_MASK = IMPORTED_VALUE_LENGTH_MASK
const HASH_MASK = 0x7fffffff
const COUNT = STRIPE.count
const STAMPS = STRIPE.stamps
const CHUNK_IN_HAND = PARTICIPANT.chunkInHand
const SLOT_0 = FIRST_SLOT
const SLOT_1 = SLOT_0 + SLOT_WORDS
const SLOT_2 = SLOT_1 + SLOT_WORDS
const SLOT_3 = SLOT_2 + SLOT_WORDS
const SLOT_4 = SLOT_3 + SLOT_WORDS

export class BulkPlace {
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #slab: Slab
  readonly #me: number
  /** Whether the last `put` has made an entry. */
  isNew = false

  constructor(space: Space) {
    this.#words = space.words
    this.#segments = space.region.segments
    this.#slab = space.slab
    this.#me = space.registry.at
  }

  /**
   * The key's chain begins with `line`; the value lies from byte `from` of `source` on (see copyToWords). False: this is not
   * the usual kind, and nothing has changed.
   */
  put(
    stripeAt: number,
    line: Reference,
    key: KeyBuffer,
    valueWord: number,
    source: Int32Array,
    from: number,
  ): boolean {
    const hash = key.hash
    let emptyLine = 0
    let emptyAt = 0
    for (let next = line; next !== 0; ) {
      const words = this.#segments[next >>> GRANULE_BITS]!.words
      const at = (next & GRANULE_MASK) << 2
      const slot = takenSlot(words, at, hash)
      if (slot !== 0) return this.#overwrite(words[at + slot + 1]!, key, valueWord, source, from)
      if (emptyAt === 0) {
        emptyAt = emptySlot(words, at)
        emptyLine = next
      }
      next = words[at]!
    }
    const words = this.#words
    const stamp = (words[stripeAt + STAMPS]! + 1) | 0
    // A stamp of 0 means busy: the general way counts that the counter begins anew.
    if (emptyAt === 0 || stamp === 0) return false
    const keyLength = ((key.byteLength + 7) >>> 3) << 1
    const valueBytes = valueWord & VALUE_LENGTH_MASK
    const reference = this.#slab.allocate(((2 + keyLength) << 2) + valueBytes)
    if (reference === 0) return false
    const target = this.#segments[reference >>> GRANULE_BITS]!.words
    const at = (reference & GRANULE_MASK) << 2
    target[at] = valueWord
    target[at + 1] = key.byteLength
    const keySource = key.words
    for (let i = 0; i < keyLength; i++) target[(at + 2 + i) | 0] = keySource[i]!
    copyToWords(source, from, target, at + 2 + keyLength, valueBytes)
    const slotWords = this.#segments[emptyLine >>> GRANULE_BITS]!.words
    const slotAt = ((emptyLine & GRANULE_MASK) << 2) + emptyAt
    words[stripeAt + STAMPS] = stamp
    words[stripeAt + COUNT]!++
    slotWords[slotAt] = hash & HASH_MASK
    slotWords[slotAt + 1] = reference
    slotWords[slotAt + 2] = stamp
    words[this.#me + CHUNK_IN_HAND] = 0
    this.isNew = true
    return true
  }

  #overwrite(
    reference: Reference,
    key: KeyBuffer,
    valueWord: number,
    source: Int32Array,
    from: number,
  ): boolean {
    const words = this.#segments[reference >>> GRANULE_BITS]!.words
    const at = (reference & GRANULE_MASK) << 2
    if (words[at] !== valueWord || words[at + 1] !== key.byteLength) return false
    const keyLength = ((key.byteLength + 7) >>> 3) << 1
    const keySource = key.words
    for (let i = 0; i < keyLength; i++) if (words[at + 2 + i] !== keySource[i]) return false
    copyToWords(source, from, words, at + 2 + keyLength, valueWord & VALUE_LENGTH_MASK)
    this.isNew = false
    return true
  }
}

/** The slot, as an offset in the line at `at`, that may lead to an entry of this hash; 0 if none does. */
function takenSlot(words: Int32Array, at: number, hash: number): number {
  if ((words[at + SLOT_0]! ^ hash) << 1 === 0 && words[at + SLOT_0 + 1] !== 0) return SLOT_0
  if ((words[at + SLOT_1]! ^ hash) << 1 === 0 && words[at + SLOT_1 + 1] !== 0) return SLOT_1
  if ((words[at + SLOT_2]! ^ hash) << 1 === 0 && words[at + SLOT_2 + 1] !== 0) return SLOT_2
  if ((words[at + SLOT_3]! ^ hash) << 1 === 0 && words[at + SLOT_3 + 1] !== 0) return SLOT_3
  if ((words[at + SLOT_4]! ^ hash) << 1 === 0 && words[at + SLOT_4 + 1] !== 0) return SLOT_4
  return 0
}

/** The first empty slot of the line at `at`, as an offset; 0 if there is none. */
function emptySlot(words: Int32Array, at: number): number {
  if (words[at + SLOT_0 + 1] === 0) return SLOT_0
  if (words[at + SLOT_1 + 1] === 0) return SLOT_1
  if (words[at + SLOT_2 + 1] === 0) return SLOT_2
  if (words[at + SLOT_3 + 1] === 0) return SLOT_3
  return words[at + SLOT_4 + 1] === 0 ? SLOT_4 : 0
}
