/**
 * What a map needs of a table to read it, whoever reads: a participant (`Table`), or one who has it read-only
 * (`WaitingTable`). Every method that looks something up leaves the result in `reader`, until the next one.
 */
import type { Batch } from './batch.js'
import type { KeyBuffer } from './key-buffer.js'
import type { Reader } from './reader.js'
import type { TableStats } from './stats.js'
import type { ExpiryClock, TableView } from './view.js'
import type { WalkedEntry } from './walker.js'

export interface ReadableTable {
  readonly view: TableView
  /** For the key of the next call. */
  readonly key: KeyBuffer
  readonly reader: Reader
  readonly clock: ExpiryClock
  /** For looking up many keys at once. */
  readonly batch: Batch
  readonly size: number
  /** Looks up the key in `key`, and counts a hit or a miss. `what` is READ_NOTHING, READ_TEXT or READ_BYTES. */
  find(what: number): boolean
  /** As {@link find}, for a key elsewhere. */
  findKey(key: KeyBuffer, what: number): boolean
  /** As {@link findKey} for text, which it returns; undefined if there is none, or `reader.isBytes` says where it is. */
  findText(key: KeyBuffer): string | undefined
  /** As {@link find}, without counting. */
  look(what: number): boolean
  /** Counts hits that were found by other means. */
  noteHits(count: number): void
  /** Whether `cursor` can have come from this table. */
  isCursor(cursor: number): boolean
  /** Adds the entries at `cursor` to `found`; returns the cursor behind them, 0 at the end (see walker.ts). */
  step(cursor: number, found: WalkedEntry[], withValues: boolean): number
  stats(): TableStats
  /** Walks everything and throws InvariantError on a broken invariant. */
  check(): void
  close(): void
}
