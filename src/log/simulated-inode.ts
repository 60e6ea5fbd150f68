/**
 * One file of the simulated disk: its current content, its durable one, and the changes in between, in order.
 * Not for anything but `SimulatedDisk`.
 */
import type { CrashPlan } from './crash-plan.js'

/** What a disk writes in one piece: after a crash each sector is wholly old or wholly new. */
export const SECTOR_BYTES = 512

interface Change {
  /** The bytes written, or `undefined` for a truncation to `position`. */
  readonly bytes: Buffer | undefined
  readonly position: number
  /** A failed sync was to cover it: a later one does not. */
  isLost: boolean
}

/** A buffer that grows; what lies between its old end and a later write reads as zeros. */
class Content {
  #bytes: Buffer
  size: number

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
    this.size = bytes.length
  }

  view(): Buffer {
    return this.#bytes.subarray(0, this.size)
  }

  resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(size, 2 * this.#bytes.length))
      this.view().copy(grown)
      this.#bytes = grown
    }
    if (size > this.size) this.#bytes.fill(0, this.size, size)
    this.size = size
  }

  write(bytes: Uint8Array, position: number): void {
    if (position + bytes.length > this.size) this.resize(position + bytes.length)
    this.#bytes.set(bytes, position)
  }

  apply(change: Change): void {
    if (change.bytes === undefined) this.resize(change.position)
    else this.write(change.bytes, change.position)
  }
}

export class SimulatedInode {
  #current: Content
  #durable: Content
  #changes: Change[] = []

  constructor(contents: Uint8Array) {
    this.#current = new Content(contents)
    this.#durable = new Content(contents)
  }

  /** Another one with the same contents and the same changes between them. */
  copy(): SimulatedInode {
    const copy = new SimulatedInode(this.#durable.view())
    copy.#current = new Content(this.#current.view())
    copy.#changes = this.#changes.map((change) => ({ ...change }))
    return copy
  }

  get size(): number {
    return this.#current.size
  }

  get unsyncedChanges(): number {
    return this.#changes.length
  }

  contents(): Buffer {
    return Buffer.from(this.#current.view())
  }

  read(target: Uint8Array, position: number): number {
    const found = this.#current.view().subarray(position, position + target.length)
    target.set(found)
    return found.length
  }

  write(bytes: Uint8Array, position: number): void {
    this.#change({ bytes: Buffer.from(bytes), position, isLost: false })
  }

  truncate(size: number): void {
    this.#change({ bytes: undefined, position: size, isLost: false })
  }

  sync(): void {
    for (const change of this.#changes) if (!change.isLost) this.#durable.apply(change)
    this.#changes = []
  }

  /** A sync has failed: what it was to cover may or may not be on disk, and no later sync settles it. */
  loseUnsynced(): void {
    for (const change of this.#changes) change.isLost = true
  }

  contentsAfterCrash(plan: CrashPlan): Buffer {
    const after = new Content(this.#durable.view())
    for (const change of shuffled(this.#changes, plan)) {
      const fate = plan.fate()
      if (fate === 'drop') continue
      if (fate === 'keep' || change.bytes === undefined) after.apply(change)
      else tear(after, change.bytes, change.position, plan)
    }
    return Buffer.from(after.view())
  }

  #change(change: Change): void {
    this.#current.apply(change)
    this.#changes.push(change)
  }
}

/** Keeps some sectors of a write. */
function tear(content: Content, bytes: Buffer, position: number, plan: CrashPlan): void {
  let at = 0
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES))
    if (plan.keepsSector()) content.write(bytes.subarray(at, end), position + at)
    at = end
  }
}

function shuffled<T>(items: readonly T[], plan: CrashPlan): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = last - plan.next(last + 1)
    const held = order[last]!
    order[last] = order[other]!
    order[other] = held
  }
  return order
}
