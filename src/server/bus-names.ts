/**
 * Who has subscribed to a name, on all threads of a node: a small shared table from the name to the number of
 * subscriptions of each thread. So PUBLISH knows at once, without asking anybody, how many it reaches and on which threads.
 *
 * A row exists while one of its counts is not 0. Each thread changes its own count, under the table's rules.
 */
import { isOperationError } from '../base/errors.js'
import { BUS_NAMES_BYTES } from '../base/limits.js'
import { DirectStore, type DirectStoreHandle } from '../store/direct-store.js'

const COUNT_BYTES = 4
const WALK_COUNT = 1000

export class BusNames {
  readonly #store: DirectStore
  readonly #member: number
  readonly #members: number

  constructor(handle: DirectStoreHandle, member: number, members: number) {
    this.#store = DirectStore.attach(handle)
    this.#member = member
    this.#members = members
  }

  static create(): DirectStoreHandle {
    const store = DirectStore.create({ capacityBytes: BUS_NAMES_BYTES })
    const handle = store.share()
    store.close()
    return handle
  }

  /** Changes this thread's count. Throws OperationError FULL, when adding. */
  add(name: Buffer, by: 1 | -1): void {
    try {
      this.#store.update(name, 'none', (row) => this.#changed(row, by))
    } catch (error) {
      if (by > 0 || !isOperationError(error, 'FULL')) throw error
      // Not even memory to write the row anew: what it had serves.
      const row = this.#changed(this.#store.take(name), by)
      if (row !== undefined) this.#store.set(name, row, 'none', 'always')
    }
  }

  #changed(row: Buffer | undefined, by: number): Buffer | undefined {
    const next = row ?? Buffer.alloc(this.#members * COUNT_BYTES)
    const at = this.#member * COUNT_BYTES
    next.writeInt32LE(next.readInt32LE(at) + by, at)
    return next.every((byte) => byte === 0) ? undefined : next
  }

  /** How many have subscribed to the name; threads with any of them are marked in `members`, if given. */
  count(name: Buffer, members?: Uint8Array): number {
    const row = this.#store.view(name)
    if (row === undefined) return 0
    const counts = Buffer.from(row.buffer, row.byteOffset, row.length)
    let sum = 0
    for (let member = 0; member < this.#members; member++) {
      const count = counts.readInt32LE(member * COUNT_BYTES)
      sum += count
      if (count > 0 && members !== undefined) members[member] = 1
    }
    return sum
  }

  get size(): number {
    return this.#store.size
  }

  all(): Buffer[] {
    const names: Buffer[] = []
    let cursor = 0
    do {
      const page = this.#store.scan(cursor, WALK_COUNT)
      names.push(...page.keys)
      cursor = page.cursor
    } while (cursor !== 0)
    return names
  }

  close(): void {
    this.#store.close()
  }
}
