/**
 * How several keys change at one moment.
 *
 *   1. fill      all chunks are fetched and filled, buckets made: FULL is said here, before anything has changed
 *   2. lock      the stripes of all keys, in ascending order
 *   3. place     what was seen is still so; keys that are new get a slot, busy from the start. Else all that is undone
 *   4. busy      stamp 0 for every slot that changes
 *   5. set       references
 *   6. publish   new stamps, and no reference where a key goes; then unlock, and free the old chunks
 *
 * Publish rule: nothing of 6 happens before all of 4. Whoever sees one new entry finds every other one busy or new, so not
 * even two single gets, one after the other, see half.
 *
 * From 1 to the end the chunks are in private memory, not in hand: a record names one pair at most. And from 2 to 6 no
 * stripe is noted as held: whoever settles this thread after its death leaves these stripes locked, and nobody ever sees
 * half of it. For servers only, whose threads end the node with them (docs/decisions/0006-death-inside-several-keys.md).
 *
 * Needs nothing held; takes the own desk, then the stripes.
 */
import { InvariantError } from '../base/assert.js'
import { isOperationError, OperationError } from '../base/errors.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { COUNTERS } from '../memory/participant.js'
import { admit } from './entry-limit.js'
import { CLOCK_BIT, STRIPE } from './layout.js'
import { SeveralChunks } from './several-chunks.js'
import { SeveralLocks } from './several-locks.js'
import { StripeRoom } from './stripe-room.js'
import { StripeSweep } from './stripe-sweep.js'
import type { Table } from './table.js'
import { INTENT, type TouchedKey } from './touched-key.js'

/** What placing came to. */
const PLACED = 0
const CHANGED = 1
const LACKING = 2

/** How often entries are evicted for those to come, before it is FULL: whoever is faster takes their places. */
const MAX_EVICTING_TRIES = 8

export class SeveralCommit {
  readonly #table: Table
  readonly #words: Int32Array
  readonly #isLimited: boolean
  readonly #evicts: boolean
  readonly #room: StripeRoom
  readonly #sweep: StripeSweep
  readonly #chunks: SeveralChunks
  readonly #locks: SeveralLocks
  /** Stripes that lack a line, and how many entries are more than there may be. */
  readonly #lacking = new Set<number>()
  #tooMany = 0

  constructor(table: Table) {
    const { space, writer } = table
    this.#table = table
    this.#words = space.words
    this.#isLimited = space.facts.maxEntries !== 0
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
    this.#room = new StripeRoom(space, writer)
    this.#sweep = new StripeSweep(space, writer.chain.buckets)
    this.#chunks = new SeveralChunks(table)
    this.#locks = new SeveralLocks(space)
  }

  /**
   * Commits what the records say, which are in the order of their stripes; `isClearing`: everything else goes. False, and
   * nothing has changed, if something seen is not so any more. Throws OperationError FULL or TIMEOUT.
   */
  run(order: readonly TouchedKey[], isClearing: boolean): boolean {
    const { desk } = this.#table.writer
    this.#locks.choose(isClearing ? this.#allStripes() : stripesOf(order))
    desk.enter()
    let happened: boolean
    try {
      this.#fill(order)
      happened = this.#lockAndPlace(order)
      if (happened) this.#makeHappen(order, isClearing)
    } catch (error) {
      this.#abandon(order, error)
      throw error
    }
    this.#locks.release()
    this.#chunks.drop(order)
    this.#chunks.leave()
    return happened
  }

  /** Runs `look`, which only reads, with the stripes of the records locked. */
  locked<T>(order: readonly TouchedKey[], look: () => T): T {
    this.#locks.choose(stripesOf(order))
    this.#table.writer.desk.enter()
    try {
      this.#locks.acquire()
    } catch (error) {
      this.#table.writer.desk.leaveAfter(error)
      throw error
    }
    try {
      return look()
    } finally {
      this.#locks.release()
      this.#table.writer.desk.leave()
    }
  }

  /** Fetches and fills the chunks, and makes buckets for what may be new. */
  #fill(order: readonly TouchedKey[]): void {
    for (const touched of order) if (isToBeFilled(touched)) this.#chunks.fill(touched)
    for (let i = 0; i < order.length; ) {
      const { stripeAt } = order[i]!
      let puts = 0
      for (; i < order.length && order[i]!.stripeAt === stripeAt; i++) if (isToBeFilled(order[i]!)) puts++
      if (puts > 0) this.#room.growFor(stripeAt, puts)
    }
  }

  /** True with the stripes locked and every slot there; false, still locked, if what was seen has changed. */
  #lockAndPlace(order: readonly TouchedKey[]): boolean {
    let sweeps = 0
    for (let tries = 0; ; tries++) {
      this.#locks.acquire()
      const outcome = this.#place(order)
      if (outcome === PLACED) return true
      this.#undo(order)
      if (outcome === CHANGED) return false
      this.#locks.release()
      // What has expired is gone then: what was lacking before need not be lacking now, and is no reason to say FULL.
      if (!this.#bringLines(sweeps)) sweeps++
      else if (this.#tooMany === 0) continue
      else if (this.#evicts) this.#evict(tries)
      else if (!this.#table.writer.desk.removeExpired(sweeps++)) this.#sayTooMany()
    }
  }

  /** A line for each stripe that lacks one; false as soon as there was none, and what has expired was removed instead. */
  #bringLines(sweeps: number): boolean {
    for (const stripeAt of this.#lacking) if (!this.#room.bringLine(stripeAt, sweeps)) return false
    return true
  }

  /** In a table that counts its entries: as many as are too many. */
  #evict(tries: number): void {
    if (tries > MAX_EVICTING_TRIES) this.#sayTooMany()
    for (let i = 0; i < this.#tooMany; i++) this.#table.writer.desk.roomForEntry()
  }

  #sayTooMany(): never {
    throw new OperationError(
      'FULL',
      `the table may have ${this.#words[HEADER.maxEntries]} entries, and these keys are more. Nothing was changed. ` +
        'Delete entries, or create the table with a larger maxEntries.',
    )
  }

  #place(order: readonly TouchedKey[]): number {
    const { chain } = this.#table.writer
    this.#lacking.clear()
    this.#tooMany = 0
    for (const touched of order) {
      const { stripeAt, key } = touched
      const found = this.#words[stripeAt + STRIPE.buckets] !== 0 && chain.find(stripeAt, key)
      if (touched.isSeen && !this.#isAsSeen(touched, found)) return CHANGED
      if (found) {
        touched.old = chain.reference
        touched.slotWords = chain.slotWords
        touched.slotAt = chain.slotAt
      } else if (touched.intent === INTENT.PUT) this.#placeNew(touched)
    }
    return this.#lacking.size > 0 || this.#tooMany > 0 ? LACKING : PLACED
  }

  #placeNew(touched: TouchedKey): void {
    const { chain } = this.#table.writer
    const { stripeAt } = touched
    if (this.#words[stripeAt + STRIPE.buckets] === 0 || chain.needsLine(stripeAt)) {
      this.#lacking.add(stripeAt)
    } else if (this.#isLimited && !admit(this.#words)) {
      this.#tooMany++
    } else {
      chain.place(stripeAt, touched.key.hash, touched.chunk)
      touched.slotWords = chain.slotWords
      touched.slotAt = chain.slotAt
      touched.isPlaced = true
    }
  }

  #isAsSeen({ stamp }: TouchedKey, found: boolean): boolean {
    const { chain } = this.#table.writer
    const isAlive = found && !this.#chunks.hasExpired(chain.reference)
    return stamp === 0 ? !isAlive : isAlive && chain.stamp === stamp
  }

  /** Takes the slots back that were placed, before anybody has seen more of them than that they are busy. */
  #undo(order: readonly TouchedKey[]): void {
    for (const touched of order) {
      touched.old = 0
      if (!touched.isPlaced) continue
      touched.isPlaced = false
      this.#emptySlot(touched.slotWords, touched.slotAt, touched.stripeAt)
    }
  }

  #makeHappen(order: readonly TouchedKey[], isClearing: boolean): void {
    const { chain } = this.#table.writer
    if (isClearing) this.#sweep.collect(order)
    for (const { intent, old, slotWords, slotAt } of order)
      if (intent !== INTENT.NONE && old !== 0) slotWords[slotAt + 2] = 0
    if (isClearing) this.#sweep.makeBusy()
    for (const { intent, slotWords, slotAt, chunk } of order)
      if (intent === INTENT.PUT) slotWords[slotAt + 1] = chunk
    // Every slot is busy: from here on it becomes visible.
    for (const touched of order) {
      const { intent, old, slotWords, slotAt, stripeAt } = touched
      if (intent === INTENT.NONE) continue
      if (intent === INTENT.PUT) {
        if (touched.isStaged) chain.aimStamp(stripeAt, touched.promisedStamp)
        slotWords[slotAt + 2] = chain.nextStamp(stripeAt)
        touched.stamp = slotWords[slotAt + 2]!
        touched.chunk = 0
      } else if (old !== 0) this.#emptySlot(slotWords, slotAt, stripeAt)
      if (old !== 0) this.#chunks.loose.push(old)
      if (this.#evicts && intent === INTENT.PUT) markUsed(slotWords, slotAt)
      this.#table.space.count(intent === INTENT.PUT ? COUNTERS.sets : COUNTERS.deletes)
    }
    if (isClearing)
      this.#sweep.empty((words, at, stripeAt) => this.#emptySlot(words, at, stripeAt), this.#chunks.loose)
  }

  #emptySlot(slotWords: Int32Array, slotAt: number, stripeAt: number): void {
    slotWords[slotAt + 1] = 0
    this.#words[stripeAt + STRIPE.count]!--
    if (this.#isLimited) Atomics.sub(this.#words, HEADER.entries, 1)
  }

  /** After FULL or TIMEOUT, before anything has changed: nothing is locked. Anything else is the end of this node. */
  #abandon(order: readonly TouchedKey[], error: unknown): void {
    if (!isOperationError(error)) {
      throw new InvariantError('several keys at once were left in the middle', { cause: error })
    }
    const { desk } = this.#table.writer
    this.#chunks.drop(order)
    // Some errors have left the desk, some keep it with something in hand: entering settles that.
    desk.enter()
    this.#chunks.leave()
  }

  #allStripes(): number[] {
    const { buckets } = this.#table.writer.chain
    return Array.from({ length: buckets.stripes }, (_, index) => buckets.stripeNumber(index))
  }
}

function stripesOf(order: readonly TouchedKey[]): number[] {
  const stripes: number[] = []
  for (const { stripeAt } of order) if (stripes.at(-1) !== stripeAt) stripes.push(stripeAt)
  return stripes
}

/** Whoever has staged a chunk has made room for it, too. */
function isToBeFilled({ intent, isStaged }: TouchedKey): boolean {
  return intent === INTENT.PUT && !isStaged
}

/** For the clock's hand. */
function markUsed(slotWords: Int32Array, slotAt: number): void {
  if (slotWords[slotAt]! >= 0) Atomics.or(slotWords, slotAt, CLOCK_BIT)
}
