/**
 * Settling: what is done for a participant that stopped in the middle of an operation, dead or thrown out.
 *
 * Exclusive by the record's `repairer` word (see Registry). The locks of the dead keep the dead's tag until what they
 * guard is whole again, so if the repairer dies as well, the next one finds the same signs and starts over.
 *
 *   1. pool       bitmap and count made anew from the page descriptors; run and list of bucket lines in order
 *   2. classes    lists and counts made anew from the spans
 *   3. stripe     busy slots published again, half-done moves undone or finished, entries recounted
 *   4. in hand    spans that it was emptying are opened; what no list and no slot has is given back: chunks to their spans, lines to the pool
 *   5. desks      taken over from the dead come free; the magazines are drained
 *
 * A name in hand is forgotten while the lock that makes the chunk reachable is still held (1 to 3), never later: once
 * that lock is free another thread may take the chunk, and the name would speak of somebody else's memory. That goes
 * for whoever the dead was repairing, too: their names are looked at together (`#names`).
 */
import { CLASS, CLASS_WORDS, CLASSES_AT, HEADER, POOL } from '../memory/header.js'
import { CONTENDED } from '../memory/lock.js'
import { COUNTERS, chunkWords, PARTICIPANT } from '../memory/participant.js'
import type { Chain } from './chain.js'
import { noteRecount } from './entry-limit.js'
import { openWindow } from './page-eviction.js'
import type { Space } from './space.js'
import { StripeRepair } from './stripe-repair.js'

const POOL_AT = HEADER.pool
const { spareInHand: SPARE_IN_HAND, spareStripe: SPARE_STRIPE } = PARTICIPANT

export class Settler {
  readonly #space: Space
  readonly #words: Int32Array
  readonly #stripes: StripeRepair

  constructor(space: Space, chain: Chain) {
    this.#space = space
    this.#words = space.words
    this.#stripes = new StripeRepair(space, chain)
  }

  /**
   * Settles everything the participant at `deadAt` held, and returns true. `locksOnly`: frees its locks (steps 1 to 3,
   * which take none) and leaves the rest for later, for callers who hold a lock themselves; false then, or when somebody
   * who lives has the dead one's desk for the moment. Does not free the record.
   */
  settle(deadAt: number, deadTag: number, locksOnly: boolean): boolean {
    this.#space.count(COUNTERS.repairs)
    noteRecount(this.#words)
    const names = this.#names(deadAt, deadTag)
    this.#settlePool(deadTag, names)
    this.#settleClasses(deadTag, names)
    this.#settleStripe(deadAt, deadTag, names)
    if (locksOnly) return false
    // The caller may wait for a lock that it has noted already.
    const holdingAt = this.#space.registry.at + PARTICIPANT.holding
    const holding = this.#words[holdingAt]!
    if (!this.#takeDesk(deadAt, deadTag)) return false
    // Before chunks come back: into a closed span they would be lost to everybody.
    openWindow(this.#space, deadAt, deadTag)
    for (const word of chunkWords(deadAt)) this.#settleChunk(deadAt, word)
    // No stripe has these: what is given to a stripe is forgotten before its lock is free.
    this.#space.lines.giveBack(deadAt)
    this.#settleSpare(deadAt)
    if (deadAt !== this.#space.registry.at) this.#space.slab.drain(deadAt)
    for (const deskAt of this.#space.registry.records()) this.#releaseOf(deadTag, deskAt)
    this.#words[holdingAt] = holding
    return true
  }

  /** The records whose names in hand count: the dead one's, and of those it was repairing. */
  #names(deadAt: number, deadTag: number): number[] {
    const names = [deadAt]
    for (const at of this.#space.registry.records()) {
      if (at !== deadAt && this.#words[at + PARTICIPANT.repairer] === deadTag) names.push(at)
    }
    return names
  }

  #isHeldBy(deadTag: number, lockAt: number): boolean {
    return (Atomics.load(this.#words, lockAt) & ~CONTENDED) === deadTag
  }

  #releaseOf(deadTag: number, lockAt: number): void {
    if (this.#isHeldBy(deadTag, lockAt)) this.#space.locks.release(lockAt)
  }

  #settlePool(deadTag: number, names: readonly number[]): void {
    if (!this.#isHeldBy(deadTag, POOL_AT + POOL.lock)) return
    const { pages, slab, lines } = this.#space
    pages.rebuildLocked()
    lines.repairLocked(names)
    for (const at of names) {
      for (const word of chunkWords(at)) {
        if (this.#words[word] !== 0 && slab.spans.classOf(this.#words[word]!) < 0) this.#words[word] = 0
      }
    }
    this.#space.locks.release(POOL_AT + POOL.lock)
  }

  #settleClasses(deadTag: number, names: readonly number[]): void {
    const { slab, locks } = this.#space
    for (let index = 0; index < slab.sizes.classes.length; index++) {
      const lockAt = CLASSES_AT + index * CLASS_WORDS + CLASS.lock
      if (!this.#isHeldBy(deadTag, lockAt)) continue
      slab.spans.rebuildLocked(index)
      for (const at of names) this.#forgetArrived(at, index)
      // Last, since it can empty a span, and then no name may be left that speaks of it.
      for (const at of names) {
        const movingAt = at + PARTICIPANT.moving
        const moving = this.#words[movingAt]!
        if (moving === 0 || slab.spans.classOf(moving) !== index) continue
        slab.putBackLocked(index, moving, movingAt)
        this.#words[movingAt] = 0
      }
      locks.release(lockAt)
    }
  }

  /** Clears the words of a record that name a chunk of the class which is free, or was moving and is in a magazine. */
  #forgetArrived(at: number, index: number): void {
    const { slab } = this.#space
    for (const word of chunkWords(at)) {
      const reference = this.#words[word]!
      if (reference === 0 || slab.spans.classOf(reference) !== index) continue
      const isMoving = word === at + PARTICIPANT.moving
      if (slab.spans.isFree(reference) || (isMoving && this.#isInMagazine(reference))) this.#words[word] = 0
    }
  }

  #settleStripe(deadAt: number, deadTag: number, names: readonly number[]): void {
    const lockAt = this.#words[deadAt + PARTICIPANT.holding]!
    if (lockAt < this.#space.shape.stripesAt || !this.#isHeldBy(deadTag, lockAt)) return
    this.#stripes.repairLocked(lockAt, names)
    this.#space.locks.release(lockAt)
  }

  /**
   * The desk in the dead's own name: it is held by it, by nobody, or for a while by one who drains it or checks. That one
   * may in turn wait for a desk of ours, so it is not waited for; no lock of the dead's is left by now.
   */
  #takeDesk(deadAt: number, deadTag: number): boolean {
    if (Atomics.compareExchange(this.#words, deadAt, 0, deadTag) === 0) return true
    if (this.#isHeldBy(deadTag, deadAt)) return true
    if (!this.#space.locks.tryAcquire(deadAt)) return false
    Atomics.store(this.#words, deadAt, deadTag)
    return true
  }

  #settleChunk(deadAt: number, word: number): void {
    const reference = this.#words[word]!
    if (reference === 0) return
    if (this.#space.slab.isInMagazine(deadAt, reference)) this.#words[word] = 0
    else this.#space.slab.giveBack(word)
  }

  /**
   * Whether anybody's magazine holds the chunk that the dead was moving. Magazines in use may be looked at: their owners
   * never hold what is in a hand of somebody else's, so nothing they do makes it come or go.
   */
  #isInMagazine(reference: number): boolean {
    for (const at of this.#space.registry.records()) {
      if (this.#space.slab.isInMagazine(at, reference)) return true
    }
    return false
  }

  /** A line of the stripe that the dead was repairing for somebody else. */
  #settleSpare(deadAt: number): void {
    if (this.#words[deadAt + SPARE_IN_HAND] === 0) return
    const stripeAt = this.#words[deadAt + SPARE_STRIPE]!
    this.#words[this.#space.registry.at + PARTICIPANT.holding] = stripeAt
    this.#space.locks.acquire(stripeAt)
    this.#stripes.placeLinesLocked(stripeAt, [deadAt])
    this.#space.locks.release(stripeAt)
  }
}
