/**
 * Removals that nobody asked for: what has expired, and what has to make room. In a table behind a log they are deletes
 * like any other, so they are logged, and are safe, before the entries go and their memory counts as free.
 *
 * `makeRoom` is for an evaluation that finds no memory: nothing else may be pending then, but for that evaluation's own
 * writes, whose keys stay. Each call removes some (many at a time where they must be logged, since each time may take a
 * sync), and says whether it is worth another look. One thread: that of the sequenced writer.
 */
import { RecordBatch } from '../log/record-batch.js'
import { EVICTION } from '../memory/header.js'
import { COUNTERS } from '../memory/participant.js'
import type { Reference } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Table } from '../table/table.js'
import { Victims } from '../table/victims.js'

/** Attempts to free chunks of the wanted size, and then pages, before it is FULL after all. */
const TRIES_LIKE = 8
const TRIES_PAGES = 64
/** Entries of one size that go at a time: one in so many, within bounds. */
const ENTRIES_PER_VICTIM = 1024
const MOST_VICTIMS = 256
/** Bucket lines looked at, and expired entries removed, where memory is short. */
const SHORT_LINES = 16_384
const SHORT_ENTRIES = 1024

export interface RemovalLog {
  isPending(key: KeyBuffer): boolean
  /** Makes the batch safe, or throws. */
  log(batch: RecordBatch): void
}

export class LoggedRemovals {
  readonly #table: Table
  readonly #log: RemovalLog
  readonly #victims: Victims
  readonly #key: KeyBuffer
  readonly #batch = new RecordBatch()

  constructor(table: Table, log: RemovalLog) {
    this.#table = table
    this.#log = log
    this.#victims = new Victims(table.space)
    this.#key = table.newKey()
  }

  /** Removes entries so that memory for `bytes` may come free; false: there is nothing more that may go. */
  makeRoom(bytes: number, nowMs: number, attempt: number): boolean {
    const expired = this.#victims.expired(nowMs, SHORT_LINES, SHORT_ENTRIES)
    if (this.#remove(expired, COUNTERS.expirations) > 0) return true
    if (this.#table.space.facts.eviction !== EVICTION.CLOCK || attempt >= TRIES_LIKE + TRIES_PAGES)
      return false
    if (attempt < TRIES_LIKE) {
      const count = Math.ceil(Math.min(MOST_VICTIMS, this.#table.size / ENTRIES_PER_VICTIM))
      const unused = this.#victims.unused(bytes, count, nowMs)
      if (this.#remove(unused, COUNTERS.evictions) > 0) return true
    }
    return this.#table.staging.emptyPages(bytes, (entries) => new Set(this.#logged(entries)))
  }

  /** Removes some of what has expired among the next `lines` bucket lines; returns how many. */
  sweep(nowMs: number, lines: number, most: number): number {
    return this.#remove(this.#victims.expired(nowMs, lines, most), COUNTERS.expirations)
  }

  #remove(references: readonly Reference[], counter: number): number {
    const going = this.#logged(references)
    for (const reference of going) {
      this.#readKey(reference)
      this.#table.staging.remove(this.#key, counter)
    }
    return going.length
  }

  /** Logs the deletes of those that may go, and returns them. */
  #logged(references: readonly Reference[]): Reference[] {
    this.#batch.reset()
    const going = references.filter((reference) => {
      this.#readKey(reference)
      if (this.#log.isPending(this.#key)) return false
      this.#batch.delete(this.#key.buffer.subarray(0, this.#key.byteLength))
      return true
    })
    if (going.length > 0) this.#log.log(this.#batch)
    return going
  }

  #readKey(reference: Reference): void {
    this.#key.setBytes(this.#table.staging.chunks.keyOf(reference))
  }
}
