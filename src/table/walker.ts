/**
 * Walking the table without locks, entry by entry, each exactly once that is there throughout.
 *
 * One step reads one interval of a stripe's positions (see positions.ts) whole, validated by the stripe's version:
 * entries that move in between make the step start again. While a move is under way, a step can see both copies of
 * an entry: one of a split is not in the bucket of its hash, two within a chain have one stamp.
 *
 * A cursor packs stripe and position into a number below 2^53; 0 begins and ends.
 */

import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { Buckets, bucketIndex } from './buckets.js'
import {
  FIRST_SLOT,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  keyOffset,
  keyWords,
  LINE_LINK,
  MAX_CHAIN_LINES,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
  VALUE_LENGTH_MASK,
} from './layout.js'
import { levelOf, POSITIONS, positionAfter, residueAt } from './positions.js'
import type { ExpiryClock, Recourse, TableView } from './view.js'

const MAX_TRIES = 64
/** No answer: what was looked at kept changing. */
export const UNSTABLE = -1

/** One entry, copied to private memory. */
export interface WalkedEntry {
  readonly key: Buffer
  /** Undefined where only keys were asked for. */
  readonly value: Buffer | undefined
  readonly expiresAtMs: number
}

export class Walker {
  readonly #recourse: Recourse
  readonly #buckets: Buckets
  readonly #clock: ExpiryClock
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  /** Stamps met in the interval that is being read. */
  readonly #met = new Set<number>()

  constructor(view: TableView, clock: ExpiryClock, recourse: Recourse) {
    this.#recourse = recourse
    this.#buckets = new Buckets(view)
    this.#clock = clock
    this.#words = view.words
    this.#segments = view.region.segments
  }

  /** Whether `cursor` can have come from this table. */
  isCursor(cursor: number): boolean {
    return Number.isSafeInteger(cursor) && cursor >= 0 && cursor < this.#buckets.stripes * POSITIONS
  }

  /**
   * Adds the entries of the interval at `cursor` to `found`; returns the cursor behind it, 0 at the end, UNSTABLE (and
   * nothing is added) where the stripe does not hold still and nobody can make it.
   */
  step(cursor: number, found: WalkedEntry[], withValues: boolean): number {
    let stripe = Math.floor(cursor / POSITIONS)
    let position = cursor % POSITIONS
    // Empty stripes cost one look each.
    while (this.#words[this.#buckets.stripeNumber(stripe) + STRIPE.count] === 0) {
      position = 0
      if (++stripe === this.#buckets.stripes) return 0
    }
    const level = this.#readInterval(this.#buckets.stripeNumber(stripe), position, found, withValues)
    if (level < 0) return UNSTABLE
    position = positionAfter(position, level)
    if (position < POSITIONS) return stripe * POSITIONS + position
    return stripe + 1 < this.#buckets.stripes ? (stripe + 1) * POSITIONS : 0
  }

  /** Reads all entries of the interval that holds `position`; returns the level it was read at, or UNSTABLE. */
  #readInterval(stripeAt: number, position: number, found: WalkedEntry[], withValues: boolean): number {
    const start = found.length
    const attempt = () => this.#tryInterval(stripeAt, position, found, withValues)
    for (let tries = 0; ; tries++) {
      const level = tries < MAX_TRIES ? attempt() : this.#recourse.locked(stripeAt, attempt)
      if (level !== undefined && level >= 0) return level
      found.length = start
      if (level === undefined) return UNSTABLE
    }
  }

  /** As above, UNSTABLE if the stripe moved meanwhile. */
  #tryInterval(stripeAt: number, position: number, found: WalkedEntry[], withValues: boolean): number {
    const version = Atomics.load(this.#words, stripeAt + STRIPE.version)
    const buckets = this.#words[stripeAt + STRIPE.buckets]!
    const level = levelOf(buckets)
    const residue = residueAt(position, level)
    this.#met.clear()
    for (let index = residue; index < buckets; index += 2 ** level) {
      if (!this.#readChain(stripeAt, index, buckets, found, withValues)) return UNSTABLE
    }
    const stable =
      Atomics.load(this.#words, stripeAt + STRIPE.version) === version &&
      this.#words[stripeAt + STRIPE.buckets] === buckets
    return stable ? level : UNSTABLE
  }

  #readChain(
    stripeAt: number,
    index: number,
    buckets: number,
    found: WalkedEntry[],
    withValues: boolean,
  ): boolean {
    let line = this.#buckets.line(stripeAt, index)
    for (let lines = 0; line !== 0; lines++) {
      if (lines > MAX_CHAIN_LINES) return false
      const words = this.#segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (
        let slot = at + FIRST_SLOT;
        slot < at + FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS;
        slot += SLOT_WORDS
      ) {
        if (!this.#readSlot(words, slot, index, buckets, found, withValues)) return false
      }
      line = words[at + LINE_LINK]!
    }
    return true
  }

  #readSlot(
    words: Int32Array,
    slot: number,
    index: number,
    buckets: number,
    found: WalkedEntry[],
    withValues: boolean,
  ): boolean {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const stamp = Atomics.load(words, slot + 2)
      const reference = words[slot + 1]!
      if (reference === 0) return true
      if (stamp === 0) continue
      const belongs = bucketIndex(words[slot]!, buckets) === index
      const entry = this.#copyEntry(reference, withValues)
      if (Atomics.load(words, slot + 2) !== stamp) continue
      if (!belongs || this.#met.has(stamp)) return true
      this.#met.add(stamp)
      if (entry !== undefined && !this.#hasExpired(entry)) found.push(entry)
      return true
    }
    return false
  }

  #copyEntry(reference: Reference, withValues: boolean): WalkedEntry | undefined {
    const segment = this.#segments[reference >>> GRANULE_BITS]
    if (segment === undefined) return undefined
    const at = (reference & GRANULE_MASK) << 2
    const valueWord = segment.words[at]!
    const keyBytes = segment.words[at + 1]! & KEY_LENGTH_MASK
    const valueBytes = valueWord & VALUE_LENGTH_MASK
    const keyAt = (at + keyOffset(valueWord)) << 2
    const valueAt = keyAt + (keyWords(keyBytes) << 2)
    if (
      keyBytes > MAX_KEY_BYTES ||
      valueBytes > MAX_VALUE_BYTES ||
      valueAt + valueBytes > segment.bytes.length
    ) {
      return undefined
    }
    return {
      key: privateCopy(segment.bytes, keyAt, keyBytes),
      value: withValues ? privateCopy(segment.bytes, valueAt, valueBytes) : undefined,
      expiresAtMs:
        (valueWord & FLAG_EXPIRY) === 0 ? Number.POSITIVE_INFINITY : segment.floats[(at + 2) >>> 1]!,
    }
  }

  #hasExpired(entry: WalkedEntry): boolean {
    return entry.expiresAtMs !== Number.POSITIVE_INFINITY && this.#clock.hasPassed(entry.expiresAtMs)
  }
}

function privateCopy(bytes: Buffer, start: number, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length)
  bytes.copy(copy, 0, start, start + length)
  return copy
}
