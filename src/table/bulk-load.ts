/**
 * Filling a table that nobody else uses yet, from records that lie in a buffer: what recovery does. No lock is taken but
 * the own desk, once; values are written over in place where they fit; and records come in batches, so that the loads of
 * their stripes and bucket lines overlap (as in batch.ts). Three times as fast as so many puts.
 *
 * A batch is what `set`, `load` and `delete` have taken since the last `flush`; the buffer must stay as it is until then.
 * Records happen in their order. The owner is told of each set that finds no memory.
 *
 * Two may load one table, each the entries of stripes of its own (`share`): what they have in common, the slab and the page
 * pool, has its locks. Not for tables that anybody else has joined: readers would see values change under their stamps.
 */
import { assert } from '../base/assert.js'
import { copyToWords } from '../base/word-copy.js'
import { HEADER } from '../memory/header.js'
import { PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { bucketIndex } from './buckets.js'
import { BulkGrowth } from './bulk-growth.js'
import { BulkPlace } from './bulk-place.js'
import { Chain } from './chain.js'
import type { Desk } from './desk.js'
import { KeyBuffer } from './key-buffer.js'
import { chunkBytes, FLAG_ASCII, FLAG_EXPIRY, keyOffset, keyWords, STRIPE } from './layout.js'
import type { Space } from './space.js'
import { NO_EXPIRY } from './writer.js'

const { buckets: BUCKETS } = STRIPE
const BATCH = 64
const KEY_BYTES = 64
/** A value length that stands for a delete. */
const DELETE = -1
/** Longer values are copied natively. */
const LONG_BYTES = 512

/** A set that found no memory, in the buffer it came in. */
export interface FullRecord {
  readonly bytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueEnd: number
  readonly isAscii: boolean
  readonly expiresAtMs: number
}

export interface BulkOwner {
  /** A set found no memory: the key has no entry now. */
  full(record: FullRecord): void
  /** A key whose set may have found no memory before has been set, or deleted. */
  settled(bytes: Buffer, keyStart: number, keyEnd: number): void
}

export class BulkLoad {
  readonly #space: Space
  readonly #desk: Desk
  readonly #owner: BulkOwner
  readonly #chain: Chain
  readonly #growth: BulkGrowth
  readonly #place: BulkPlace
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #me: number
  readonly #keys: readonly KeyBuffer[]
  readonly #keyStarts = new Int32Array(BATCH)
  readonly #keyEnds = new Int32Array(BATCH)
  readonly #valueBytes = new Int32Array(BATCH)
  readonly #ascii = new Int32Array(BATCH)
  readonly #expiries = new Float64Array(BATCH)
  /** From a hash to its stripe's number, and which stripes are loaded here; others' records are passed over. */
  readonly #shift: number
  #firstStripe = 0
  #endStripe: number
  #count = 0
  #wasFull = false
  #bytes: Buffer = Buffer.alloc(0)
  /** The memory of `bytes` as words, and where `bytes` begins in it. */
  #source: Int32Array = new Int32Array(0)
  #base = 0
  /** Of each of the batch: its hash; and when it was touched, its stripe, how many buckets that had, and its bucket's first line. */
  readonly #hashes = new Int32Array(BATCH)
  readonly #stripes = new Int32Array(BATCH)
  readonly #buckets = new Int32Array(BATCH)
  readonly #lines = new Int32Array(BATCH)
  /** Where loads go that are made for the cache alone. */
  seen = 0

  constructor(space: Space, desk: Desk, owner: BulkOwner) {
    this.#space = space
    this.#desk = desk
    this.#owner = owner
    this.#chain = new Chain(space)
    this.#growth = new BulkGrowth(space, this.#chain, desk)
    this.#place = new BulkPlace(space)
    this.#words = space.words
    this.#segments = space.region.segments
    this.#me = space.registry.at
    const { words } = space
    this.#shift = 32 - space.facts.stripeBits
    this.#endStripe = this.#chain.buckets.stripes
    this.#keys = Array.from(
      { length: BATCH },
      () => new KeyBuffer(words[HEADER.hashKey0]!, words[HEADER.hashKey1]!, KEY_BYTES),
    )
    this.begin()
  }

  /** Loads stripes `first` to `end` alone from here on. A table of one stripe cannot be shared. */
  share(first: number, end: number): void {
    this.flush()
    assert(this.#shift < 32 || end - first === 1, 'a share of more than one stripe')
    this.#firstStripe = first
    this.#endStripe = end
  }

  /** So many entries are to come, in all of the table. */
  expect(entries: number): void {
    this.#growth.expect(entries)
  }

  /** Whether the entry of that hash is loaded here. */
  isMine(hash: number): boolean {
    // A shift by 32 is a shift by 0, so one stripe alone is a case of its own.
    const stripe = this.#shift === 32 ? 0 : hash >>> this.#shift
    return stripe >= this.#firstStripe && stripe < this.#endStripe
  }

  /** Goes on after `end`. */
  begin(): void {
    this.#desk.enter()
  }

  /** `hash` if it is known. */
  set(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    isAscii: boolean,
    expiresAtMs: number,
    hash?: number,
  ): void {
    const slot = this.#take(bytes, keyStart, keyEnd, hash)
    if (slot < 0) return
    this.#valueBytes[slot] = valueEnd - keyEnd
    this.#ascii[slot] = isAscii ? FLAG_ASCII : 0
    this.#expiries[slot] = expiresAtMs
    if (this.#count === BATCH) this.flush()
  }

  delete(bytes: Buffer, keyStart: number, keyEnd: number): void {
    const slot = this.#take(bytes, keyStart, keyEnd, undefined)
    if (slot < 0) return
    this.#valueBytes[slot] = DELETE
    if (this.#count === BATCH) this.flush()
  }

  /** Puts the batch into the table. */
  flush(): void {
    const count = this.#count
    this.#count = 0
    this.#touch(count)
    for (let slot = 0; slot < count; slot++) {
      if (!this.#putShort(slot) && !this.#change(slot)) this.#tellFull(slot)
      else if (this.#wasFull) this.#owner.settled(this.#bytes, this.#keyStarts[slot]!, this.#keyEnds[slot]!)
    }
  }

  /** Ends the load: the table is like any other then. */
  end(): void {
    this.flush()
    this.#desk.leave()
  }

  /** Takes a key into the batch; -1 if it is not loaded here. */
  #take(bytes: Buffer, keyStart: number, keyEnd: number, hash: number | undefined): number {
    if (bytes !== this.#bytes) this.#useBuffer(bytes)
    if (hash !== undefined && !this.isMine(hash)) return -1
    const slot = this.#count
    const key = this.#keys[slot]!
    key.setFromWords(this.#source, this.#base + keyStart, keyEnd - keyStart, hash)
    if (hash === undefined && !this.isMine(key.hash)) return -1
    this.#count = slot + 1
    this.#hashes[slot] = key.hash
    this.#keyStarts[slot] = keyStart
    this.#keyEnds[slot] = keyEnd
    return slot
  }

  #useBuffer(bytes: Buffer): void {
    if (this.#count > 0) this.flush()
    this.#bytes = bytes
    this.#base = bytes.byteOffset & 3
    const whole = (bytes.buffer.byteLength - bytes.byteOffset + this.#base) >>> 2
    this.#source = new Int32Array(bytes.buffer, bytes.byteOffset - this.#base, whole)
  }

  /** Loads the stripes and bucket lines of the batch, in loops so short that the loads overlap. */
  #touch(count: number): void {
    const { buckets } = this.#chain
    const words = this.#words
    const segments = this.#segments
    const hashes = this.#hashes
    const stripes = this.#stripes
    const counts = this.#buckets
    const lines = this.#lines
    for (let slot = 0; slot < count; slot++) {
      const stripeAt = buckets.stripeAt(hashes[slot]!)
      stripes[slot] = stripeAt
      counts[slot] = words[stripeAt + BUCKETS]!
    }
    let seen = 0
    for (let slot = 0; slot < count; slot++) {
      const line =
        counts[slot] === 0 ? 0 : buckets.line(stripes[slot]!, bucketIndex(hashes[slot]!, counts[slot]!))
      lines[slot] = line
      seen ^= segments[line >>> GRANULE_BITS]!.words[(line & GRANULE_MASK) << 2]!
    }
    this.seen = seen
  }

  /** The usual case, in one function: a short value. False, with nothing changed, if it is another one. */
  #putShort(slot: number): boolean {
    const valueBytes = this.#valueBytes[slot]!
    const stripeAt = this.#stripes[slot]!
    if (valueBytes < 0 || valueBytes > LONG_BYTES || this.#expiries[slot] !== NO_EXPIRY) return false
    // More buckets since then have left some keys of each elsewhere.
    const line =
      this.#words[stripeAt + BUCKETS] === this.#buckets[slot]
        ? this.#lines[slot]!
        : this.#chain.buckets.lineFor(stripeAt, this.#hashes[slot]!)
    if (line === 0) return false
    const valueWord = valueBytes | this.#ascii[slot]!
    const key = this.#keys[slot]!
    if (!this.#place.put(stripeAt, line, key, valueWord, this.#source, this.#base + this.#keyEnds[slot]!))
      return false
    if (this.#place.isNew && this.#growth.isDue(stripeAt)) this.#growth.grow(stripeAt)
    return true
  }

  /** Any case; false as in `#put`. */
  #change(slot: number): boolean {
    const key = this.#keys[slot]!
    if (this.#valueBytes[slot] !== DELETE) return this.#put(key, slot)
    this.#remove(key)
    return true
  }

  /** False, with nothing changed but that the key has no entry, if there is no memory. */
  #put(key: KeyBuffer, slot: number): boolean {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    const expiresAtMs = this.#expiries[slot]!
    const valueWord =
      this.#valueBytes[slot]! | this.#ascii[slot]! | (expiresAtMs === NO_EXPIRY ? 0 : FLAG_EXPIRY)
    const bytes = chunkBytes(valueWord, key.byteLength)
    if (this.#words[stripeAt + BUCKETS] === 0 && !this.#growth.start(stripeAt)) return false
    const { slab } = this.#space
    if (this.#chain.find(stripeAt, key)) {
      const old = this.#chain.reference
      if (
        slab.classFor(this.#bytesOf(old)) === slab.classFor(bytes) &&
        bytes <= slab.sizes.largestChunkBytes
      ) {
        this.#fill(old, key, slot, valueWord, expiresAtMs)
        return true
      }
      this.#removeFound(stripeAt)
      this.#chain.find(stripeAt, key)
    }
    if (this.#chain.needsLine(stripeAt)) {
      if (!this.#growth.bringLine(stripeAt)) return false
      this.#chain.find(stripeAt, key)
    }
    const reference = this.#allocate(bytes)
    if (reference === 0) return false
    this.#fill(reference, key, slot, valueWord, expiresAtMs)
    this.#chain.insert(stripeAt, key.hash, reference)
    this.#words[this.#me + PARTICIPANT.chunkInHand] = 0
    if (this.#growth.isDue(stripeAt)) this.#growth.grow(stripeAt)
    return true
  }

  #allocate(bytes: number): Reference {
    const reference = this.#space.slab.allocate(bytes)
    if (reference !== 0) return reference
    this.#desk.gather()
    return this.#space.slab.allocate(bytes)
  }

  #fill(reference: Reference, key: KeyBuffer, slot: number, valueWord: number, expiresAtMs: number): void {
    const { words, floats, bytes } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    words[at] = valueWord
    words[at + 1] = key.byteLength
    if (expiresAtMs !== NO_EXPIRY) {
      floats[(at + 2) >>> 1] = expiresAtMs
      this.#words[HEADER.hasExpiries] = 1
    }
    const keyAt = at + keyOffset(valueWord)
    const keyLength = keyWords(key.byteLength)
    for (let i = 0; i < keyLength; i++) words[keyAt + i] = key.words[i]!
    const valueAt = keyAt + keyLength
    const length = this.#valueBytes[slot]!
    const start = this.#keyEnds[slot]!
    if (length <= LONG_BYTES) copyToWords(this.#source, this.#base + start, words, valueAt, length)
    else bytes.set(this.#bytes.subarray(start, start + length), valueAt << 2)
  }

  #remove(key: KeyBuffer): void {
    const stripeAt = this.#chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] !== 0 && this.#chain.find(stripeAt, key))
      this.#removeFound(stripeAt)
  }

  #removeFound(stripeAt: number): void {
    const old = this.#chain.reference
    this.#words[this.#me + PARTICIPANT.detached] = old
    this.#chain.remove(stripeAt)
    this.#space.slab.free(PARTICIPANT.detached, this.#bytesOf(old))
  }

  #bytesOf(reference: Reference): number {
    const { words } = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return chunkBytes(words[at]!, words[at + 1]!)
  }

  #tellFull(slot: number): void {
    this.#wasFull = true
    this.#remove(this.#keys[slot]!)
    const keyStart = this.#keyStarts[slot]!
    const keyEnd = this.#keyEnds[slot]!
    this.#owner.full({
      bytes: this.#bytes,
      keyStart,
      keyEnd,
      valueEnd: keyEnd + this.#valueBytes[slot]!,
      isAscii: this.#ascii[slot] !== 0,
      expiresAtMs: this.#expiries[slot]!,
    })
  }
}
