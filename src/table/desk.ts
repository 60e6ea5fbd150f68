/**
 * The desk of one participant: what every writing operation holds from its first to its last shared store.
 *
 * `enter` takes the own desk lock, so that nobody drains the magazines meanwhile and repair knows what to settle;
 * `chunk` takes memory, going to the other desks' magazines before it says FULL. No user code runs between enter and
 * leave. An operation that was thrown out in between (a `vm` timeout, a stack overflow) leaves the desk locked by its
 * own tag: the next `enter` finds that and settles it.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { LINE_BYTES } from '../base/limits.js'
import { formatSize } from '../base/size.js'
import { EVICTION } from '../memory/header.js'
import { SPAN_LARGE, SPAN_LINES } from '../memory/page-descriptor.js'
import { COUNTERS, PARTICIPANT } from '../memory/participant.js'
import type { Reference } from '../memory/region.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import { isOverLimit, recountIfDue } from './entry-limit.js'
import { STRIPE } from './layout.js'
import type { Space } from './space.js'
import type { Recourse } from './view.js'

/** Makes room by removing entries. Each removes what it can at once, and answers false if that was nothing. */
export interface Evictor {
  /** One entry whose chunk serves for `bytes`. */
  evictLike(bytes: number): boolean
  /** The entries on a run of `pages`; rather not on those of class `spared`. */
  evictPages(pages: number, spared: number): boolean
  /** One entry of any size. */
  evictAny(): boolean
}

/** Chunks for which others were faster, before whole pages are emptied; and pages, before it is FULL after all. */
const TRIES_LIKE = 8
const TRIES_PAGES = 64
/** Sweeps for expired entries before a table that evicts nothing says FULL; one if it finds none. */
const TRIES_SWEEP = 4

export class Desk implements Recourse {
  readonly #space: Space
  readonly #at: number
  readonly #words: Int32Array
  readonly #tag: number
  #evictor: Evictor | undefined
  #sweep: () => number = () => 0
  /** Still so after an error within, until that is settled. */
  #isGathering = false

  constructor(space: Space) {
    this.#space = space
    this.#words = space.words
    this.#at = space.registry.at
    this.#tag = space.registry.tag
  }

  setEvictor(evictor: Evictor): void {
    this.#evictor = evictor
  }

  /** `sweep` removes some of what has expired, a bounded part of the table at a time, and says how many went. */
  setSweep(sweep: () => number): void {
    this.#sweep = sweep
  }

  enter(): void {
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#tag) !== 0) this.#enterSlowly()
  }

  /**
   * As {@link enter}, for a change that a log has accepted, or is to accept: it cannot be refused any more, so whoever has
   * the desk (who checks the table has all of them) is waited for, however long it takes.
   */
  enterPatiently(): void {
    for (;;) {
      try {
        this.enter()
        return
      } catch (error) {
        if (!isOperationError(error, 'TIMEOUT')) throw error
      }
    }
  }

  #enterSlowly(): void {
    this.#isGathering = false
    this.#space.registry.forgetThrownOut()
    this.#space.locks.acquire(this.#at)
  }

  leave(): void {
    this.#space.locks.release(this.#at)
  }

  /**
   * Leaves after an expected error. After any other (a full stack), locks may be held that only settling finds: the desk
   * stays taken, and the next operation of this thread, or its timer, settles everything.
   */
  leaveAfter(error: unknown): void {
    if (isOperationError(error)) this.leave()
  }

  noteRetry(): void {
    this.#space.count(COUNTERS.readRetries)
  }

  /** Runs `work` (no user code) with a stripe's lock held, for readers that could not get a stable look without. */
  locked<T>(stripeAt: number, work: () => T): T {
    this.#space.count(COUNTERS.lockedReads)
    this.enter()
    try {
      this.#words[this.#at + PARTICIPANT.holding] = stripeAt + STRIPE.lock
      this.#space.locks.acquire(stripeAt + STRIPE.lock)
    } catch (error) {
      this.leaveAfter(error)
      throw error
    }
    const result = work()
    this.#space.locks.release(stripeAt + STRIPE.lock)
    this.leave()
    return result
  }

  /**
   * Leaves after an error before anything was published: the chunk and the lines in hand go back. If evicting was not
   * finished either, or gathering, which has others' desks and locks of the slab, the desk stays taken, and the next operation of
   * this thread, or its timer, settles all of it.
   */
  abandon(bytes: number): void {
    if (this.#words[this.#at + PARTICIPANT.detached] !== 0) return
    if (this.#words[this.#at + PARTICIPANT.windowAt] !== 0) return
    if (this.#isGathering) return
    if (this.#words[this.#at + PARTICIPANT.chunkInHand] !== 0)
      this.#space.slab.free(PARTICIPANT.chunkInHand, bytes)
    this.#space.lines.giveBack(this.#at)
    this.leave()
  }

  /** Takes a chunk into the hand. Needs the desk, and leaves it before it throws OperationError FULL. */
  chunk(bytes: number): Reference {
    return this.#space.slab.allocate(bytes) || this.#chunkTheLongWay(bytes)
  }

  #chunkTheLongWay(bytes: number): Reference {
    const { slab } = this.#space
    for (let tries = 0; tries < TRIES_LIKE && this.#evictor?.evictLike(bytes) === true; tries++) {
      const reference = slab.allocate(bytes)
      if (reference !== 0) return reference
    }
    this.gather()
    const index = slab.classFor(bytes)
    const spared = index === SPAN_LARGE ? SPAN_LINES : index
    for (let tries = 0; ; tries++) {
      const reference = slab.allocate(bytes)
      if (reference !== 0) return reference
      if (tries === TRIES_PAGES || this.#evictor?.evictPages(slab.pagesFor(bytes), spared) !== true) break
    }
    const reference = this.#evictor === undefined ? this.#chunkOfExpired(bytes) : 0
    if (reference !== 0) return reference
    this.leave()
    this.sayFull(bytes)
  }

  /** A chunk from what has expired, where nothing else may go; 0 if that was not enough. */
  #chunkOfExpired(bytes: number): Reference {
    for (let tries = 0; tries < TRIES_SWEEP && this.#sweep() > 0; tries++) {
      const reference = this.#space.slab.allocate(bytes)
      if (reference !== 0) return reference
      this.gather()
      const gathered = this.#space.slab.allocate(bytes)
      if (gathered !== 0) return gathered
    }
    return 0
  }

  /** Takes `count` bucket lines into the hand; 0 if there is no memory for them. Needs the desk, and no stripe. */
  lines(count: number, stripeAt: number): Reference {
    const { lines } = this.#space
    for (let tries = 0; ; tries++) {
      const reference = lines.take(count, stripeAt)
      if (reference !== 0) return reference
      const pages = Math.ceil((count * LINE_BYTES) / PAGE_BYTES)
      if (tries === TRIES_PAGES || this.#evictor?.evictPages(pages, SPAN_LINES) !== true) return 0
    }
  }

  /**
   * Makes room for one more entry in a table that has as many as it may: evicts one, or finds that a death had left the
   * count too high, or that some have expired. Throws OperationError FULL. Needs the desk, and no stripe.
   */
  roomForEntry(): void {
    const { words, facts, registry } = this.#space
    if (this.#evictor?.evictAny() === true) return
    registry.settleDead()
    recountIfDue(this.#space)
    if (!isOverLimit(words) || this.#evictor !== undefined) return
    if (this.#sweep() > 0) return
    throw new OperationError(
      'FULL',
      `the table has ${facts.maxEntries} entries, as many as its maxEntries allows. Nothing was changed. ` +
        "Delete entries, create the table with a larger maxEntries, or use eviction: 'clock'.",
    )
  }

  /**
   * Removes what has expired, where nothing else may go: then a bucket may have room without more lines, or a page is free for
   * them. False if there was nothing, or after as many `sweeps` as one operation has. Needs the desk, and no stripe.
   */
  removeExpired(sweeps: number): boolean {
    if (this.#evictor !== undefined || sweeps >= TRIES_SWEEP || this.#sweep() === 0) return false
    this.gather()
    return true
  }

  /** Bucket lines cannot be had: say FULL. Keeps the desk; the caller abandons what it has in hand. */
  fullOfLines(count: number): never {
    this.sayFull(count * LINE_BYTES)
  }

  /** Throws OperationError FULL for `bytes`, with `reservedPages` out of reach; does nothing about the desk. */
  sayFull(bytes: number, reservedPages = 0): never {
    const { facts, pages, region } = this.#space
    const shortage = region.shortage?.()
    if (shortage !== undefined)
      throw new OperationError(
        'FULL',
        `no room for another ${formatSize(bytes)}: ${shortage}. Nothing was changed.`,
      )
    const way =
      facts.eviction === EVICTION.NONE
        ? ", delete entries, or use eviction: 'clock'"
        : ' or store smaller values'
    throw new OperationError(
      'FULL',
      `no room for another ${formatSize(bytes)} in a table of ${formatSize(facts.capacityBytes - reservedPages * PAGE_BYTES)} ` +
        `(${formatSize(Math.max(0, pages.freePages - reservedPages) * PAGE_BYTES)} in free pages). Nothing was changed. ` +
        `Create the table with a larger capacity${way}.`,
    )
  }

  /** Brings the free chunks of all magazines back to their spans, and empty spans to the pool. */
  gather(): void {
    const { slab, registry, locks } = this.#space
    this.#isGathering = true
    slab.drain(this.#at)
    registry.settleDead()
    for (const deskAt of registry.records()) {
      // Only tried, never waited for: two who hold their own desks and want each other's would wait for ever.
      if (deskAt === this.#at || !locks.tryAcquire(deskAt)) continue
      slab.drain(deskAt)
      locks.release(deskAt)
    }
    slab.trim()
    this.#isGathering = false
  }
}
