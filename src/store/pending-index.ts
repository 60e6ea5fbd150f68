/**
 * The newest pending write of each key, by hash, with what all of them together make of the number of entries. Made anew
 * from the queue when something is taken back. One thread.
 *
 *   bucket (low bits of the hash) -> newest write -> older write of another key -> ...
 *
 * A table of its own, since it is filled and emptied with each group: a `Map` that is cleared begins small again, and grows
 * as often.
 */
import type { KeyBuffer } from '../table/key-buffer.js'
import type { PendingWrite } from './pending-write.js'

const FIRST_BUCKETS = 1024
/** Writes for each bucket before there are more buckets. */
const MOST_FOR_BUCKET = 2
/** Buckets that a group may leave behind. */
const MOST_KEPT = 16_384

export class PendingIndex {
  #buckets: (PendingWrite | undefined)[] = emptyBuckets(FIRST_BUCKETS)
  #mask = FIRST_BUCKETS - 1
  #count = 0
  /** The newest pending clear: what the table holds, and what was pending before, does not count. */
  cleared: PendingWrite | undefined
  /** By how much the pending writes since the last clear change the number of entries. */
  delta = 0
  #era = 0

  find(key: KeyBuffer): PendingWrite | undefined {
    let write = this.#buckets[key.hash & this.#mask]
    while (write !== undefined && !write.isOf(key)) write = write.next
    return write
  }

  /** Takes a write that is newer than all before; `older` is what `find` gave for its key. */
  add(write: PendingWrite, older: PendingWrite | undefined): void {
    if (write.isClear) {
      this.#empty()
      this.cleared = write
      this.delta = 0
      this.#era++
      write.era = this.#era
      return
    }
    if (older !== undefined) this.#unlink(older)
    write.era = this.#era
    this.#link(write)
    this.delta += write.delta
  }

  /** Forgets the oldest write: the table holds it now. */
  applied(write: PendingWrite): void {
    if (this.cleared === write) this.cleared = undefined
    if (write.isClear || write.era !== this.#era) return
    this.delta -= write.delta
    this.#unlink(write)
  }

  clear(): void {
    this.#empty()
    this.cleared = undefined
    this.delta = 0
  }

  /** The newest writes of all keys. */
  *writes(): Generator<PendingWrite> {
    for (const first of this.#buckets)
      for (let write = first; write !== undefined; write = write.next) yield write
  }

  #empty(): void {
    if (this.#count === 0) return
    this.#count = 0
    if (this.#buckets.length <= MOST_KEPT) this.#buckets.fill(undefined)
    else this.#use(FIRST_BUCKETS)
  }

  #link(write: PendingWrite): void {
    if (this.#count >= MOST_FOR_BUCKET * this.#buckets.length) this.#grow()
    const at = write.hash & this.#mask
    write.next = this.#buckets[at]
    this.#buckets[at] = write
    this.#count++
  }

  /** Takes a write out of its bucket, if it is there: a newer one of its key has taken its place, else. */
  #unlink(write: PendingWrite): void {
    const bucket = write.hash & this.#mask
    let at = this.#buckets[bucket]
    if (at === write) {
      this.#buckets[bucket] = write.next
      this.#count--
      return
    }
    while (at !== undefined && at.next !== write) at = at.next
    if (at === undefined) return
    at.next = write.next
    this.#count--
  }

  #grow(): void {
    const all = [...this.writes()]
    this.#use(4 * this.#buckets.length)
    this.#count = 0
    for (const write of all) this.#link(write)
  }

  #use(buckets: number): void {
    this.#buckets = emptyBuckets(buckets)
    this.#mask = buckets - 1
  }
}

function emptyBuckets(count: number): (PendingWrite | undefined)[] {
  return new Array<PendingWrite | undefined>(count).fill(undefined)
}
