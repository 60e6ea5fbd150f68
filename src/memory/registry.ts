/**
 * The registry of participants: joining, leaving, and settling what the dead leave behind.
 *
 * A record is claimed by one compare-and-swap of its `thread` word and is free again once that is 0. The dead keep
 * theirs until somebody settles it: who waits for one of their locks, who finds no free record, or who is short of
 * memory. Settling itself (what to repair, in which order) is the `Settler`'s; the registry decides who may do it:
 * one participant at a time holds the `repairer` word, and if that one dies too, the next starts over.
 */
import { threadId } from 'node:worker_threads'
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { type Geometry, PARTICIPANT_WORDS } from './geometry.js'
import { HEADER } from './header.js'
import type { OwnerWatch } from './lock.js'
import { COUNTER_SLOTS, lockTag, PARTICIPANT, tagIndex } from './participant.js'
import type { Region } from './region.js'
import { currentThread, type Liveness } from './threads.js'

/** Repairs what the participant at `deadAt` (its tag: `deadTag`) held. May be run again from the start. */
export type Settle = (deadAt: number, deadTag: number, locksOnly: boolean) => void

export class Registry implements OwnerWatch {
  /** Word index of the own record, and the own lock tag. */
  readonly at: number
  readonly tag: number
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #shape: Geometry
  readonly #isAlive: Liveness
  #settler: Settle | undefined
  /** Records that this thread is settling right now: settling one can run into the locks of another. */
  readonly #settling = new Set<number>()

  private constructor(region: Region, shape: Geometry, isAlive: Liveness, index: number) {
    this.#words = region.segments[0]!.words
    this.#floats = region.segments[0]!.floats
    this.#shape = shape
    this.#isAlive = isAlive
    this.at = shape.participantsAt + index * PARTICIPANT_WORDS
    this.tag = lockTag(index, this.#words[this.at + PARTICIPANT.generation]!)
  }

  /** Claims a record for this thread. Throws OperationError FULL when all are taken by the living. */
  static join(region: Region, shape: Geometry, isAlive: Liveness): Registry {
    const words = region.segments[0]!.words
    const { thread, startTime } = currentThread()
    for (let index = 0; index < MAX_PARTICIPANTS; index++) {
      const at = shape.participantsAt + index * PARTICIPANT_WORDS
      if (Atomics.compareExchange(words, at + PARTICIPANT.thread, 0, thread) !== 0) continue
      words[at + PARTICIPANT.startTime] = startTime
      words[at + PARTICIPANT.process] = process.pid
      words[at + PARTICIPANT.worker] = threadId + 1
      words[at + PARTICIPANT.dead] = 0
      Atomics.add(words, at + PARTICIPANT.generation, 1)
      return new Registry(region, shape, isAlive, index)
    }
    throw new OperationError(
      'FULL',
      `all ${MAX_PARTICIPANTS} places for threads on this table are taken. Close maps that are no longer used, ` +
        'or share one map among the callers of a thread.',
    )
  }

  setSettler(settler: Settle): void {
    this.#settler = settler
  }

  /** Gives the record back; its magazines must be empty. Counters are kept in the region's sums. */
  leave(): void {
    this.#foldCounters(this.at)
    Atomics.store(this.#words, this.at + PARTICIPANT.thread, 0)
  }

  /** Word indices of all records in use, the own included. */
  *records(): Generator<number> {
    for (let index = 0; index < MAX_PARTICIPANTS; index++) {
      const at = this.#shape.participantsAt + index * PARTICIPANT_WORDS
      if (this.#words[at + PARTICIPANT.thread] !== 0) yield at
    }
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

  /** Housekeeping: settles the dead once a quarter of the records is taken, before the living run out of them. */
  settleDeadIfCrowded(): void {
    const crowdedAt = this.#shape.participantsAt + (MAX_PARTICIPANTS >>> 2) * PARTICIPANT_WORDS
    if (this.#words[crowdedAt + PARTICIPANT.thread] !== 0) this.settleDead()
  }

  describe(tag: number): string {
    const at = this.#shape.participantsAt + tagIndex(tag) * PARTICIPANT_WORDS
    const words = this.#words
    const worker = words[at + PARTICIPANT.worker]! - 1
    const thread = words[at + PARTICIPANT.thread]!
    const name = worker === 0 ? 'main thread' : `worker ${worker}`
    return `process ${words[at + PARTICIPANT.process]}, ${name}${thread > 0 ? ` (thread ${thread})` : ''}`
  }

  #tagOf(at: number): number {
    const index = (at - this.#shape.participantsAt) / PARTICIPANT_WORDS
    return lockTag(index, this.#words[at + PARTICIPANT.generation]!)
  }

  #lives(at: number, tag: number): boolean {
    const words = this.#words
    const thread = words[at + PARTICIPANT.thread]!
    // A tag of an earlier user: it was settled, or it would still have the record.
    if (thread === 0 || this.#tagOf(at) !== tag) return true
    if (words[at + PARTICIPANT.dead] === 1) return false
    return this.#isAlive({ thread, startTime: words[at + PARTICIPANT.startTime]! })
  }

  #settleRecord(at: number, tag: number, locksOnly: boolean): boolean {
    const words = this.#words
    const nested = this.#settling.has(at)
    if (!nested && !this.#claim(at)) return false
    this.#settling.add(at)
    // Somebody else may have settled it between the look and the claim.
    if (this.#tagOf(at) === tag && words[at + PARTICIPANT.thread] !== 0) {
      assert(this.#settler !== undefined, 'a joined participant can repair')
      this.#settler(at, tag, locksOnly || nested)
      if (at !== this.at && !locksOnly && !nested) {
        this.#foldCounters(at)
        Atomics.store(words, at + PARTICIPANT.thread, 0)
      }
    }
    if (nested) return true
    this.#settling.delete(at)
    Atomics.store(words, at + PARTICIPANT.repairer, 0)
    return true
  }

  /** Takes the right to settle a record, from nobody or from one who died settling it. */
  #claim(at: number): boolean {
    const words = this.#words
    const repairerAt = at + PARTICIPANT.repairer
    const found = Atomics.compareExchange(words, repairerAt, 0, this.tag)
    if (found === 0 || found === this.tag) return true
    const foundAt = this.#shape.participantsAt + tagIndex(found) * PARTICIPANT_WORDS
    if (foundAt !== at && !this.#settling.has(foundAt)) {
      if (this.#lives(foundAt, found)) return false
      // First the repairer, while this record still says what it was repairing.
      this.#settleRecord(foundAt, found, false)
    }
    return Atomics.compareExchange(words, repairerAt, found, this.tag) === found
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
