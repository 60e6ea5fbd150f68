/**
 * Applies a batch of several writes to the table at one moment: whoever reads several keys sees all of it or nothing.
 *
 * Only the last write of each key is published, and of what came before a clear nothing. The chunks of the others are
 * freed; their stamps are spent all the same, so that every version that an evaluation has told of stays what it was. One
 * thread: that of the sequenced writer.
 */
import { isOperationError } from '../base/errors.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import { SeveralKeys } from '../table/several-keys.js'
import type { Table } from '../table/table.js'
import type { PendingWrite } from './pending-write.js'

export class PublishTogether {
  readonly #table: Table
  readonly #several: SeveralKeys
  readonly #key: KeyBuffer

  constructor(table: Table) {
    this.#table = table
    this.#several = new SeveralKeys(table)
    this.#key = table.newKey()
  }

  publish(writes: readonly PendingWrite[]): void {
    const lastClear = writes.findLastIndex(({ isClear }) => isClear)
    const last = new Map<string, PendingWrite>()
    for (const write of writes.slice(lastClear + 1)) {
      const name = this.#keyOf(write).toString('latin1')
      // Keys are touched in the order of their stamps.
      last.delete(name)
      last.set(name, write)
    }
    while (!this.#commit(last.values(), lastClear >= 0)) {}
    const { staging } = this.#table
    const published = new Set(last.values())
    for (const write of writes) {
      if (write.reference === 0) continue
      staging.spend(write.hash, write.stamp)
      if (published.has(write)) staging.notePublished()
      else staging.free(write.reference)
    }
  }

  /** False if somebody who reads holds a stripe for too long: what a log has accepted can only be tried again. */
  #commit(writes: Iterable<PendingWrite>, isClearing: boolean): boolean {
    const several = this.#several
    several.begin()
    try {
      if (isClearing) several.clear()
      for (const write of writes) {
        const touched = several.touch(this.#keyOf(write))
        if (write.reference === 0) several.remove(touched)
        else several.putChunk(touched, write.reference, write.stamp)
      }
      return several.commit()
    } catch (error) {
      if (isOperationError(error, 'TIMEOUT')) return false
      throw error
    } finally {
      several.end()
    }
  }

  #keyOf(write: PendingWrite): Buffer {
    this.#key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    return this.#key.buffer.subarray(0, this.#key.byteLength)
  }
}
