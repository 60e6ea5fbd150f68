/**
 * Many look-ups at once: the keys of a batch are touched together (see touch.ts), then read one by one.
 *
 * `readText` believes a slot where `touch` looked by the reader's rule for a hit: the stamp before, the key, the copy, the
 * same stamp after. Whatever it can't settle so at once is the reader's.
 *
 * A batch belongs to one thread. Between filling the keys and the last read of them no user code may use it again:
 * `begin` says whether it is free.
 */
import { EVICTION, HEADER } from '../memory/header.js'
import { GRANULE_BITS, GRANULE_MASK, type Segment } from '../memory/region.js'
import { KeyBuffer } from './key-buffer.js'
import { CLOCK_BIT, FLAG_ASCII, FLAG_EXPIRY, KEY_LENGTH_MASK, VALUE_LENGTH_MASK } from './layout.js'
import { Touch } from './touch.js'
import type { TableView } from './view.js'

/** Keys of one batch: enough to overlap all that a core can have under way, few enough to stay in its first cache. */
export const BATCH_KEYS = 64
const KEY_BYTES = 64

export class Batch {
  readonly keys: readonly KeyBuffer[]
  readonly #touch: Touch
  readonly #segments: readonly Segment[]
  readonly #evicts: boolean
  #busy = false

  constructor(view: TableView) {
    const { words } = view
    this.keys = Array.from(
      { length: BATCH_KEYS },
      () => new KeyBuffer(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!, KEY_BYTES),
    )
    this.#touch = new Touch(view, BATCH_KEYS)
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

  /** Brings what the first `count` keys will look at into the cache. */
  touch(count: number): void {
    const { hashes } = this.#touch
    for (let index = 0; index < count; index++) hashes[index] = this.keys[index]!.hash
    this.#touch.touch(count)
  }

  /**
   * The text under key `index` of the batch, if it is ASCII, has no expiry and was where `touch` looked; undefined says
   * nothing: ask the reader.
   */
  readText(index: number): string | undefined {
    const segments = this.#segments
    const slot = this.#touch.slots[index]!
    const words = segments[this.#touch.lines[index]! >>> GRANULE_BITS]!.words
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
}
