/**
 * Writing one key: put, remove, and changes in place. Each is one short section under one stripe lock.
 *
 * Everything slow or fallible comes before the lock: the chunk is allocated and filled, bucket lines are in hand.
 * Everything that frees comes after it. What a section needs and does not have (a bucket line, an extent) is fetched
 * with the lock given back, and the section starts anew.
 *
 * `outcome` fields are valid until the next call.
 */
import { isOperationError } from '../base/errors.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { COUNTERS, MAX_DETACHED, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Chain } from './chain.js'
import { fillChunk } from './chunk.js'
import type { Desk } from './desk.js'
import { admit } from './entry-limit.js'
import { Growth } from './growth.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  chunkBytes,
  FLAG_ASCII,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  keyOffset,
  keyWords,
  STRIPE,
  VALUE_LENGTH_MASK,
} from './layout.js'
import { levelOf, POSITIONS, positionAfter, residueAt } from './positions.js'
import type { RegionClock } from './region-clock.js'
import type { Space } from './space.js'
import type { ValueBuffer } from './value-buffer.js'

/** When a put or remove happens. MATCH: only if the entry's stamp is the expected one. */
export const ALWAYS = 0
export const IF_ABSENT = 1
export const IF_PRESENT = 2
export const IF_STAMP = 3

/** No expiry field at all. */
export const NO_EXPIRY = Number.POSITIVE_INFINITY

/** What an in-place change made of the value. */
export const CHANGED = 1
export const ABSENT = 0
/** The value has another length than the operation works on. */
export const MISFIT = -1
/** The entry has no expiry field to write into: put it anew. */
export const NO_FIELD = -2
/** The result is out of range. */
export const OVERFLOW = -3

/** Spare lines brought for one split at most: more entries than that in one bucket wait for the next insert. */
const MAX_LINES_FOR_A_SPLIT = 4

// Local copies: an imported constant is loaded and checked at every use.
const { holding: HOLDING, detached: DETACHED, chunkInHand: CHUNK_IN_HAND } = PARTICIPANT
const { lock: LOCK, buckets: BUCKETS } = STRIPE
const { sets: SETS } = COUNTERS
const { hasExpiries: HAS_EXPIRIES } = HEADER

export class Writer {
  /** The new stamp after a put that happened. */
  stamp = 0
  /** Whether the last put took the place of an entry. */
  replaced = false
  /** When the entry expires that was changed in place. */
  expiresAtMs = NO_EXPIRY
  readonly desk: Desk
  readonly chain: Chain
  readonly growth: Growth
  readonly #space: Space
  readonly #clock: RegionClock
  readonly #segments: readonly Segment[]
  readonly #words: Int32Array
  readonly #me: number
  readonly #isLimited: boolean
  readonly #evicts: boolean
  /** For `finishPut`; 0: none. */
  #replacedChunk: Reference = 0
  #unusedBytes = 0
  #stripeToExtend = 0

  constructor(space: Space, clock: RegionClock, desk: Desk) {
    this.#space = space
    this.#clock = clock
    this.#segments = space.region.segments
    this.#words = space.words
    this.#me = space.registry.at
    this.#isLimited = space.facts.maxEntries !== 0
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
    this.desk = desk
    this.chain = new Chain(space)
    this.growth = new Growth(space, this.chain)
  }

  /** Stores an entry if `condition` holds; returns whether it did. Throws OperationError FULL or TIMEOUT. */
  put(
    key: KeyBuffer,
    value: ValueBuffer,
    expiresAtMs: number,
    condition: number,
    expectedStamp: number,
  ): boolean {
    const happens = this.beginPut(key, value, expiresAtMs, condition, expectedStamp)
    this.finishPut()
    return happens
  }

  /**
   * As {@link put}, but what nobody waits for (the replaced chunk is freed, buckets are split) is left to {@link finishPut},
   * which must follow before this thread's next operation. The entry is there for everybody; the desk is held in between.
   */
  beginPut(
    key: KeyBuffer,
    value: ValueBuffer,
    expiresAtMs: number,
    condition: number,
    expectedStamp: number,
  ): boolean {
    const valueWord =
      value.byteLength | (value.ascii ? FLAG_ASCII : 0) | (expiresAtMs === NO_EXPIRY ? 0 : FLAG_EXPIRY)
    const bytes = chunkBytes(valueWord, key.byteLength)
    this.desk.enter()
    const reference = this.desk.chunk(bytes)
    // Looked at first: a line of the header that all threads store into would travel between them with every put.
    if ((valueWord & FLAG_EXPIRY) !== 0 && this.#words[HAS_EXPIRIES] === 0) this.#words[HAS_EXPIRIES] = 1
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    fillChunk(segment, (reference & GRANULE_MASK) << 2, key, value, valueWord, expiresAtMs)
    const stripeAt = this.chain.buckets.stripeAt(key.hash)
    let found: boolean
    let happens: boolean
    try {
      found = this.#lockAndFind(stripeAt, key)
      happens = this.#holds(found, condition, expectedStamp)
      while (this.#isLimited && happens && !found && !admit(this.#words)) {
        this.#space.locks.release(stripeAt + LOCK)
        this.desk.roomForEntry()
        found = this.#lockAndFind(stripeAt, key)
        happens = this.#holds(found, condition, expectedStamp)
      }
    } catch (error) {
      if (isOperationError(error)) this.desk.abandon(bytes)
      throw error
    }
    const old = found && happens ? this.chain.reference : 0
    if (happens) {
      if (found) {
        this.#words[this.#me + DETACHED] = old
        this.chain.replace(stripeAt, reference)
        if (this.#evicts) this.chain.markUsed()
      } else {
        this.chain.insert(stripeAt, key.hash, reference)
      }
      this.#words[this.#me + CHUNK_IN_HAND] = 0
      this.stamp = this.chain.stamp
    }
    const grow = happens && !found && this.growth.isDue(stripeAt)
    const grew = grow && this.growth.missingLines(stripeAt) === 0 && this.growth.split(stripeAt)
    this.#space.locks.release(stripeAt + LOCK)
    this.replaced = old !== 0
    if (happens) this.#space.count(SETS)
    this.#replacedChunk = old
    this.#unusedBytes = happens ? 0 : bytes
    this.#stripeToExtend = grow && !grew ? stripeAt : 0
    return happens
  }

  /** What {@link beginPut} has left. */
  finishPut(): void {
    try {
      if (this.#replacedChunk !== 0) this.#freeDetached(this.#replacedChunk)
      if (this.#unusedBytes !== 0) this.#space.slab.free(CHUNK_IN_HAND, this.#unusedBytes)
      if (this.#stripeToExtend !== 0) this.#extend(this.#stripeToExtend)
      this.desk.leave()
    } catch (error) {
      this.#keepDesk(error)
    }
  }

  /** Deletes the entry if `condition` (ALWAYS or IF_STAMP) holds; returns whether it was there and has not expired. */
  remove(key: KeyBuffer, condition: number, expectedStamp: number): boolean {
    const stripeAt = this.chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] === 0) return false
    this.desk.enter()
    this.#lockOnly(stripeAt)
    const found = this.chain.find(stripeAt, key)
    const happens = found && (condition === ALWAYS || this.chain.stamp === expectedStamp)
    let alive = false
    let old = 0
    if (happens) {
      old = this.chain.reference
      alive = !this.#hasExpired(old)
      this.#words[this.#me + DETACHED] = old
      this.chain.remove(stripeAt)
    }
    this.#space.locks.release(stripeAt + LOCK)
    if (old !== 0) {
      this.#space.count(alive ? COUNTERS.deletes : COUNTERS.expirations)
    }
    try {
      if (old !== 0) this.#freeDetached(old)
      this.desk.leave()
    } catch (error) {
      this.#keepDesk(error)
    }
    return happens && alive
  }

  /** Sets the expiry of an entry that has the field: CHANGED, ABSENT or NO_FIELD. */
  setExpiry(key: KeyBuffer, expiresAtMs: number): number {
    return this.#inPlace(key, (reference) => {
      const segment = this.#segments[reference >>> GRANULE_BITS]!
      const at = (reference & GRANULE_MASK) << 2
      if ((segment.words[at]! & FLAG_EXPIRY) === 0) return NO_FIELD
      this.chain.makeBusy()
      segment.floats[(at + 2) >>> 1] = expiresAtMs
      return CHANGED
    })
  }

  /**
   * Changes a value of exactly `valueBytes` in place, by one aligned store: `change` gets the segment and the word
   * index of the value, calls `open` just before it stores, and returns CHANGED or OVERFLOW. No user code in it. The
   * entry's expiry is in `expiresAtMs` afterwards.
   */
  changeNumber(
    key: KeyBuffer,
    valueBytes: number,
    change: (segment: Segment, at: number, open: () => void) => number,
  ): number {
    return this.#inPlace(key, (reference) => {
      const segment = this.#segments[reference >>> GRANULE_BITS]!
      const at = (reference & GRANULE_MASK) << 2
      const valueWord = segment.words[at]!
      if ((valueWord & VALUE_LENGTH_MASK) !== valueBytes) return MISFIT
      this.expiresAtMs = (valueWord & FLAG_EXPIRY) === 0 ? NO_EXPIRY : segment.floats[(at + 2) >>> 1]!
      const keyLength = segment.words[at + 1]! & KEY_LENGTH_MASK
      return change(segment, at + keyOffset(valueWord) + keyWords(keyLength), this.#open)
    })
  }

  readonly #open = (): void => this.chain.makeBusy()

  #inPlace(key: KeyBuffer, change: (reference: Reference) => number): number {
    const stripeAt = this.chain.buckets.stripeAt(key.hash)
    if (this.#words[stripeAt + STRIPE.count] === 0) return ABSENT
    this.desk.enter()
    this.#lockOnly(stripeAt)
    let outcome = ABSENT
    if (this.chain.find(stripeAt, key) && !this.#hasExpired(this.chain.reference)) {
      outcome = change(this.chain.reference)
      if (outcome === CHANGED) this.chain.publish(stripeAt)
      if (outcome === CHANGED && this.#evicts) this.chain.markUsed()
      this.stamp = this.chain.stamp
    }
    this.#space.locks.release(stripeAt + LOCK)
    if (outcome === CHANGED) this.#space.count(SETS)
    this.desk.leave()
    return outcome
  }

  /**
   * Removes the entries of one interval of a stripe, or of several while they are few, and returns the position behind
   * it. Each interval goes at once, so a key that comes back meanwhile is not removed twice. For `clear`.
   */
  clearFrom(stripeAt: number, start: number): number {
    this.desk.enter()
    this.#lockOnly(stripeAt)
    const detached = this.#me + DETACHED
    const buckets = this.#words[stripeAt + BUCKETS]!
    const level = buckets === 0 ? 0 : levelOf(buckets)
    let position = buckets === 0 ? POSITIONS : start
    let count = 0
    while (position < POSITIONS) {
      const entries = this.#countInterval(stripeAt, position, level, buckets)
      // More than fit go in several turns: such chains exist only where there was no memory to grow.
      if (count > 0 && count + entries > MAX_DETACHED) break
      for (let index = residueAt(position, level); index < buckets; index += 2 ** level) {
        while (count < MAX_DETACHED && this.chain.findAny(this.chain.buckets.line(stripeAt, index))) {
          this.#words[detached + count++] = this.chain.reference
          this.chain.remove(stripeAt)
        }
      }
      if (entries <= MAX_DETACHED) position = positionAfter(position, level)
      if (count === MAX_DETACHED) break
    }
    this.#space.locks.release(stripeAt + LOCK)
    this.#space.count(COUNTERS.deletes, count)
    try {
      for (let i = 0; i < count; i++) this.#freeDetached(this.#words[detached + i]!, i)
      this.desk.leave()
    } catch (error) {
      this.#keepDesk(error)
    }
    return position
  }

  #countInterval(stripeAt: number, position: number, level: number, buckets: number): number {
    let entries = 0
    for (let index = residueAt(position, level); index < buckets; index += 2 ** level) {
      entries += this.chain.countEntries(this.chain.buckets.line(stripeAt, index))
    }
    return entries
  }

  #holds(found: boolean, condition: number, expectedStamp: number): boolean {
    if (condition === ALWAYS) return true
    if (condition === IF_STAMP) return found && this.chain.stamp === expectedStamp
    const alive = found && !this.#hasExpired(this.chain.reference)
    return condition === IF_PRESENT ? alive : !alive
  }

  #hasExpired(reference: Reference): boolean {
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    return (segment.words[at]! & FLAG_EXPIRY) !== 0 && this.#clock.hasPassed(segment.floats[(at + 2) >>> 1]!)
  }

  /**
   * For what fails after an operation has happened: a lock of the slab that cannot be had in time must not say that it
   * has not. The desk stays taken with the chunks in hand, and the next operation of this thread settles it as one that
   * was thrown out.
   */
  #keepDesk(error: unknown): void {
    if (!isOperationError(error, 'TIMEOUT')) throw error
  }

  /** Locks the stripe with all that an insert of `key` may need there (a first bucket, a line), and looks for `key`. */
  #lockAndFind(stripeAt: number, key: KeyBuffer): boolean {
    for (let sweeps = 0; ; ) {
      this.#lock(stripeAt)
      const isStarted = this.#words[stripeAt + BUCKETS] !== 0
      const found = isStarted && this.chain.find(stripeAt, key)
      if (found || (isStarted && !this.chain.needsLine(stripeAt))) return found
      // Asked under the lock: without it another thread may start the stripe between question and answer.
      const count = isStarted ? 1 : this.growth.missingLines(stripeAt)
      this.#space.locks.release(stripeAt + LOCK)
      if (!this.#bring(stripeAt, count) && !this.desk.removeExpired(sweeps++)) this.desk.fullOfLines(count)
    }
  }

  /** For sections that insert nothing: the desk is left if the lock cannot be had. */
  #lockOnly(stripeAt: number): void {
    try {
      this.#lock(stripeAt)
    } catch (error) {
      this.desk.leaveAfter(error)
      throw error
    }
  }

  #lock(stripeAt: number): void {
    this.#words[this.#me + HOLDING] = stripeAt + LOCK
    this.#space.locks.acquire(stripeAt + LOCK)
  }

  /** Brings lines to the stripe: an extent if they are as many as it lacks, else spares. False if there are none. */
  #bring(stripeAt: number, count: number): boolean {
    const lines = this.desk.lines(count, stripeAt)
    if (lines === 0) return false
    this.#lock(stripeAt)
    if (count === 1 && this.#words[stripeAt + BUCKETS] !== 0) this.chain.addSpareLines(stripeAt, lines, 1)
    else this.growth.addExtent(stripeAt, lines, count)
    this.growth.start(stripeAt)
    this.#space.lines.placed()
    this.#space.locks.release(stripeAt + LOCK)
    return true
  }

  /**
   * Brings what the split that is due lacks, its extent or spare lines, and splits. Without memory for it chains just
   * grow longer, so failure is no error.
   */
  #extend(stripeAt: number): void {
    for (let tries = 0; tries < MAX_LINES_FOR_A_SPLIT; tries++) {
      const extent = this.growth.missingLines(stripeAt)
      const lines = extent < 0 ? 0 : this.desk.lines(extent || 1, stripeAt)
      if (lines === 0) return
      this.#lock(stripeAt)
      if (extent > 0) this.growth.addExtent(stripeAt, lines, extent)
      else this.chain.addSpareLines(stripeAt, lines, 1)
      this.#space.lines.placed()
      const settled =
        !this.growth.isDue(stripeAt) ||
        (this.growth.missingLines(stripeAt) === 0 && this.growth.split(stripeAt))
      this.#space.locks.release(stripeAt + LOCK)
      if (settled) return
    }
  }

  #freeDetached(reference: Reference, index = 0): void {
    const words = this.#segments[reference >>> GRANULE_BITS]!.words
    const at = (reference & GRANULE_MASK) << 2
    this.#space.slab.free(DETACHED + index, chunkBytes(words[at]!, words[at + 1]!))
  }
}
