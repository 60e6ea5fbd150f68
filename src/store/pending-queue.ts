/**
 * Pending writes in the order of the log: those of batches that have a position, then those of the batch that is being
 * evaluated. Bookkeeping only; what applying and forgetting mean is pending-writes.ts. One thread.
 *
 *   0 ... head     head ... sealed              sealed ... end       end ... length
 *   applied        of batches with a position   being evaluated      taken back, or not used yet
 *
 * The objects stay where they are and are used again, so what was taken out is valid until the next `add`.
 */
import { PendingWrite } from './pending-write.js'

/** Objects that are kept for what comes. */
const MOST_KEPT = 16_384

export class PendingQueue {
  readonly #writes: PendingWrite[] = []
  #head = 0
  #sealed = 0
  #end = 0

  get isEmpty(): boolean {
    return this.#head === this.#end
  }

  /** Whether the oldest one belongs to a batch that has a position. */
  get hasSealed(): boolean {
    return this.#sealed > this.#head
  }

  /** Position of the newest batch that has one; 0: none is pending. */
  get newest(): number {
    return this.hasSealed ? (this.#writes[this.#sealed - 1]?.lsn ?? 0) : 0
  }

  /** How many belong to the batch that is being evaluated. */
  get unsealed(): number {
    return this.#end - this.#sealed
  }

  /** The newest one from now on, to be told what it is. */
  add(): PendingWrite {
    const known = this.#writes[this.#end++]
    if (known !== undefined) return known
    const write = new PendingWrite()
    this.#writes.push(write)
    return write
  }

  /** The batch that is being evaluated has this position now. */
  seal(lsn: number): void {
    for (; this.#sealed < this.#end; this.#sealed++) {
      const write = this.#writes[this.#sealed]
      if (write !== undefined) write.lsn = lsn
    }
  }

  /** Whether all of them have a position up to `lsn`. */
  isWithin(lsn: number): boolean {
    return this.isEmpty || (this.#writes[this.#end - 1]?.lsn ?? 0) <= lsn
  }

  /** Takes the oldest batch if its position is up to `lsn`: its write, or all of them if they are several. */
  takeBatch(lsn: number): PendingWrite | readonly PendingWrite[] | undefined {
    const from = this.#head
    const first = from < this.#end ? this.#writes[from] : undefined
    if (first === undefined || first.lsn > lsn) return undefined
    let to = from + 1
    while (to < this.#end && this.#writes[to]?.lsn === first.lsn) to++
    const batch = to === from + 1 ? first : this.#writes.slice(from, to)
    this.#head = to
    if (to === this.#end) this.#beginAnew()
    return batch
  }

  /** Takes the newest one if `goes` says so. */
  takeLast(goes: (last: PendingWrite) => boolean): PendingWrite | undefined {
    const last = this.isEmpty ? undefined : this.#writes[this.#end - 1]
    if (last === undefined || !goes(last)) return undefined
    this.#end--
    this.#sealed = Math.min(this.#sealed, this.#end)
    return last
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<PendingWrite> {
    for (let i = this.#head; i < this.#end; i++) {
      const write = this.#writes[i]
      if (write !== undefined) yield write
    }
  }

  #beginAnew(): void {
    this.#head = 0
    this.#sealed = 0
    this.#end = 0
    if (this.#writes.length > MOST_KEPT) this.#writes.length = MOST_KEPT
  }
}
