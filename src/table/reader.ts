/**
 * Reading one key without a lock.
 *
 * A hit is validated by its slot's stamp alone: stamp, reference, key compared, value copied to private memory, stamp
 * still the same. Then the copy is what the entry held at the moment of the first look, whatever happened to the chunk
 * in between. A miss is validated by the stripe's version, which every move of an entry changes.
 *
 * Shared bytes are never handed to a decoder that goes over them twice (that crashes Node when another thread
 * writes): ASCII text is read in one pass, everything else is copied first. Lengths found in shared memory are
 * checked against the segment before use.
 *
 * The version and the first stamp are read plainly, the second by `Atomics.load`, which also keeps the compiler from merging the two;
 * on x86-64 loads are not reordered with loads, so no fence is needed. (arm64 needs one before the second load, which
 * `Atomics.load` gives there.)
 *
 * Participants of a region and those who can only read it (read-only-table.ts) share this code; they differ in what they do
 * about a stripe that does not hold still (`Recourse`), in who judges expiry, and in that the latter mark nothing as used.
 *
 * Results lie in fields of the reader until the next call: `text` or `bytes`, `stamp`, `expiresAtMs`. A short value is in
 * `words` too, from the first on, for those who can do without a view of its bytes.
 */

import { OperationError } from '../base/errors.js'
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { copyWords } from '../base/word-copy.js'
import { EVICTION } from '../memory/header.js'
import { LINE_SHIFT as IMPORTED_LINE_SHIFT } from '../memory/lines.js'
import {
  GRANULE_BITS as IMPORTED_GRANULE_BITS,
  GRANULE_MASK as IMPORTED_GRANULE_MASK,
  type Segment,
} from '../memory/region.js'
import { Buckets } from './buckets.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  CLOCK_BIT as IMPORTED_CLOCK_BIT,
  FIRST_SLOT as IMPORTED_FIRST_SLOT,
  FLAG_ASCII as IMPORTED_FLAG_ASCII,
  FLAG_EXPIRY as IMPORTED_FLAG_EXPIRY,
  KEY_LENGTH_MASK as IMPORTED_KEY_LENGTH_MASK,
  MAX_CHAIN_LINES as IMPORTED_MAX_CHAIN_LINES,
  SLOT_WORDS as IMPORTED_SLOT_WORDS,
  SLOTS_PER_LINE as IMPORTED_SLOTS_PER_LINE,
  VALUE_LENGTH_MASK as IMPORTED_VALUE_LENGTH_MASK,
  STRIPE,
} from './layout.js'
import type { ExpiryClock, Recourse, TableView } from './view.js'

// Local copies: an imported constant is loaded and checked at every use (measured: 3 to 6 % of a get's instructions).
const CLOCK_BIT = IMPORTED_CLOCK_BIT
const FIRST_SLOT = IMPORTED_FIRST_SLOT
const FLAG_ASCII = IMPORTED_FLAG_ASCII
const FLAG_EXPIRY = IMPORTED_FLAG_EXPIRY
const KEY_LENGTH_MASK = IMPORTED_KEY_LENGTH_MASK
const MAX_CHAIN_LINES = IMPORTED_MAX_CHAIN_LINES
const SLOT_WORDS = IMPORTED_SLOT_WORDS
const SLOTS_PER_LINE = IMPORTED_SLOTS_PER_LINE
const VALUE_LENGTH_MASK = IMPORTED_VALUE_LENGTH_MASK
const GRANULE_BITS = IMPORTED_GRANULE_BITS
const GRANULE_MASK = IMPORTED_GRANULE_MASK
const LINE_SHIFT = IMPORTED_LINE_SHIFT

const { version: VERSION, buckets: BUCKETS, extents: EXTENTS } = STRIPE

/** What of the value to read. */
export const READ_NOTHING = 0
/** `text` if it is ASCII text, else `bytes`. */
export const READ_TEXT = 1
/** `bytes`, in memory that the next call uses again. */
export const READ_BYTES = 2

/** What a look gives if it is not text. AGAIN: it was not valid. */
export const AGAIN = -1
export const MISS = 0
export const HIT = 1
export type Look = typeof AGAIN | typeof MISS | typeof HIT | string

/** Looks that were not valid before the recourse is taken. */
const MAX_TRIES = 64
const SCRATCH_BYTES = 64 * 1024
/** Copied word by word up to here: a native copy costs more than these bytes do. */
export const SHORT_VALUE_BYTES = 256
const SHORT_BYTES = SHORT_VALUE_BYTES

export class Reader {
  /** The value as text, if it is ASCII and READ_TEXT was asked for; else undefined. */
  text: string | undefined
  /** Length of the value, if it is not in `text`. */
  byteLength = 0
  /** Its bytes as words, if they are SHORT_VALUE_BYTES or fewer; private memory, used again by the next call. */
  readonly words: Int32Array
  /** Whether `readText` left the value in `bytes`. */
  isBytes = false
  /** Whether the value is ASCII text. */
  ascii = false
  /** The entry's version. */
  stamp = 0
  expiresAtMs = Number.POSITIVE_INFINITY
  /** Segment and word index of the slot that the last hit was in, for those who remember it. */
  slotSegment = 0
  slotAt = 0
  readonly #buckets: Buckets
  readonly #clock: ExpiryClock
  readonly #recourse: Recourse
  readonly #segments: readonly Segment[]
  readonly #words: Int32Array
  readonly #scratch: Buffer
  /** Where the value's bytes lie, from its start. */
  #source: Buffer
  readonly #evicts: boolean
  readonly #baseBits: number

  constructor(view: TableView, clock: ExpiryClock, recourse: Recourse) {
    this.#recourse = recourse
    this.#buckets = new Buckets(view)
    this.#clock = clock
    this.#segments = view.region.segments
    this.#words = view.words
    const scratch = new ArrayBuffer(SCRATCH_BYTES)
    this.#scratch = Buffer.from(scratch)
    this.words = new Int32Array(scratch)
    this.#baseBits = view.baseLineBits
    this.#evicts = view.isWritable && view.facts.eviction === EVICTION.CLOCK
    this.#source = this.#scratch
  }

  /** The value's bytes, if it is not in `text`; private memory, but used again by the next call. */
  get bytes(): Buffer {
    return this.#source.subarray(0, this.byteLength)
  }

  /**
   * Looks `key` up; true if it is there and has not expired. Sets `stamp` and `expiresAtMs` even if it has expired. As
   * `readText`, for those with a recourse that always helps.
   */
  read(key: KeyBuffer, what: number): boolean {
    const found = this.look(key, what)
    if (typeof found === 'string') this.text = found
    return found !== MISS && !this.#hasExpired()
  }

  /**
   * As `read` with READ_TEXT, but returns the text: it is in no field then, and so costs no write barrier (measured:
   * 20 ns). Undefined if there is no entry, or with `isBytes` set if the value is in `bytes`.
   */
  readText(key: KeyBuffer): string | undefined {
    const found = this.look(key, READ_TEXT)
    this.isBytes = found === HIT
    if (found === MISS) return undefined
    if (this.#hasExpired()) {
      this.isBytes = false
      return undefined
    }
    return typeof found === 'string' ? found : undefined
  }

  #hasExpired(): boolean {
    return this.expiresAtMs !== Number.POSITIVE_INFINITY && this.#clock.hasPassed(this.expiresAtMs)
  }

  /** The text found (in no field), HIT, MISS, or AGAIN where no look was valid. Whether it has expired is not asked. */
  look(key: KeyBuffer, what: number): Look {
    const stripeAt = this.#buckets.stripeAt(key.hash)
    const found = this.#attempt(stripeAt, key, what)
    return found === AGAIN ? this.#lookAgain(stripeAt, key, what) : found
  }

  #lookAgain(stripeAt: number, key: KeyBuffer, what: number): Look {
    for (let tries = 1; tries < MAX_TRIES; tries++) {
      this.#recourse.noteRetry()
      const found = this.#attempt(stripeAt, key, what)
      if (found !== AGAIN) return found
    }
    const found = this.#recourse.locked(stripeAt, () => this.#attempt(stripeAt, key, what))
    if (found === undefined) return AGAIN
    if (found !== AGAIN) return found
    throw new OperationError(
      'CORRUPT',
      'a stripe does not hold still under its lock: run check() on this table',
    )
  }

  /**
   * One unvalidated look. A single long function on purpose, with the arithmetic of buckets.ts and layout.ts written out:
   * taken apart it costs a third more (measured), since every piece reloads and checks again what the piece before it
   * had in registers, and every imported function is checked at every call.
   */
  #attempt(stripeAt: number, key: KeyBuffer, what: number): Look {
    const segments = this.#segments
    const stripes = this.#words
    const hash = key.hash
    const keyBytes = key.byteLength
    const version = stripes[stripeAt + VERSION]!
    this.stamp = 0
    const buckets = stripes[stripeAt + BUCKETS]!
    if (buckets === 0) return Atomics.load(stripes, stripeAt + VERSION) === version ? MISS : AGAIN
    const mask = (1 << (32 - Math.clz32(buckets - 1))) - 1
    let index = hash & mask
    if (index >= buckets) index &= mask >>> 1
    const baseBits = this.#baseBits
    const extent = 32 - Math.clz32(index >>> baseBits)
    const first = stripes[stripeAt + EXTENTS + extent]!
    if (first === 0) return AGAIN
    if (extent !== 0) index -= 1 << (baseBits + extent - 1)
    let line = (first + (index << LINE_SHIFT)) | 0
    for (let lines = 0; line !== 0 && lines < MAX_CHAIN_LINES; lines++) {
      const words = line >>> GRANULE_BITS === 0 ? stripes : segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      const end = at + FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
      for (let slot = at + FIRST_SLOT; slot < end; slot += SLOT_WORDS) {
        // The shift drops the clock bit from the comparison.
        if ((words[slot]! ^ hash) << 1 !== 0) continue
        // The stamp before the reference: the other way round, an old chunk could pass under a new stamp.
        const stamp = words[slot + 2]!
        const reference = words[slot + 1]!
        if (reference === 0) continue
        if (stamp === 0) return AGAIN
        const segment = segments[reference >>> GRANULE_BITS]
        if (segment === undefined) return AGAIN
        // Nothing of the chunk may be believed before the stamp is seen again.
        const chunk = segment.words
        const chunkAt = (reference & GRANULE_MASK) << 2
        const valueWord = chunk[chunkAt]!
        let matches = (chunk[chunkAt + 1]! & KEY_LENGTH_MASK) === keyBytes
        let valueAt = chunkAt + ((valueWord & FLAG_EXPIRY) === 0 ? 2 : 4)
        if (matches) {
          const keyBuffer = key.words
          const keyWords = ((keyBytes + 7) >>> 3) << 1
          for (let i = 0; i < keyWords; i++) {
            if (chunk[valueAt + i] !== keyBuffer[i]) {
              matches = false
              break
            }
          }
          valueAt += keyWords
        }
        const found = matches ? this.#readValue(segment, valueWord, chunkAt, valueAt, what) : MISS
        if (Atomics.load(words, slot + 2) !== stamp) return AGAIN
        if (!matches) continue
        if (found === AGAIN) throw impossibleLengths()
        this.stamp = stamp
        this.slotSegment = line >>> GRANULE_BITS
        this.slotAt = slot
        if (this.#evicts && words[slot]! >= 0) Atomics.or(words, slot, CLOCK_BIT)
        return found
      }
      line = words[at]!
    }
    return Atomics.load(stripes, stripeAt + VERSION) === version ? MISS : AGAIN
  }

  /** Copies the value of a chunk whose key matched: the text, or HIT; AGAIN if its lengths cannot be true. */
  #readValue(
    segment: Segment,
    valueWord: number,
    chunkAt: number,
    valueAt: number,
    what: number,
  ): typeof AGAIN | typeof HIT | string {
    this.expiresAtMs =
      (valueWord & FLAG_EXPIRY) === 0 ? Number.POSITIVE_INFINITY : segment.floats[(chunkAt + 2) >>> 1]!
    if (what === READ_NOTHING) return HIT
    const start = valueAt << 2
    const end = start + (valueWord & VALUE_LENGTH_MASK)
    if (end > segment.words.length << 2 || end - start > MAX_VALUE_BYTES) return AGAIN
    this.ascii = (valueWord & FLAG_ASCII) !== 0
    if (what === READ_TEXT && this.ascii) return segment.bytes.latin1Slice(start, end)
    this.text = undefined
    this.byteLength = end - start
    if (end - start <= SHORT_BYTES) this.#copyShort(segment.words, valueAt, (end - start + 3) >>> 2)
    else this.#copy(segment, start, end)
    return HIT
  }

  #copyShort(words: Int32Array, at: number, count: number): void {
    copyWords(words, at, this.words, 0, count)
    if (this.#source !== this.#scratch) this.#source = this.#scratch
  }

  #copy(segment: Segment, start: number, end: number): void {
    const length = end - start
    // A torn length can be anything up to the segment's end; the largest real one is 64 MiB, so memory is bounded.
    this.#source = length <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafeSlow(length)
    segment.bytes.copy(this.#source, 0, start, end)
  }
}

function impossibleLengths(): OperationError {
  return new OperationError('CORRUPT', 'a chunk has impossible lengths: run check() on this table')
}
