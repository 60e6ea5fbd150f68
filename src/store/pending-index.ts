/**
 * The newest pending write of each key, by hash, with what all of them together make of the number of entries. Keys of
 * one hash hang on one another. Made anew from the queue when something is taken back. One thread.
 */
import type { KeyBuffer } from '../table/key-buffer.js'
import type { PendingWrite } from './pending-write.js'

export class PendingIndex {
  readonly #latest = new Map<number, PendingWrite>()
  /** The newest pending clear: what the table holds, and what was pending before, does not count. */
  cleared: PendingWrite | undefined
  /** By how much the pending writes since the last clear change the number of entries. */
  delta = 0
  #era = 0

  get isEmpty(): boolean {
    return this.#latest.size === 0 && this.cleared === undefined
  }

  find(key: KeyBuffer): PendingWrite | undefined {
    let write = this.#latest.get(key.hash)
    while (write !== undefined && !write.isOf(key)) write = write.next
    return write
  }

  /** Takes a write that is newer than all before; `older` is what `find` gave for its key. */
  add(write: PendingWrite, older: PendingWrite | undefined): void {
    if (write.isClear) {
      this.#latest.clear()
      this.cleared = write
      this.delta = 0
      this.#era++
      write.era = this.#era
      return
    }
    if (older !== undefined) this.#unlink(older)
    write.era = this.#era
    write.next = this.#latest.get(write.hash)
    this.#latest.set(write.hash, write)
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
    this.#latest.clear()
    this.cleared = undefined
    this.delta = 0
  }

  /** The newest writes of all keys. */
  *writes(): Generator<PendingWrite> {
    for (const first of this.#latest.values())
      for (let write: PendingWrite | undefined = first; write !== undefined; write = write.next) yield write
  }

  /** Takes a write out of the list of its hash, if it is there: a newer one of its key has taken its place, else. */
  #unlink(write: PendingWrite): void {
    let at = this.#latest.get(write.hash)
    if (at === write) {
      if (write.next === undefined) this.#latest.delete(write.hash)
      else this.#latest.set(write.hash, write.next)
      return
    }
    while (at !== undefined && at.next !== write) at = at.next
    if (at !== undefined) at.next = write.next
  }
}
