/**
 * Many look-ups at once: what a large table makes a look-up wait for is memory, and independent loads overlap.
 *
 * One look-up waits for its bucket line, then for its chunk: two cache misses, one after the other. `touch` loads the
 * bucket lines of all keys of a batch, then the chunks that they name, without waiting for any of them; what comes after
 * it, key by key, finds them in the cache. (Group prefetching: Chen, Ailamaki, Gibbons, Mowry, "Improving hash join
 * performance through prefetching", ICDE 2004. JavaScript has no prefetch instruction; a load whose result nobody
 * waits for is as good.)
 *
 * Nothing that `touch` sees is believed: lines and chunks may change at any moment, so all it does is load and note
 * where it looked. `readText` believes a slot by the reader's rule for a hit: the stamp before, the key, the copy, the
 * same stamp after. Whatever it can't settle so at once is the reader's.
 *
 * A batch belongs to one thread. Between filling the keys and the last read of them no user code may use it again:
 * `begin` says whether it is free.
 */
import { assert } from '../base/assert.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { GRANULE_BITS, GRANULE_MASK, type Segment } from '../memory/region.js'
import { Buckets } from './buckets.js'
import { KeyBuffer } from './key-buffer.js'
import {
  CLOCK_BIT,
  FIRST_SLOT,
  FLAG_ASCII,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  VALUE_LENGTH_MASK,
} from './layout.js'
import type { TableView } from './view.js'

/** Keys of one batch: enough to overlap all that a core can have under way, few enough to stay in its first cache. */
export const BATCH_KEYS = 64
const KEY_BYTES = 64
/** Words of a cache line. */
const LINE_WORDS = 16

assert(SLOTS_PER_LINE === 5 && SLOT_WORDS === 3, 'findChunks looks at five slots of three words')

/** All ones where two hash words are equal but for the clock bit, else 0. */
function equalMask(word: number, hash: number): number {
  const difference = (word ^ hash) << 1
  return ~((difference | -difference) >> 31)
}

export class Batch {
  readonly keys: readonly KeyBuffer[]
  readonly #buckets: Buckets
  readonly #segments: readonly Segment[]
  readonly #evicts: boolean
  readonly #lines = new Int32Array(BATCH_KEYS)
  /** Word index of the slot that seems to hold the key, in the segment of its line; 0 if there seems to be none. */
  readonly #slots = new Int32Array(BATCH_KEYS)
  /** The chunk in that slot. */
  readonly #places = new Int32Array(BATCH_KEYS)
  /** The keys that are not in the first line of their chain, and the second line of each. */
  readonly #chained = new Int32Array(BATCH_KEYS)
  readonly #links = new Int32Array(BATCH_KEYS)
  #busy = false
  /** Where the loads go, so that no compiler finds them useless. */
  seen = 0

  constructor(view: TableView) {
    const { words } = view
    this.keys = Array.from(
      { length: BATCH_KEYS },
      () => new KeyBuffer(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!, KEY_BYTES),
    )
    this.#buckets = new Buckets(view)
    this.#segments = view.region.segments
    this.#evicts = view.isWritable && view.facts.eviction === EVICTION.CLOCK
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
   * Brings what the first `count` keys will look at into the cache. Short loops, some that work and some that only
   * load: a core looks some 250 instructions ahead, so loads overlap only where little stands between them (measured:
   * one loop that does both gains a third as much).
   */
  touch(count: number): void {
    const places = this.#places
    const links = this.#links
    this.#findLines(count)
    this.#load(this.#lines, count, 0)
    const more = this.#findChunks(count)
    if (more > 0) {
      this.#load(links, more, 0)
      for (let i = 0; i < more; i++) this.#findChunk(this.#chained[i]!)
    }
    this.#load(places, count, 0)
    this.#load(places, count, LINE_WORDS)
  }

  /**
   * The text under key `index` of the batch, if it is ASCII, has no expiry and was where `touch` looked; undefined says
   * nothing: ask the reader.
   */
  readText(index: number): string | undefined {
    const segments = this.#segments
    const slot = this.#slots[index]!
    const words = segments[this.#lines[index]! >>> GRANULE_BITS]!.words
    // The stamp before the reference, and again after the copy: see Reader.
    const stamp = words[slot + 2]!
    const reference = words[slot + 1]!
    const segment = segments[reference >>> GRANULE_BITS]
    if (slot === 0 || stamp === 0 || reference === 0 || segment === undefined) return undefined
    const key = this.keys[index]!
    const keyBytes = key.byteLength
    const chunk = segment.words
    const at = (reference & GRANULE_MASK) << 2
    const valueWord = chunk[at]!
    if ((valueWord & (FLAG_ASCII | FLAG_EXPIRY)) !== FLAG_ASCII) return undefined
    if ((chunk[at + 1]! & KEY_LENGTH_MASK) !== keyBytes) return undefined
    const keyEnd = ((keyBytes + 7) >>> 3) << 1
    const keyWords = key.words
    for (let i = 0; i < keyEnd; i++) if (chunk[at + 2 + i] !== keyWords[i]) return undefined
    const start = (at + 2 + keyEnd) << 2
    const end = start + (valueWord & VALUE_LENGTH_MASK)
    if (end > chunk.length << 2) return undefined
    const text = segment.bytes.latin1Slice(start, end)
    if (Atomics.load(words, slot + 2) !== stamp) return undefined
    if (this.#evicts && words[slot]! >= 0) Atomics.or(words, slot, CLOCK_BIT)
    return text
  }

  #findLines(count: number): void {
    const lines = this.#lines
    for (let index = 0; index < count; index++) {
      const { hash } = this.keys[index]!
      lines[index] = this.#buckets.lineFor(this.#buckets.stripeAt(hash), hash)
    }
  }

  /** Where the chunks are, by the first line of each chain; returns how many must be looked for in the next line. */
  #findChunks(count: number): number {
    const lines = this.#lines
    const slots = this.#slots
    const chained = this.#chained
    let more = 0
    for (let index = 0; index < count; index++) {
      this.#findChunk(index)
      const line = lines[index]!
      // Line 0: the stripe has no buckets yet.
      if (slots[index] !== 0 || line === 0) continue
      const link = this.#segments[line >>> GRANULE_BITS]!.words[(line & GRANULE_MASK) << 2]!
      if (link === 0) continue
      lines[index] = link
      this.#links[more] = link
      chained[more++] = index
    }
    return more
  }

  #findChunk(index: number): void {
    const { hash } = this.keys[index]!
    const line = this.#lines[index]!
    const words = this.#segments[line >>> GRANULE_BITS]!.words
    const first = ((line & GRANULE_MASK) << 2) + FIRST_SLOT
    // Without a branch: which of the slots it is cannot be predicted.
    const mask0 = equalMask(words[first]!, hash)
    const mask1 = equalMask(words[first + 3]!, hash)
    const mask2 = equalMask(words[first + 6]!, hash)
    const mask3 = equalMask(words[first + 9]!, hash)
    const mask4 = equalMask(words[first + 12]!, hash)
    // Two slots of one hash count as none: what their references come to together may be a page that the system has not
    // given memory for, and a look there can end the process.
    const isOne = ~((mask0 + mask1 + mask2 + mask3 + mask4 + 1) >> 31)
    this.#places[index] =
      ((words[first + 1]! & mask0) |
        (words[first + 4]! & mask1) |
        (words[first + 7]! & mask2) |
        (words[first + 10]! & mask3) |
        (words[first + 13]! & mask4)) &
      isOne
    this.#slots[index] =
      ((first & mask0) |
        ((first + 3) & mask1) |
        ((first + 6) & mask2) |
        ((first + 9) & mask3) |
        ((first + 12) & mask4)) &
      isOne
  }

  #load(places: Int32Array, count: number, beyond: number): void {
    const segments = this.#segments
    let seen = 0
    if (segments.length === 1) {
      const { words } = segments[0]!
      for (let index = 0; index < count; index++)
        seen ^= words[((places[index]! & GRANULE_MASK) << 2) + beyond]!
    } else {
      for (let index = 0; index < count; index++) {
        const place = places[index]!
        seen ^= segments[place >>> GRANULE_BITS]!.words[((place & GRANULE_MASK) << 2) + beyond]!
      }
    }
    this.seen = seen
  }
}
