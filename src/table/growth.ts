/**
 * Growth by linear hashing: now and then an insert splits one bucket of its stripe in two. No array is copied, no
 * entry but those of that one bucket moves, and the load of the buckets stays the same at every size.
 *
 * Splitting bucket s of n into s and t = n, under the stripe's lock:
 *   1. copy every entry of s that belongs to t, stamps included, into t's lines (not reachable yet)
 *   2. publish t by one store of `buckets`
 *   3. raise the version: a reader that now misses looks again
 *   4. empty the sources
 * A hit on either copy is right, since no write can come in between. If the owner dies: before 2 the copies are not
 * reachable and are wiped; after 2 every source that does not belong to s is.
 * Then the rest of s moves together (copy, version, clear) and empty lines become spares.
 */

import { assert } from '../base/assert.js'
import { COUNTERS } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { bucketIndex, extentLines, extentOf } from './buckets.js'
import type { Chain } from './chain.js'
import {
  ENTRIES_PER_BUCKET,
  FIRST_SLOT,
  LINE_LINK,
  MAX_EXTENTS,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
} from './layout.js'
import type { Space } from './space.js'

const { version: VERSION, count: COUNT, buckets: BUCKETS, freeLines: FREE_LINES, extents: EXTENTS } = STRIPE
const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS

export class Growth {
  readonly #space: Space
  readonly #chain: Chain
  readonly #segments: readonly Segment[]
  readonly #words: Int32Array

  constructor(space: Space, chain: Chain) {
    this.#space = space
    this.#chain = chain
    this.#segments = space.region.segments
    this.#words = space.words
  }

  /** Whether the stripe has more entries than its buckets should hold. */
  isDue(stripeAt: number): boolean {
    return this.#words[stripeAt + COUNT]! > this.#words[stripeAt + BUCKETS]! * ENTRIES_PER_BUCKET
  }

  /** Lines that must be in hand for the next bucket: those of its extent, or 0 if that is there. -1: no more buckets. */
  missingLines(stripeAt: number): number {
    const next = this.#words[stripeAt + BUCKETS]!
    const extent = extentOf(next, this.#space.baseLineBits)
    if (extent >= MAX_EXTENTS) return -1
    return this.#words[stripeAt + EXTENTS + extent] === 0 ? extentLines(extent, this.#space.baseLineBits) : 0
  }

  /** Gives the stripe its next extent, or, if another thread was faster, the same lines as spares. Needs the lock. */
  addExtent(stripeAt: number, lines: Reference, count: number): void {
    assert(count > 0, 'an extent has lines')
    if (this.missingLines(stripeAt) === count) {
      const extent = extentOf(this.#words[stripeAt + BUCKETS]!, this.#space.baseLineBits)
      this.#words[stripeAt + EXTENTS + extent] = lines
    } else {
      this.#chain.addSpareLines(stripeAt, lines, count)
    }
  }

  /** Gives a fresh stripe its first bucket. Needs the lock. */
  start(stripeAt: number): void {
    if (this.#words[stripeAt + BUCKETS] === 0) this.#words[stripeAt + BUCKETS] = 1
  }

  /** Publishes buckets of an empty stripe up to the end of its last extent or `goal`; true if there is no more to do. */
  extendEmpty(stripeAt: number, goal: number): boolean {
    if (this.#words[stripeAt + COUNT] !== 0) return true
    while (this.#words[stripeAt + BUCKETS]! < goal && this.missingLines(stripeAt) === 0) {
      this.#words[stripeAt + BUCKETS]!++
    }
    return this.#words[stripeAt + BUCKETS]! >= goal
  }

  /** Splits one bucket; false if its second half needs more lines than the stripe has spare. Needs the lock. */
  split(stripeAt: number): boolean {
    const buckets = this.#words[stripeAt + BUCKETS]!
    const highest = 1 << (31 - Math.clz32(buckets))
    const source = this.#chain.buckets.line(stripeAt, buckets & (highest - 1))
    const target = this.#chain.buckets.line(stripeAt, buckets)
    assert(source !== 0 && target !== 0, 'a bucket that is split has its lines')
    if (!this.#hasSpareLines(stripeAt, this.#countMoving(source, buckets))) return false
    if (this.#copyMoving(stripeAt, source, target, buckets) > 0) {
      Atomics.store(this.#words, stripeAt + BUCKETS, buckets + 1)
      this.#words[stripeAt + VERSION]!++
      this.#clearMoved(source, buckets)
      this.#compact(stripeAt, source)
    } else {
      Atomics.store(this.#words, stripeAt + BUCKETS, buckets + 1)
    }
    this.#space.count(COUNTERS.splits)
    return true
  }

  /** Moves entries of a chain towards its start and makes its empty lines spares. Needs the lock. */
  #compact(stripeAt: number, first: Reference): void {
    let hole = first
    let holeSlot = FIRST_SLOT
    for (let line = this.#link(first); line !== 0; line = this.#link(line)) {
      const words = this.#lineWords(line)
      const at = (line & GRANULE_MASK) << 2
      for (let slot = FIRST_SLOT; slot < SLOTS_END; slot += SLOT_WORDS) {
        if (words[at + slot + 1] === 0) continue
        while (hole !== line && this.#referenceAt(hole, holeSlot) !== 0) {
          holeSlot += SLOT_WORDS
          if (holeSlot >= SLOTS_END) {
            hole = this.#link(hole)
            holeSlot = FIRST_SLOT
          }
        }
        if (hole === line) break
        this.#copySlot(words, at + slot, this.#lineWords(hole), ((hole & GRANULE_MASK) << 2) + holeSlot)
        this.#words[stripeAt + VERSION]!++
        words[at + slot + 2] = 0
        words[at + slot + 1] = 0
      }
    }
    this.#unlinkEmpty(stripeAt, first)
  }

  #unlinkEmpty(stripeAt: number, first: Reference): void {
    for (let line = first; ; ) {
      const next = this.#link(line)
      if (next === 0) return
      if (!this.#isEmpty(next)) {
        line = next
        continue
      }
      this.#chain.unlinkLine(stripeAt, this.#lineWords(line), (line & GRANULE_MASK) << 2)
    }
  }

  #countMoving(source: Reference, buckets: number): number {
    let moving = 0
    for (let line = source; line !== 0; line = this.#link(line)) {
      const words = this.#lineWords(line)
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (words[slot + 1] !== 0 && bucketIndex(words[slot]!, buckets + 1) === buckets) moving++
      }
    }
    return moving
  }

  #hasSpareLines(stripeAt: number, moving: number): boolean {
    let spare = this.#words[stripeAt + FREE_LINES]!
    for (let room = SLOTS_PER_LINE; room < moving; room += SLOTS_PER_LINE) {
      if (spare === 0) return false
      spare = this.#link(spare)
    }
    return true
  }

  #copyMoving(stripeAt: number, source: Reference, target: Reference, buckets: number): number {
    let moved = 0
    let to = target
    let toSlot = FIRST_SLOT
    for (let line = source; line !== 0; line = this.#link(line)) {
      const words = this.#lineWords(line)
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (words[slot + 1] === 0 || bucketIndex(words[slot]!, buckets + 1) !== buckets) continue
        if (toSlot >= SLOTS_END) {
          const spare = this.#chain.takeSpareLine(stripeAt)
          this.#lineWords(to)[((to & GRANULE_MASK) << 2) + LINE_LINK] = spare
          this.#chain.placed()
          to = spare
          toSlot = FIRST_SLOT
        }
        this.#copySlot(words, slot, this.#lineWords(to), ((to & GRANULE_MASK) << 2) + toSlot)
        toSlot += SLOT_WORDS
        moved++
      }
    }
    return moved
  }

  #clearMoved(source: Reference, buckets: number): void {
    for (let line = source; line !== 0; line = this.#link(line)) {
      const words = this.#lineWords(line)
      const at = (line & GRANULE_MASK) << 2
      for (let slot = at + FIRST_SLOT; slot < at + SLOTS_END; slot += SLOT_WORDS) {
        if (words[slot + 1] === 0 || bucketIndex(words[slot]!, buckets + 1) !== buckets) continue
        words[slot + 2] = 0
        words[slot + 1] = 0
      }
    }
  }

  #copySlot(from: Int32Array, fromAt: number, to: Int32Array, toAt: number): void {
    to[toAt] = from[fromAt]!
    to[toAt + 1] = from[fromAt + 1]!
    to[toAt + 2] = from[fromAt + 2]!
  }

  #isEmpty(line: Reference): boolean {
    for (let slot = FIRST_SLOT; slot < SLOTS_END; slot += SLOT_WORDS) {
      if (this.#referenceAt(line, slot) !== 0) return false
    }
    return true
  }

  #referenceAt(line: Reference, slot: number): Reference {
    return this.#lineWords(line)[((line & GRANULE_MASK) << 2) + slot + 1]!
  }

  #link(line: Reference): Reference {
    return this.#lineWords(line)[((line & GRANULE_MASK) << 2) + LINE_LINK]!
  }

  #lineWords(line: Reference): Int32Array {
    return this.#segments[line >>> GRANULE_BITS]!.words
  }
}
