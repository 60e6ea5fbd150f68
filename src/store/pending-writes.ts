/**
 * The overlay of the sequenced writer: what has been evaluated and not yet applied to the shared table. A pending set
 * *is* its unpublished chunk in the table's memory, with room reserved for its slot, so nothing that the log has
 * accepted can find the table full.
 *
 *   queue   oldest ... newest, in the order of the log; the last ones belong to the batch that is being evaluated
 *   index   the newest pending write of each key: what an evaluation sees before the table
 *
 * Every change is at once a record of the batch (`records`) and an entry of the queue. `seal` gives the entries of the
 * batch their position; what becomes of them then, published or forgotten, is pending-fate.ts.
 *
 * `seen` is the position that an answer has to wait for: that of the newest pending write it was made from.
 * One thread. Not for tables that others write to.
 */
import type { Clock } from '../base/clock.js'
import type { RecordBatch } from '../log/record-batch.js'
import { COUNTERS } from '../memory/participant.js'
import type { Reference } from '../memory/region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import { NO_ROOM, type Room } from '../table/staged-slots.js'
import type { Staging } from '../table/staging.js'
import type { Table } from '../table/table.js'
import { NO_EXPIRY } from '../table/writer.js'
import { keyFrom, scanOverlay } from './overlay-scan.js'
import type { Overlay } from './overlay-store.js'
import { PendingFate } from './pending-fate.js'
import { PendingIndex } from './pending-index.js'
import { PendingQueue } from './pending-queue.js'
import { type PendingWrite, UNSEALED } from './pending-write.js'
import type { PlainStore, PlainTarget } from './plain-store.js'
import type { ScanPage, StoreStats } from './store.js'

const NO_TIME = -1

/** What the overlay asks of the writer that owns it. */
export interface PendingOwner {
  readonly nowMs: Clock
  /** Throws if no write is accepted now. */
  assertWritable(): void
  /** Whether what expires can be recorded now. */
  readonly isWritable: boolean
  /** Makes memory free that serves for `bytes`, by applying what is pending and removing what may go; false: no more. */
  makeRoom(bytes: number, attempt: number): boolean
}

export class PendingWrites implements Overlay, PlainStore {
  readonly #table: Table
  readonly #staging: Staging
  readonly #records: RecordBatch
  readonly #owner: PendingOwner
  readonly #index = new PendingIndex()
  readonly #queue = new PendingQueue()
  readonly #fate: PendingFate
  /** For keys of pending writes; `table.key` is that of the evaluation. */
  readonly #scratchKey: KeyBuffer
  #nowMs = NO_TIME
  #seen = 0
  #changes = 0
  /** What `seek` found: the newest pending write of the key, the chunk that holds its value, when that expires. */
  #latest: PendingWrite | undefined
  #reference: Reference = 0
  expiresAtMs = Infinity
  #stamp = 0

  constructor(table: Table, records: RecordBatch, owner: PendingOwner) {
    this.#table = table
    this.#staging = table.staging
    this.#records = records
    this.#owner = owner
    this.#fate = new PendingFate(table, this.#queue, this.#index)
    this.#scratchKey = table.newKey()
  }

  /** Begins the evaluation of a batch. */
  begin(): void {
    this.#records.reset()
    this.#seen = 0
    this.#changes = 0
    this.#nowMs = NO_TIME
  }

  get seen(): number {
    return this.#seen
  }

  /** Whether the batch changes anything that was asked for; what had expired may go all the same. */
  get hasChanges(): boolean {
    return this.#changes > 0
  }

  /** Whether nothing is pending. */
  get isEmpty(): boolean {
    return this.#queue.isEmpty
  }

  /** Whether a batch before the one that is being evaluated is pending. */
  get hasSealed(): boolean {
    return this.#queue.hasSealed
  }

  /** Position of the newest batch that has one; 0: none is pending. */
  get newest(): number {
    return this.#queue.newest
  }

  /** Whether a write of this key is pending. */
  isPending(key: KeyBuffer): boolean {
    return this.#index.find(key) !== undefined
  }

  /** The batch has been accepted; `lsn` is the position of its last record. */
  seal(lsn: number): void {
    this.#queue.seal(lsn)
  }

  /** Publishes what has a position up to `lsn`, in order; a batch of several at one moment. */
  apply(lsn: number): void {
    this.#fate.apply(lsn)
  }

  /** Forgets what has a position above `lsn`, and what has none. */
  dropAbove(lsn: number): void {
    this.#fate.dropWhile((last) => last.lsn > lsn)
  }

  /** The function returned forgets what of this batch has been added since. */
  savepoint(): () => void {
    const { count, byteLength } = this.#records
    const changes = this.#changes
    const { unsealed } = this.#queue
    return () => {
      let surplus = this.#queue.unsealed - unsealed
      this.#fate.dropWhile(() => surplus-- > 0)
      // Where the log has refused something meanwhile, nothing of the batch is left.
      if (this.#queue.unsealed !== unsealed) return
      this.#records.cutTo(count, byteLength)
      this.#changes = changes
    }
  }

  get size(): number {
    this.#seeAll()
    return (this.#index.cleared === undefined ? this.#table.size : 0) + this.#index.delta
  }

  /** Asked for when first needed: most evaluations do not. */
  nowMs(): number {
    if (this.#nowMs === NO_TIME) this.#nowMs = this.#owner.nowMs()
    return this.#nowMs
  }

  seek(key: Uint8Array): boolean {
    this.#table.key.setBytes(key)
    return this.#seek()
  }

  setAt(words: Int32Array, keyBytes: number, hash: number, valueAt: number, valueBytes: number): void {
    const { key, value } = this.#table
    key.setFromWords(words, 0, keyBytes, hash === 0 ? undefined : hash)
    this.#seek()
    this.#owner.assertWritable()
    value.setFromWords(words, valueAt, valueBytes)
    this.#put(NO_EXPIRY)
  }

  getInto(target: PlainTarget, words: Int32Array, keyBytes: number, hash: number): boolean {
    this.#table.key.setFromWords(words, 0, keyBytes, hash === 0 ? undefined : hash)
    const found = this.#seek()
    this.note(found)
    if (!found) return false
    const { value } = this
    target.shape(0, value.length)
    target.bytes.set(value, 0)
    return true
  }

  /** Whether the key in `table.key` is there and has not expired. */
  #seek(): boolean {
    this.#look()
    if (this.#reference === 0) return false
    this.expiresAtMs = this.#staging.chunks.expiryOf(this.#reference)
    if (this.expiresAtMs === NO_EXPIRY || this.expiresAtMs > this.nowMs()) return true
    if (this.#owner.isWritable) this.#delete(COUNTERS.expirations)
    return false
  }

  note(found: boolean): void {
    this.#table.space.count(found ? COUNTERS.hits : COUNTERS.misses)
  }

  get value(): Uint8Array {
    return this.#staging.chunks.valueOf(this.#reference)
  }

  get version(): number {
    return (this.#latest === undefined ? this.#stamp : this.#latest.stamp) >>> 0
  }

  put(value: Uint8Array, expiresAtMs: number): void {
    this.#owner.assertWritable()
    this.#table.value.setBytes(value)
    this.#put(expiresAtMs)
  }

  /** Gives the sought key what `table.value` holds. */
  #put(expiresAtMs: number): void {
    const { key } = this.#table
    for (let attempt = 0; ; attempt++) {
      const reference = this.#staging.stage(key, this.#table.value, expiresAtMs, attempt > 0)
      if (reference !== 0) {
        const { stamp } = this.#staging
        const room = this.#reference !== 0 ? undefined : this.#staging.reserve(key)
        if (room !== NO_ROOM) {
          this.#addSet(reference, room, expiresAtMs, stamp)
          return
        }
        this.#staging.discard(key.hash, reference)
      }
      const bytes = this.#staging.bytesFor(key, this.#table.value)
      if (!this.#owner.makeRoom(bytes, attempt)) this.#staging.sayFull(bytes)
      // What was pending has been applied, and the entry itself may have had to go.
      this.#look()
    }
  }

  remove(): void {
    this.#owner.assertWritable()
    this.#delete(COUNTERS.deletes)
    this.#changes++
  }

  clear(): void {
    this.#owner.assertWritable()
    this.#records.clear()
    const write = this.#queue.add()
    write.beClear()
    this.#noteAdded(write)
    this.#changes++
  }

  scan(cursor: number, count: number): ScanPage {
    this.#seeAll()
    const page = scanOverlay(this.#table, this.#index, this.#scratchKey, this.nowMs(), cursor, count)
    // The answer says that something has expired: any record brings the time by which it has to the log.
    if (page.expired !== undefined && this.#records.count === 0 && this.#owner.isWritable) {
      this.#table.key.setBytes(page.expired)
      this.#look()
      this.#delete(COUNTERS.expirations)
    }
    return { cursor: page.cursor, keys: page.keys }
  }

  randomKey(): Buffer | undefined {
    const start = this.#staging.cursorOf(Math.floor(Math.random() * 2 ** 32) | 0)
    return keyFrom(start, (cursor) => this.scan(cursor, 1))
  }

  stats(): StoreStats {
    const { capacityBytes } = this.#staging
    return { ...this.#table.stats(), capacityBytes, entries: this.size }
  }

  /** Finds the newest chunk of the key in `table.key`. */
  #look(): void {
    const { key } = this.#table
    const { cleared } = this.#index
    const write = this.#index.find(key)
    this.#latest = write
    if (write !== undefined) this.#see(write)
    else if (cleared !== undefined) this.#see(cleared)
    if (write !== undefined) this.#reference = write.reference
    else this.#reference = cleared === undefined ? this.#staging.find(key) : 0
    this.#stamp = this.#staging.stamp
  }

  #see(write: PendingWrite): void {
    if (write.lsn !== UNSEALED && write.lsn > this.#seen) this.#seen = write.lsn
  }

  /** The answer depends on everything there is. */
  #seeAll(): void {
    this.#seen = Math.max(this.#seen, this.newest)
  }

  #addSet(reference: Reference, room: Room | undefined, expiresAtMs: number, stamp: number): void {
    const { key, value } = this.#table
    try {
      this.#records.setWords(key, value, value.ascii, expiresAtMs)
    } catch (error) {
      this.#staging.discard(key.hash, reference)
      if (room !== undefined) this.#staging.unreserve(key.hash, room)
      throw error
    }
    const words = this.#staging.chunks.wordsOf(reference)
    const keyAt = this.#staging.chunks.keyAt(reference)
    const write = this.#queue.add()
    write.beSet(key, words, keyAt, reference, room, stamp)
    this.#noteAdded(write)
    this.#changes++
  }

  /** `counter`: what it counts as (see COUNTERS). */
  #delete(counter: number): void {
    const { key } = this.#table
    this.#records.delete(key.buffer.subarray(0, key.byteLength))
    const write = this.#queue.add()
    write.beDelete(key, counter)
    this.#noteAdded(write)
    this.#reference = 0
  }

  #noteAdded(write: PendingWrite): void {
    this.#index.add(write, write.isClear ? undefined : this.#latest)
    this.#latest = write
    this.#reference = write.reference
  }
}
