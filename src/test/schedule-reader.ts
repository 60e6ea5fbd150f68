/**
 * A participant of a schedule that has the table read-only. What it cannot decide is no answer; a store of its is an
 * error, as it would be the end of a process that has the table mapped so.
 */
import type { SharedMapHandle } from '../index.js'
import type { SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import type { ReadOnlyTable } from '../table/read-only-table.js'
import type { WalkedEntry } from '../table/walker.js'
import type { Register } from './linearizability.js'
import { current } from './schedule-hooks.js'
import { formOf, RUN_CLOCK_MS } from './schedule-program.js'

/** The classes of the instrumented copy. */
export interface ReaderTree {
  readonly ReadOnlyTable: typeof ReadOnlyTable
  readonly SharedArrayRegion: typeof SharedArrayRegion
}

const FORM = formOf('texts')
// As in table/reader.ts and table/read-only-table.ts, which are there in two copies.
const READ_BYTES = 2
const UNDECIDED = -1
const FOUND = 1

export class ScheduledReader {
  readonly #table: ReadOnlyTable

  constructor(tree: ReaderTree, handle: SharedMapHandle) {
    const region = tree.SharedArrayRegion.attach(handle.region as SharedArrayHandle)
    this.#table = tree.ReadOnlyTable.attach(region, { clock: () => RUN_CLOCK_MS })
  }

  /** 'undecided', or what the key holds. */
  get(key: string): Register | 'undecided' {
    return this.#reading(() => {
      this.#table.key.setText(key)
      const answer = this.#table.find(READ_BYTES)
      if (answer === UNDECIDED) return 'undecided'
      return answer === FOUND ? FORM.read(this.#table.reader.bytes.toString()) : undefined
    })
  }

  /** All keys with what they hold, or 'undecided'. */
  walk(): Map<string, number> | 'undecided' {
    return this.#reading(() => {
      const found: WalkedEntry[] = []
      let cursor = 0
      do {
        cursor = this.#table.step(cursor, found, true)
        if (cursor === UNDECIDED) return 'undecided'
      } while (cursor !== 0)
      const seen = new Map<string, number>()
      for (const { key, value } of found) {
        const name = key.toString()
        if (seen.has(name)) throw new Error(`a walk met ${name} twice`)
        seen.set(name, FORM.read(String(value)))
      }
      return seen
    })
  }

  #reading<T>(read: () => T): T {
    current.isReadOnly = true
    try {
      return read()
    } finally {
      current.isReadOnly = false
    }
  }
}
