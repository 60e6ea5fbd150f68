/**
 * Many look-ups at once: what a large table makes a look-up wait for is memory, and independent loads overlap.
 *
 * One look-up waits for its bucket line, then for its chunk: two cache misses, one after the other. `touch` walks over
 * the keys of a batch and loads the bucket line of each, then the chunk that each line names, without waiting for any
 * of them; the ordinary reader, which comes after it key by key, then finds them in the cache. (Group prefetching:
 * Chen, Ailamaki, Gibbons, Mowry, "Improving hash join performance through prefetching", ICDE 2004. JavaScript has no
 * prefetch instruction; a load whose result nobody waits for is as good.)
 *
 * Nothing that `touch` sees is believed: lines and chunks may change at any moment, so all it does is load.
 *
 * A batch belongs to one thread. Between filling the keys and the last read of them no user code may use it again:
 * `begin` says whether it is free.
 */
import { assert } from '../base/assert.js'
import { HEADER } from '../memory/header.js'
import { GRANULE_BITS, GRANULE_MASK, type Segment } from '../memory/region.js'
import { Buckets } from './buckets.js'
import { KeyBuffer } from './key-buffer.js'
import { FIRST_SLOT, SLOT_WORDS, SLOTS_PER_LINE } from './layout.js'
import type { Space } from './space.js'

/** Keys of one batch: enough to overlap all that a core can have under way, few enough to stay in its first cache. */
export const BATCH_KEYS = 64
const KEY_BYTES = 64
/** Words of a cache line. */
const LINE_WORDS = 16

assert(SLOTS_PER_LINE === 5 && SLOT_WORDS === 3, 'findChunks looks at five slots of three words')

/** `reference` where two hash words are equal but for the clock bit, else 0. */
function ifEqual(word: number, hash: number, reference: number): number {
  const difference = (word ^ hash) << 1
  return reference & ~((difference | -difference) >> 31)
}

export class Batch {
  readonly keys: readonly KeyBuffer[]
  readonly #buckets: Buckets
  readonly #segments: readonly Segment[]
  readonly #lines = new Int32Array(BATCH_KEYS)
  /** References of what is to be loaded next. */
  readonly #places = new Int32Array(BATCH_KEYS)
  #busy = false
  /** Where the loads go, so that no compiler finds them useless. */
  seen = 0

  constructor(space: Space) {
    const { words } = space
    this.keys = Array.from(
      { length: BATCH_KEYS },
      () => new KeyBuffer(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!, KEY_BYTES),
    )
    this.#buckets = new Buckets(space)
    this.#segments = space.region.segments
  }

  /** Takes the batch; false if it is in use already, by a caller further up the stack. */
  begin(): boolean {
    if (this.#busy) return false
    this.#busy = true
    return true
  }

  end(): void {
    this.#busy = false
  }

  /**
   * Brings what the first `count` keys will look at into the cache. Four short loops, two that work and two that only
   * load: a core looks some 250 instructions ahead, so loads overlap only where little stands between them (measured:
   * one loop that does both gains a third as much).
   */
  touch(count: number): void {
    this.#findLines(count)
    this.#load(count, 0)
    this.#findChunks(count)
    this.#load(count, 0)
    this.#load(count, LINE_WORDS)
  }

  #findLines(count: number): void {
    const places = this.#places
    const lines = this.#lines
    for (let index = 0; index < count; index++) {
      const { hash } = this.keys[index]!
      const line = this.#buckets.lineFor(this.#buckets.stripeAt(hash), hash)
      lines[index] = line
      places[index] = line
    }
  }

  #findChunks(count: number): void {
    const segments = this.#segments
    const places = this.#places
    const lines = this.#lines
    for (let index = 0; index < count; index++) {
      const { hash } = this.keys[index]!
      const line = lines[index]!
      const words = segments[line >>> GRANULE_BITS]!.words
      const first = ((line & GRANULE_MASK) << 2) + FIRST_SLOT
      // Without a branch: which of the slots it is cannot be predicted.
      places[index] =
        ifEqual(words[first]!, hash, words[first + 1]!) |
        ifEqual(words[first + 3]!, hash, words[first + 4]!) |
        ifEqual(words[first + 6]!, hash, words[first + 7]!) |
        ifEqual(words[first + 9]!, hash, words[first + 10]!) |
        ifEqual(words[first + 12]!, hash, words[first + 13]!)
    }
  }

  #load(count: number, beyond: number): void {
    const places = this.#places
    const segments = this.#segments
    let seen = 0
    if (segments.length === 1) {
      const { words } = segments[0]!
      for (let index = 0; index < count; index++)
        seen ^= words[((places[index]! & GRANULE_MASK) << 2) + beyond]!
    } else {
      for (let index = 0; index < count; index++) {
        const place = places[index]!
        // Two entries of one hash give a place that is none.
        const segment = segments[place >>> GRANULE_BITS]
        if (segment !== undefined) seen ^= segment.words[((place & GRANULE_MASK) << 2) + beyond]!
      }
    }
    this.seen = seen
  }
}
