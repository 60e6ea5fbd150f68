/**
 * What becomes of pending writes: published to the table, the oldest first, once the log has accepted them, or forgotten, the
 * newest first, if it has refused them.
 *
 * Publishing cannot find the table full: chunk and slot were reserved when the write was evaluated. What came new to a stripe
 * may make it grow; that is settled after all of a group is published. One thread.
 */
import { isOperationError } from '../base/errors.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Staging } from '../table/staging.js'
import type { Table } from '../table/table.js'
import type { PendingIndex } from './pending-index.js'
import type { PendingQueue } from './pending-queue.js'
import { PendingWrite } from './pending-write.js'
import { PublishTogether } from './publish-together.js'

const FIRST_GROWN = 1024

export class PendingFate {
  readonly #table: Table
  readonly #staging: Staging
  readonly #queue: PendingQueue
  readonly #index: PendingIndex
  readonly #together: PublishTogether
  /** The key of the write that is being looked at; `table.key` is that of the evaluation. */
  readonly #key: KeyBuffer
  /** Hashes of what has been inserted: their stripes may have to grow. */
  #grown = new Int32Array(FIRST_GROWN)
  #grownCount = 0

  constructor(table: Table, queue: PendingQueue, index: PendingIndex) {
    this.#table = table
    this.#staging = table.staging
    this.#queue = queue
    this.#index = index
    this.#together = new PublishTogether(table)
    this.#key = table.newKey()
  }

  /** Publishes what has a position up to `lsn`, in order; a batch of several at one moment. */
  apply(lsn: number): void {
    const isAll = this.#queue.isWithin(lsn)
    if (isAll) this.#index.clear()
    for (;;) {
      const batch = this.#queue.takeBatch(lsn)
      if (batch === undefined) break
      if (batch instanceof PendingWrite) {
        this.#publish(batch)
        this.#noteApplied(batch, isAll)
      } else {
        this.#together.publish(batch)
        for (const write of batch) this.#noteApplied(write, isAll)
      }
    }
    for (let i = 0; i < this.#grownCount; i++) this.#staging.settle(this.#grown[i]!)
    this.#grownCount = 0
  }

  /** Forgets the newest writes as long as `goes` says so. */
  dropWhile(goes: (last: PendingWrite) => boolean): void {
    let last = this.#queue.takeLast(goes)
    // A transaction may end a thousand times in nothing, after a thousand writes.
    if (last === undefined) return
    for (; last !== undefined; last = this.#queue.takeLast(goes)) {
      if (last.reference !== 0) this.#staging.discard(last.hash, last.reference)
      if (last.room !== undefined) this.#staging.unreserve(last.hash, last.room)
    }
    this.#index.clear()
    for (const write of this.#queue) this.#index.add(write, write.isClear ? undefined : this.#olderOf(write))
  }

  #noteApplied(write: PendingWrite, isForgotten: boolean): void {
    if (!isForgotten) this.#index.applied(write)
    if (write.room === undefined) return
    this.#staging.unreserve(write.hash, write.room)
    if (this.#grownCount === this.#grown.length) {
      const longer = new Int32Array(2 * this.#grownCount)
      longer.set(this.#grown)
      this.#grown = longer
    }
    this.#grown[this.#grownCount++] = write.hash
  }

  #publish(write: PendingWrite): void {
    if (write.isClear) {
      while (!this.#clears()) {}
      return
    }
    this.#key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    if (write.reference === 0) this.#staging.remove(this.#key, write.counter)
    else this.#staging.publish(this.#key, write.reference, write.stamp)
  }

  /** False if somebody who reads holds a stripe for too long: what a log has accepted can only be tried again. */
  #clears(): boolean {
    try {
      this.#table.clear()
      return true
    } catch (error) {
      if (isOperationError(error, 'TIMEOUT')) return false
      throw error
    }
  }

  #olderOf(write: PendingWrite): PendingWrite | undefined {
    this.#key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    return this.#index.find(this.#key)
  }
}
