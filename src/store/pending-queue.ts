/**
 * Pending writes in the order of the log: those of batches that have a position, then those of the batch that is being
 * evaluated. Bookkeeping only; what applying and forgetting mean is pending-writes.ts. One thread.
 */
import { type PendingWrite, UNSEALED } from './pending-write.js'

export class PendingQueue {
  readonly #writes: PendingWrite[] = []
  /** Those before this one have been applied. */
  #head = 0

  get isEmpty(): boolean {
    return this.#head === this.#writes.length
  }

  /** Whether the oldest one belongs to a batch that has a position. */
  get hasSealed(): boolean {
    return !this.isEmpty && this.#writes[this.#head]?.lsn !== UNSEALED
  }

  /** Position of the newest batch that has one; 0: none is pending. */
  get newest(): number {
    for (let i = this.#writes.length - 1; i >= this.#head; i--) {
      const lsn = this.#writes[i]?.lsn ?? UNSEALED
      if (lsn !== UNSEALED) return lsn
    }
    return 0
  }

  /** How many belong to the batch that is being evaluated. */
  get unsealed(): number {
    let count = 0
    while (count < this.#writes.length - this.#head && this.#writes.at(-1 - count)?.lsn === UNSEALED) count++
    return count
  }

  push(write: PendingWrite): void {
    this.#writes.push(write)
  }

  /** The batch that is being evaluated has this position now. */
  seal(lsn: number): void {
    for (let i = this.#writes.length - 1; i >= this.#head; i--) {
      const write = this.#writes[i]
      if (write === undefined || write.lsn !== UNSEALED) return
      write.lsn = lsn
    }
  }

  /** Whether all of them have a position up to `lsn`. */
  isWithin(lsn: number): boolean {
    return (this.#writes.at(-1)?.lsn ?? 0) <= lsn
  }

  /** Takes the oldest batch if its position is up to `lsn`: its write, or all of them if they are several. */
  takeBatch(lsn: number): PendingWrite | readonly PendingWrite[] | undefined {
    const from = this.#head
    const first = this.#writes[from]
    if (first === undefined || first.lsn > lsn) return undefined
    let end = from + 1
    while (end < this.#writes.length && this.#writes[end]?.lsn === first.lsn) end++
    const batch = end === from + 1 ? first : this.#writes.slice(from, end)
    this.#head = end
    if (end === this.#writes.length) {
      this.#writes.length = 0
      this.#head = 0
    }
    return batch
  }

  /** Takes the newest one if `goes` says so. */
  takeLast(goes: (last: PendingWrite) => boolean): PendingWrite | undefined {
    const last = this.#writes.at(-1)
    return this.isEmpty || last === undefined || !goes(last) ? undefined : this.#writes.pop()
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<PendingWrite> {
    for (let i = this.#head; i < this.#writes.length; i++) {
      const write = this.#writes[i]
      if (write !== undefined) yield write
    }
  }
}
