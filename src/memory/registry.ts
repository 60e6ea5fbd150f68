/**
 * The registry of participants: joining, leaving, and settling what the dead leave behind.
 *
 * A record is claimed by one compare-and-swap of its `thread` and `startTime`, together 8 bytes, so that nobody sees half
 * an identity and takes the living for dead; it is free again once they are 0. Its generation has moved on by then, so no
 * sign of an earlier user (a lock's tag, the `dead` word) ever speaks of the next. The dead keep theirs until somebody settles it: who waits for one of their locks, who finds no free record, or who is short of
 * memory. Settling itself (what to repair, in which order) is the `Settler`'s; the registry decides who may do it:
 * one participant at a time holds the `repairer` word, and if that one dies too, the next starts over.
 *
 * Who lives is known by the threads of this process, or by what the region itself says (`Presence`), where there are
 * other processes: claimed before the record is, and given up after it is free, so that a record with a user and without
 * a presence is a dead one's.
 */
import { threadId } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { type Geometry, PARTICIPANT_WORDS } from './geometry.js'
import { HEADER } from './header.js'
import { CONTENDED, type OwnerWatch } from './lock.js'
import { COUNTER_SLOTS, lockTag, PARTICIPANT, tagIndex } from './participant.js'
import { describeUser, recordAt, recordIndex, recordsInUse, tagOfRecord } from './participant-list.js'
import type { Presence, Region } from './region.js'
import { identityBits, identityOf, type Liveness, onWorkerExit, type ThreadIdentity } from './threads.js'

const { thread: THREAD } = PARTICIPANT

/**
 * Repairs what the participant at `deadAt` (its tag: `deadTag`) held; true if nothing is left to do. May be run again from
 * the start.
 */
export type Settle = (deadAt: number, deadTag: number, locksOnly: boolean) => boolean

export class Registry implements OwnerWatch {
  /** Word index of the own record, and the own lock tag. */
  readonly at: number
  readonly tag: number
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #longs: BigInt64Array
  readonly #shape: Geometry
  readonly #isAlive: Liveness
  readonly #presence: Presence | undefined
  #settler: Settle | undefined
  /** Records that this thread is settling right now: settling one can run into the locks of another. */
  readonly #settling = new Set<number>()
  readonly #unsubscribe: () => void
  #hasHeardOfExit = false
  /** Above all records that this thread has looked at since it was last seen to hold nothing: beyond, it holds nothing. */
  #reach: number

  private constructor(region: Region, shape: Geometry, isAlive: Liveness, index: number, reach = 0) {
    this.#words = region.segments[0]!.words
    this.#floats = region.segments[0]!.floats
    this.#longs = region.segments[0]!.longs
    this.#shape = shape
    this.#isAlive = isAlive
    this.#presence = region.presence
    this.#reach = reach
    this.at = shape.participantsAt + index * PARTICIPANT_WORDS
    this.tag = lockTag(index, this.#words[this.at + PARTICIPANT.generation]!)
    this.#unsubscribe = onWorkerExit((worker) => this.#markExited(worker))
  }

  /**
   * Claims a record for this thread (`self`); where there is a presence and no free one, that of one who died. Throws
   * OperationError FULL when all are taken by the living.
   */
  static join(region: Region, shape: Geometry, isAlive: Liveness, self: ThreadIdentity): Registry {
    const { words, longs } = region.segments[0]!
    const who = identityBits(self)
    for (let index = 0; index < MAX_PARTICIPANTS; index++) {
      const at = shape.participantsAt + index * PARTICIPANT_WORDS
      if (words[at + THREAD] !== 0 || region.presence?.claim(index) === false) continue
      if (Atomics.compareExchange(longs, (at + THREAD) >>> 1, 0n, who) !== 0n) {
        region.presence?.release(index)
        continue
      }
      words[at + PARTICIPANT.process] = process.pid
      words[at + PARTICIPANT.worker] = threadId + 1
      return new Registry(region, shape, isAlive, index)
    }
    const adopted = Registry.#adopt(region, shape, isAlive, who)
    if (adopted !== undefined) return adopted
    throw new OperationError(
      'FULL',
      `all ${MAX_PARTICIPANTS} places for threads on this table are taken. Close maps that are no longer used, ` +
        'or share one map among the callers of a thread.',
    )
  }

  /**
   * When all users have died at once, nobody is left who could settle them and free a record. Then one goes on as the next
   * user of a dead one's, tag and all, as if itself had been thrown out of what the dead one did: its `repairer` word says
   * so, and housekeeping settles it.
   */
  static #adopt(region: Region, shape: Geometry, isAlive: Liveness, who: bigint): Registry | undefined {
    const { words, longs } = region.segments[0]!
    for (let index = 0; index < MAX_PARTICIPANTS; index++) {
      if (region.presence?.claim(index) !== true) continue
      const at = shape.participantsAt + index * PARTICIPANT_WORDS
      const tag = lockTag(index, words[at + PARTICIPANT.generation]!)
      const repairer = Atomics.compareExchange(words, at + PARTICIPANT.repairer, 0, tag)
      // Its own tag is that of one who died adopting it.
      if (repairer === 0 || repairer === tag) {
        // Nobody else can settle it from here on; somebody may have before.
        if (words[at + THREAD] !== 0 && lockTag(index, words[at + PARTICIPANT.generation]!) === tag) {
          Atomics.store(longs, (at + THREAD) >>> 1, who)
          words[at + PARTICIPANT.process] = process.pid
          words[at + PARTICIPANT.worker] = threadId + 1
          return new Registry(region, shape, isAlive, index, MAX_PARTICIPANTS)
        }
        Atomics.compareExchange(words, at + PARTICIPANT.repairer, tag, 0)
      }
      region.presence.release(index)
    }
    return undefined
  }

  setSettler(settler: Settle): void {
    this.#settler = settler
  }

  /** Gives the record back; its magazines must be empty. Counters are kept in the region's sums. */
  leave(): void {
    this.#unsubscribe()
    this.#foldCounters(this.at)
    this.#free(this.at)
    this.#presence?.close()
  }

  /** Word indices of all records in use, the own included. */
  *records(): Generator<number> {
    for (const at of recordsInUse(this.#words, this.#shape)) {
      this.#noteReach(at)
      yield at
    }
  }

  /**
   * Called where no settling of this thread can be under way: one that was thrown out (a `vm` timeout runs no `finally`)
   * would else count as an outer one for ever, and its record as settled.
   */
  forgetThrownOut(): void {
    this.#settling.clear()
  }

  /**
   * Whether this thread holds anybody's desk or repairs anybody: between operations, a sign that one was thrown out. Asked
   * ten times a second, so others' records are looked at only where an operation has come upon them since.
   */
  isInside(): boolean {
    if (this.#holds(this.at)) return true
    for (let index = 0; index < this.#reach; index++) {
      if (this.#holds(recordAt(this.#shape, index))) return true
    }
    this.#reach = 0
    return false
  }

  #holds(at: number): boolean {
    if (this.#words[at + THREAD] === 0) return false
    return (
      (Atomics.load(this.#words, at) & ~CONTENDED) === this.tag ||
      this.#words[at + PARTICIPANT.repairer] === this.tag
    )
  }

  /** Comes before each lock of the record's desk and each claim of its repair. */
  #noteReach(at: number): void {
    this.#reach = Math.max(this.#reach, recordIndex(this.#shape, at) + 1)
  }

  settle(tag: number, locksOnly: boolean): boolean {
    const index = tagIndex(tag)
    if (index < 0 || index >= MAX_PARTICIPANTS) return false
    const at = this.#shape.participantsAt + index * PARTICIPANT_WORDS
    const own = tag === this.tag
    if (!own && this.#lives(at, tag)) return false
    return this.#settleRecord(at, tag, locksOnly)
  }

  /** Settles and frees the records of all who died; returns how many. */
  settleDead(): number {
    let settled = 0
    for (const at of this.records()) {
      if (at === this.at) continue
      const tag = this.#tagOf(at)
      if (!this.#lives(at, tag) && this.#settleRecord(at, tag, false)) settled++
    }
    return settled
  }

  /**
   * Whether housekeeping should settle the dead: a quarter of the records is taken, so that the living do not run out of
   * them, or a worker of this thread is known to have ended since the last time.
   */
  isSettlingDue(): boolean {
    const crowdedAt = this.#shape.participantsAt + (MAX_PARTICIPANTS >>> 2) * PARTICIPANT_WORDS
    const isDue = this.#hasHeardOfExit || this.#words[crowdedAt + THREAD] !== 0
    this.#hasHeardOfExit = false
    return isDue
  }

  describe(tag: number): string {
    return describeUser(this.#words, recordAt(this.#shape, tagIndex(tag)))
  }

  #tagOf(at: number): number {
    return tagOfRecord(this.#words, this.#shape, at)
  }

  /** Whether the tag is that of the present user of the record; earlier ones have left or were settled. */
  #isCurrent(at: number, tag: number): boolean {
    return this.#words[at + THREAD] !== 0 && this.#tagOf(at) === tag
  }

  #lives(at: number, tag: number): boolean {
    const who = Atomics.load(this.#longs, (at + THREAD) >>> 1)
    if (who === 0n || this.#tagOf(at) !== tag) return true
    if (this.#presence !== undefined) return this.#presence.isPresent(tagIndex(tag))
    return this.#words[at + PARTICIPANT.dead] !== tag && this.#isAlive(identityOf(who))
  }

  #settleRecord(at: number, tag: number, locksOnly: boolean): boolean {
    const words = this.#words
    // Nested: on its way this settling ran into another lock of the same record. Only that is freed now.
    if (this.#settling.has(at)) {
      if (this.#isCurrent(at, tag)) this.#settler?.(at, tag, true)
      return true
    }
    this.#noteReach(at)
    if (!this.#claim(at, locksOnly)) return false
    if (at !== this.at && this.#presence !== undefined && this.#lives(at, tag)) {
      // Adopted between the look and the claim: its new user settles it.
      Atomics.compareExchange(words, at + PARTICIPANT.repairer, this.tag, 0)
      return false
    }
    this.#settling.add(at)
    try {
      // Somebody else may have settled it between the look and the claim.
      if (this.#isCurrent(at, tag)) {
        assert(this.#settler !== undefined, 'a joined participant can repair')
        const isWhole = this.#settler(at, tag, locksOnly)
        if (isWhole && at === this.at) this.#dropRepairs()
        else if (isWhole) {
          this.#foldCounters(at)
          this.#free(at)
        }
      }
    } finally {
      this.#settling.delete(at)
    }
    Atomics.store(words, at + PARTICIPANT.repairer, 0)
    return true
  }

  /**
   * Repairs that this thread was thrown out of (by a TIMEOUT, for one) are anybody's again. Only once it has settled itself:
   * until then its locks and theirs must be seen together.
   */
  #dropRepairs(): void {
    for (const at of this.records()) {
      if (this.#settling.has(at)) continue
      Atomics.compareExchange(this.#words, at + PARTICIPANT.repairer, this.tag, 0)
    }
  }

  /** Takes the right to settle a record, from nobody or from one who died settling it. */
  #claim(at: number, locksOnly: boolean): boolean {
    const words = this.#words
    const repairerAt = at + PARTICIPANT.repairer
    const found = Atomics.compareExchange(words, repairerAt, 0, this.tag)
    if (found === 0 || found === this.tag) return true
    const foundAt = this.#shape.participantsAt + tagIndex(found) * PARTICIPANT_WORDS
    // A tag that is no longer current: its owner died as well, and has been settled since.
    if (this.#isCurrent(foundAt, found) && foundAt !== at && !this.#settling.has(foundAt)) {
      if (this.#lives(foundAt, found)) return false
      // First the repairer's locks, while this record still says what it was repairing under them.
      this.#settleRecord(foundAt, found, locksOnly)
    }
    return Atomics.compareExchange(words, repairerAt, found, this.tag) === found
  }

  /** The identity last: whoever joins must find another generation, and no worker's number but its own. */
  #free(at: number): void {
    this.#words[at + PARTICIPANT.worker] = 0
    Atomics.add(this.#words, at + PARTICIPANT.generation, 1)
    Atomics.store(this.#longs, (at + THREAD) >>> 1, 0n)
  }

  /** A worker that this thread has started is known to have ended: its records here need no look at the system. */
  #markExited(worker: number): void {
    for (const at of this.records()) {
      // The tag first: if the record changes hands in between, it is not the new user's that is marked.
      const tag = this.#tagOf(at)
      const isIts = this.#words[at + PARTICIPANT.worker] === worker + 1
      if (!isIts || this.#words[at + PARTICIPANT.process] !== process.pid) continue
      this.#hasHeardOfExit = true
      // Where there are other processes, their numbers may be the same in another PID namespace.
      if (this.#presence === undefined) this.#words[at + PARTICIPANT.dead] = tag
    }
  }

  /** Adds a record's counters to the sums of those who left, and clears them. Sums are a report, not an account. */
  #foldCounters(at: number): void {
    const from = (at + PARTICIPANT.counters) >>> 1
    const sums = HEADER.retiredCounters >>> 1
    for (let slot = 0; slot < COUNTER_SLOTS; slot++) {
      this.#floats[sums + slot]! += this.#floats[from + slot]!
      this.#floats[from + slot] = 0
    }
  }
}
