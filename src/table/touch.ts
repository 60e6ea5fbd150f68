/**
 * What a large table makes a look-up wait for is memory, and independent loads overlap: brings what several look-ups will
 * look at into the cache, all at once.
 *
 * One look-up waits for its bucket line, then for its chunk: two cache misses, one after the other. `touch` loads the
 * bucket lines of all hashes, then the chunks that they name, without waiting for any of them; what comes after it, key
 * by key, finds them in the cache. (Group prefetching: Chen, Ailamaki, Gibbons, Mowry, "Improving hash join performance
 * through prefetching", ICDE 2004. JavaScript has no prefetch instruction; a load whose result nobody waits for is as
 * good.)
 *
 * Nothing that it sees is believed: lines and chunks may change at any moment, so all it does is load and note where it
 * looked. For one thread.
 */
import { assert } from '../base/assert.js'
import { halfSipHash13 } from '../base/hash.js'
import { GRANULE_BYTES, LINE_BYTES } from '../base/limits.js'
import { HEADER } from '../memory/header.js'
import { GRANULE_BITS, GRANULE_MASK, type Segment } from '../memory/region.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import { Buckets } from './buckets.js'
import { FIRST_SLOT, SLOT_WORDS, SLOTS_PER_LINE } from './layout.js'
import type { TableView } from './view.js'

/** Granules of a cache line, and of a page. */
const LINE_GRANULES = LINE_BYTES / GRANULE_BYTES
const PAGE_GRANULES = PAGE_BYTES / GRANULE_BYTES

assert(SLOTS_PER_LINE === 5 && SLOT_WORDS === 3, 'findChunks looks at five slots of three words')

/** All ones where two hash words are equal but for the clock bit, else 0. */
function equalMask(word: number, hash: number): number {
  const difference = (word ^ hash) << 1
  return ~((difference | -difference) >> 31)
}

export class Touch {
  /** Of the keys to be looked up. */
  readonly hashes: Int32Array
  /** The line that seems to hold the key. */
  readonly lines: Int32Array
  /** Word index of the slot that seems to hold the key, in the segment of its line; 0 if there seems to be none. */
  readonly slots: Int32Array
  readonly #key0: number
  readonly #key1: number
  readonly #buckets: Buckets
  readonly #segments: readonly Segment[]
  /** The chunk in that slot. */
  readonly #places: Int32Array
  /**
   * Its second cache line; its first where that would be in the next page: the system may not have given memory for it, and a
   * look there takes some, or ends the process (SIGBUS) where there is no more.
   */
  readonly #seconds: Int32Array
  /** The keys that are not in the first line of their chain, and the second line of each. */
  readonly #chained: Int32Array
  readonly #links: Int32Array
  /** Where the loads go, so that no compiler finds them useless. */
  seen = 0

  /** For at most so many keys at a time. */
  constructor(view: TableView, most: number) {
    this.hashes = new Int32Array(most)
    this.lines = new Int32Array(most)
    this.slots = new Int32Array(most)
    this.#places = new Int32Array(most)
    this.#seconds = new Int32Array(most)
    this.#chained = new Int32Array(most)
    this.#links = new Int32Array(most)
    this.#key0 = view.words[HEADER.hashKey0]!
    this.#key1 = view.words[HEADER.hashKey1]!
    this.#buckets = new Buckets(view)
    this.#segments = view.region.segments
  }

  /**
   * Makes the key of `keyBytes` bytes that lies at the beginning of `words`, in private memory, the one of that index, and
   * returns its hash. What follows the key in its last word becomes zero.
   */
  add(index: number, words: Int32Array, keyBytes: number): number {
    const rest = keyBytes & 3
    if (rest !== 0) words[keyBytes >>> 2] = words[keyBytes >>> 2]! & ((1 << (rest << 3)) - 1)
    const hash = halfSipHash13(words, keyBytes, this.#key0, this.#key1)
    this.hashes[index] = hash
    return hash
  }

  /**
   * Brings what the first `count` hashes will look at into the cache. Short loops, some that work and some that only
   * load: a core looks some 250 instructions ahead, so loads overlap only where little stands between them (measured:
   * one loop that does both gains a third as much).
   */
  touch(count: number): void {
    const links = this.#links
    this.#findLines(count)
    this.#load(this.lines, count)
    const more = this.#findChunks(count)
    if (more > 0) {
      this.#load(links, more)
      for (let i = 0; i < more; i++) this.#findChunk(this.#chained[i]!)
    }
    this.#load(this.#places, count)
    this.#load(this.#seconds, count)
  }

  #findLines(count: number): void {
    const lines = this.lines
    for (let index = 0; index < count; index++) {
      const hash = this.hashes[index]!
      lines[index] = this.#buckets.lineFor(this.#buckets.stripeAt(hash), hash)
    }
  }

  /** Where the chunks are, by the first line of each chain; returns how many must be looked for in the next line. */
  #findChunks(count: number): number {
    const lines = this.lines
    const slots = this.slots
    const chained = this.#chained
    let more = 0
    for (let index = 0; index < count; index++) {
      const line = lines[index]!
      // The stripe has no buckets yet, and what lies at line 0 is the header: a word of it that is equal to the hash would
      // lead anywhere.
      if (line === 0) {
        this.#places[index] = 0
        this.#seconds[index] = 0
        slots[index] = 0
        continue
      }
      this.#findChunk(index)
      if (slots[index] !== 0) continue
      const link = this.#segments[line >>> GRANULE_BITS]!.words[(line & GRANULE_MASK) << 2]!
      if (link === 0) continue
      lines[index] = link
      this.#links[more] = link
      chained[more++] = index
    }
    return more
  }

  #findChunk(index: number): void {
    const hash = this.hashes[index]!
    const line = this.lines[index]!
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
    const place =
      ((words[first + 1]! & mask0) |
        (words[first + 4]! & mask1) |
        (words[first + 7]! & mask2) |
        (words[first + 10]! & mask3) |
        (words[first + 13]! & mask4)) &
      isOne
    this.#places[index] = place
    const isInPage = ((place & (PAGE_GRANULES - 1)) - (PAGE_GRANULES - LINE_GRANULES)) >> 31
    this.#seconds[index] = place + (isInPage & LINE_GRANULES)
    this.slots[index] =
      ((first & mask0) |
        ((first + 3) & mask1) |
        ((first + 6) & mask2) |
        ((first + 9) & mask3) |
        ((first + 12) & mask4)) &
      isOne
  }

  #load(places: Int32Array, count: number): void {
    const segments = this.#segments
    let seen = 0
    if (segments.length === 1) {
      const { words } = segments[0]!
      for (let index = 0; index < count; index++) seen ^= words[(places[index]! & GRANULE_MASK) << 2]!
    } else {
      for (let index = 0; index < count; index++) {
        const place = places[index]!
        seen ^= segments[place >>> GRANULE_BITS]!.words[(place & GRANULE_MASK) << 2]!
      }
    }
    this.seen = seen
  }
}
