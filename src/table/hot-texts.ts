/**
 * Texts that one thread has read again and again, each with the slot it came from and the stamp it had there.
 *
 * Making a string of 100 bytes takes Node as long as finding them. Strings cannot be changed, so the one made for the last
 * reader serves the next, as long as the slot still has that stamp: every change of an entry, by whatever thread, gives its
 * slot another stamp or none, no stripe gives out a stamp twice without counting it as a wrap, and a slot's memory never
 * holds anything but slots. So one load tells whether a text is still true, and a hit is as fresh as any other read.
 *
 * LINES lines, each for the last key that its hash led to, with the key itself: two keys may share a hash. Most tables
 * have no keys hot enough for this to pay: so it is tried for SAMPLE_READS, and goes on, or pauses for PAUSE_READS, by how
 * many of them it answered. Its memory is taken at the first trial, at most LINES texts of MAX_TEXT characters.
 *
 * For one thread. Values that are not ASCII, long values and long keys are read as ever.
 */
import { EVICTION, HEADER } from '../memory/header.js'
import type { KeyBuffer } from './key-buffer.js'
import { CLOCK_BIT as IMPORTED_CLOCK_BIT, SLOT } from './layout.js'
import type { Reader } from './reader.js'
import type { RegionClock } from './region-clock.js'
import type { Space } from './space.js'

// Local copies: an imported constant is loaded and checked at every use.
const CLOCK_BIT = IMPORTED_CLOCK_BIT
const SLOT_STAMP = SLOT.stamp
const STAMP_WRAPS = HEADER.stampWraps
const NO_EXPIRY = Number.POSITIVE_INFINITY

const LINES_BITS = 12
const LINES = 1 << LINES_BITS
const MAX_TEXT = 512
const MAX_KEY_WORDS = 8

/** A line is 64 bytes: what it holds is there once its stamp is. */
const LINE_SHIFT = 4
const HASH = 0
const KEY_BYTES = 1
const STAMP = 2
const SEGMENT = 3
const STAMP_AT = 4
const WRAPS = 5
/** A float64. */
const EXPIRY = 6
const KEY = 8

const FIRST_PAUSE_READS = 1024
const SAMPLE_READS = 4096
const PAUSE_READS = 65_536
/** One in so many must be answered for it to pay (measured: a hit saves four times what a miss costs). */
const LEAST_SHARE = 4

export class HotTexts {
  readonly #space: Space
  readonly #clock: RegionClock
  readonly #header: Int32Array
  readonly #evicts: boolean
  #lines = new Int32Array(0)
  #expiries = new Float64Array(0)
  #texts: string[] = []
  #isOn = false
  #readsLeft = FIRST_PAUSE_READS
  #reads = 0
  #hits = 0

  constructor(space: Space, clock: RegionClock) {
    this.#space = space
    this.#clock = clock
    this.#header = space.words
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
  }

  /** Whether this read is to ask here, and to be kept. To be called once for each. */
  isOn(): boolean {
    if (--this.#readsLeft < 0) this.#decide()
    return this.#isOn
  }

  #decide(): void {
    const pays = this.#isOn && this.#hits * LEAST_SHARE >= this.#reads
    const wasOn = this.#isOn
    this.#isOn = pays || !wasOn
    this.#hits = 0
    this.#reads = this.#readsLeft = pays || wasOn ? PAUSE_READS : SAMPLE_READS
    if (!this.#isOn || this.#lines.length !== 0) return
    this.#lines = new Int32Array(LINES << LINE_SHIFT)
    this.#expiries = new Float64Array(this.#lines.buffer)
    this.#texts = new Array<string>(LINES).fill('')
  }

  /** The text that is under `key` now, if it is kept here. */
  find(key: KeyBuffer): string | undefined {
    const lines = this.#lines
    const hash = key.hash
    const index = hash >>> (32 - LINES_BITS)
    const at = index << LINE_SHIFT
    if (lines[at + HASH] !== hash || lines[at + KEY_BYTES] !== key.byteLength) return undefined
    const stamp = lines[at + STAMP]!
    if (stamp === 0) return undefined
    const { words: keyWords } = key
    for (let i = (key.byteLength - 1) >> 2; i >= 0; i--)
      if (lines[at + KEY + i] !== keyWords[i]) return undefined
    const { words } = this.#space.region.segments[lines[at + SEGMENT]!]!
    const stampAt = lines[at + STAMP_AT]!
    // The stamp first: where it is one that came after a wrap, the wrap is seen too.
    if (Atomics.load(words, stampAt) !== stamp || this.#header[STAMP_WRAPS] !== lines[at + WRAPS])
      return undefined
    const expiresAtMs = this.#expiries[(at + EXPIRY) >>> 1]!
    if (expiresAtMs !== NO_EXPIRY && this.#clock.hasPassed(expiresAtMs)) return undefined
    // Eviction must see that the entry is in use.
    if (this.#evicts && words[stampAt - SLOT_STAMP]! >= 0) Atomics.or(words, stampAt - SLOT_STAMP, CLOCK_BIT)
    this.#hits++
    return this.#texts[index]
  }

  /** Keeps what `reader` has just read; `stampWraps` is the header's word from before that. */
  keep(key: KeyBuffer, text: string, reader: Reader, stampWraps: number): void {
    const keyWords = (key.byteLength + 3) >> 2
    if (text.length > MAX_TEXT || keyWords > MAX_KEY_WORDS) return
    const lines = this.#lines
    const index = key.hash >>> (32 - LINES_BITS)
    const at = index << LINE_SHIFT
    // A thread may be thrown out at any call: what is half kept has no stamp.
    lines[at + STAMP] = 0
    this.#texts[index] = text
    lines[at + HASH] = key.hash
    lines[at + KEY_BYTES] = key.byteLength
    for (let i = 0; i < keyWords; i++) lines[at + KEY + i] = key.words[i]!
    lines[at + SEGMENT] = reader.slotSegment
    lines[at + STAMP_AT] = reader.slotAt + SLOT_STAMP
    lines[at + WRAPS] = stampWraps
    this.#expiries[(at + EXPIRY) >>> 1] = reader.expiresAtMs
    lines[at + STAMP] = reader.stamp
  }
}
