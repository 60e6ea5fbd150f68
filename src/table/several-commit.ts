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
import { COUNTERS, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { fillChunk } from './chunk.js'
import { admit } from './entry-limit.js'
import { CLOCK_BIT, chunkBytes, FLAG_EXPIRY, STRIPE } from './layout.js'
import { StripeRoom } from './stripe-room.js'
import { StripeSweep } from './stripe-sweep.js'
import type { Table } from './table.js'
import { INTENT, type TouchedKey } from './touched-key.js'
import { NO_EXPIRY } from './writer.js'

const { chunkInHand: CHUNK_IN_HAND, detached: DETACHED, holding: HOLDING } = PARTICIPANT

/** What placing came to. */
const PLACED = 0
const CHANGED = 1
const LACKING = 2

/** How often entries are evicted for those to come, before it is FULL: whoever is faster takes their places. */
const MAX_EVICTING_TRIES = 8

export class SeveralCommit {
  readonly #table: Table
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #me: number
  readonly #isLimited: boolean
  readonly #evicts: boolean
  readonly #room: StripeRoom
  readonly #sweep: StripeSweep
  /** The stripes to lock, ascending, and how many of them are locked. */
  #stripes: number[] = []
  #locked = 0
  /** Stripes that lack a line, and how many entries are more than there may be. */
  readonly #lacking = new Set<number>()
  #tooMany = 0
  /** Chunks that belong to nobody any more, to be freed. */
  readonly #loose: Reference[] = []

  constructor(table: Table) {
    const { space, writer } = table
    this.#table = table
    this.#words = space.words
    this.#segments = space.region.segments
    this.#me = space.registry.at
    this.#isLimited = space.facts.maxEntries !== 0
    this.#evicts = space.facts.eviction === EVICTION.CLOCK
    this.#room = new StripeRoom(space, writer)
    this.#sweep = new StripeSweep(space, writer.chain.buckets)
  }

  /**
   * Commits what the records say, which are in the order of their stripes; `isClearing`: everything else goes. False, and
   * nothing has changed, if something seen is not so any more. Throws OperationError FULL or TIMEOUT.
   */
  run(order: readonly TouchedKey[], isClearing: boolean): boolean {
    const { desk } = this.#table.writer
    this.#stripes = isClearing ? this.#allStripes() : stripesOf(order)
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
    this.#unlock()
    this.#dropChunks(order)
    this.#leave()
    return happened
  }

  /** Runs `look`, which only reads, with the stripes of the records locked. */
  locked<T>(order: readonly TouchedKey[], look: () => T): T {
    this.#stripes = stripesOf(order)
    this.#table.writer.desk.enter()
    try {
      this.#lock()
    } catch (error) {
      this.#table.writer.desk.leaveAfter(error)
      throw error
    }
    try {
      return look()
    } finally {
      this.#unlock()
      this.#table.writer.desk.leave()
    }
  }

  /** Fetches and fills the chunks, and makes buckets for what may be new. */
  #fill(order: readonly TouchedKey[]): void {
    for (const touched of order) if (isToBeFilled(touched)) this.#fillOne(touched)
    for (let i = 0; i < order.length; ) {
      const { stripeAt } = order[i]!
      let puts = 0
      for (; i < order.length && order[i]!.stripeAt === stripeAt; i++) if (isToBeFilled(order[i]!)) puts++
      if (puts > 0) this.#room.growFor(stripeAt, puts)
    }
  }

  #fillOne(touched: TouchedKey): void {
    const { value, writer } = this.#table
    value.setBytes(touched.value)
    const hasExpiry = touched.putExpiresAtMs !== NO_EXPIRY
    const valueWord = value.byteLength | (hasExpiry ? FLAG_EXPIRY : 0)
    const reference = writer.desk.chunk(chunkBytes(valueWord, touched.key.byteLength))
    if (hasExpiry && this.#words[HEADER.hasExpiries] === 0) this.#words[HEADER.hasExpiries] = 1
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    fillChunk(segment, wordOf(reference), touched.key, value, valueWord, touched.putExpiresAtMs)
    touched.chunk = reference
    this.#words[this.#me + CHUNK_IN_HAND] = 0
  }

  /** True with the stripes locked and every slot there; false, still locked, if what was seen has changed. */
  #lockAndPlace(order: readonly TouchedKey[]): boolean {
    for (let tries = 0; ; tries++) {
      this.#lock()
      const outcome = this.#place(order)
      if (outcome === PLACED) return true
      this.#undo(order)
      if (outcome === CHANGED) return false
      this.#unlock()
      for (const stripeAt of this.#lacking) this.#room.bringLine(stripeAt)
      this.#makeRoom(tries)
    }
  }

  /** In a table that counts its entries: evicts as many as are too many. */
  #makeRoom(tries: number): void {
    const { desk } = this.#table.writer
    if (this.#tooMany > 0 && (!this.#evicts || tries > MAX_EVICTING_TRIES)) {
      throw new OperationError(
        'FULL',
        `the table may have ${this.#words[HEADER.maxEntries]} entries, and these keys are more. Nothing was changed. ` +
          'Delete entries, or create the table with a larger maxEntries.',
      )
    }
    for (let i = 0; i < this.#tooMany; i++) desk.roomForEntry()
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
    const isAlive = found && !this.#hasExpired(chain.reference)
    return stamp === 0 ? !isAlive : isAlive && chain.stamp === stamp
  }

  #hasExpired(reference: Reference): boolean {
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    const at = wordOf(reference)
    return (
      (segment.words[at]! & FLAG_EXPIRY) !== 0 && this.#table.clock.hasPassed(segment.floats[(at + 2) >>> 1]!)
    )
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
      if (old !== 0) this.#loose.push(old)
      if (this.#evicts && intent === INTENT.PUT) markUsed(slotWords, slotAt)
      this.#table.space.count(intent === INTENT.PUT ? COUNTERS.sets : COUNTERS.deletes)
    }
    if (isClearing)
      this.#sweep.empty((words, at, stripeAt) => this.#emptySlot(words, at, stripeAt), this.#loose)
  }

  #emptySlot(slotWords: Int32Array, slotAt: number, stripeAt: number): void {
    slotWords[slotAt + 1] = 0
    this.#words[stripeAt + STRIPE.count]!--
    if (this.#isLimited) Atomics.sub(this.#words, HEADER.entries, 1)
  }

  #lock(): void {
    const { locks } = this.#table.space
    this.#words[this.#me + HOLDING] = 0
    this.#locked = 0
    try {
      for (const stripeAt of this.#stripes) {
        if (this.#locked === 0) locks.acquire(stripeAt + STRIPE.lock)
        else locks.acquireAlso(stripeAt + STRIPE.lock)
        this.#locked++
      }
    } catch (error) {
      this.#unlock()
      throw error
    }
  }

  #unlock(): void {
    for (; this.#locked > 0; this.#locked--) {
      this.#table.space.locks.release(this.#stripes[this.#locked - 1]! + STRIPE.lock)
    }
  }

  /** After FULL or TIMEOUT, before anything has changed: nothing is locked. Anything else is the end of this node. */
  #abandon(order: readonly TouchedKey[], error: unknown): void {
    if (!isOperationError(error)) {
      throw new InvariantError('several keys at once were left in the middle', { cause: error })
    }
    const { desk } = this.#table.writer
    this.#dropChunks(order)
    // Some errors have left the desk, some keep it with something in hand: entering settles that.
    desk.enter()
    this.#leave()
  }

  /** The chunks that have not come into the table are loose. */
  #dropChunks(order: readonly TouchedKey[]): void {
    for (const touched of order) {
      if (touched.chunk !== 0 && !touched.isStaged) this.#loose.push(touched.chunk)
      touched.chunk = 0
    }
  }

  /** Frees what is loose and leaves the desk; what a lock in the slab holds up is freed the next time. */
  #leave(): void {
    const { slab } = this.#table.space
    try {
      for (let reference = this.#loose.pop(); reference !== undefined; reference = this.#loose.pop()) {
        this.#words[this.#me + DETACHED] = reference
        const { words } = this.#segments[reference >>> GRANULE_BITS]!
        const at = wordOf(reference)
        slab.free(DETACHED, chunkBytes(words[at]!, words[at + 1]!))
      }
      this.#table.writer.desk.leave()
    } catch (error) {
      // The desk stays taken with one chunk in hand, and the next operation of this thread settles that.
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
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

function wordOf(reference: Reference): number {
  return (reference & GRANULE_MASK) << 2
}
