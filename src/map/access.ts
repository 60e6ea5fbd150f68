/**
 * What every operation of a SharedMap begins with: the open table, and the key and value put into its buffers.
 *
 * One thread's. Encoders are user code that may come back to the same map, so `seek` and `stage` encode first and fill
 * the buffers last; whoever runs user code after them (decodes, calls back) fills the buffers anew.
 */
import { OperationError } from '../base/errors.js'
import { HEADER, REGION_STATE } from '../memory/header.js'
import type { ReadableTable } from '../table/readable-table.js'
import { Table } from '../table/table.js'
import { NO_EXPIRY } from '../table/writer.js'
import type { Transcoder } from './transcoder.js'

export class MapAccess<K, V> {
  readonly table: ReadableTable
  readonly keys: Transcoder<K>
  readonly values: Transcoder<V>
  readonly #defaultTtlMs: number
  readonly #words: Int32Array
  /** The same table, if it may be written to. */
  readonly #writable: Table | undefined
  #closed = false
  #givenUp = false

  constructor(table: ReadableTable, keys: Transcoder<K>, values: Transcoder<V>) {
    this.table = table
    this.#writable = table instanceof Table ? table : undefined
    this.#words = table.view.words
    this.keys = keys
    this.values = values
    this.#defaultTtlMs = table.view.facts.defaultTtlMs
  }

  /** The table, for reading. Throws OperationError CLOSED after `close`, and when others no longer find the table by its name. */
  open(): ReadableTable {
    if (this.#closed || this.#words[HEADER.state] !== REGION_STATE.READY) this.#refuse()
    return this.table
  }

  /** The table, for writing. Throws as {@link open}, and READ_ONLY. */
  openToWrite(): Table {
    const table = this.#writable
    if (this.#closed || this.#words[HEADER.state] !== REGION_STATE.READY) this.#refuse()
    if (table === undefined)
      throw new OperationError(
        'READ_ONLY',
        "this map was opened with access 'ro'; open it with 'rw' to write",
      )
    return table
  }

  /** From now on every operation is told that the table was given up, as its state word cannot say. */
  giveUp(): void {
    this.close()
    this.#givenUp = true
  }

  /** Whether the name of the table leads to it no more. */
  get isGivenUp(): boolean {
    return this.#givenUp || this.#words[HEADER.state] !== REGION_STATE.READY
  }

  #refuse(): never {
    throw new OperationError(
      'CLOSED',
      this.#closed && !this.#givenUp
        ? 'this map has been closed in this thread; attach it again'
        : 'this table was given up: its name was removed, or given to another table. Open it again',
    )
  }

  /** May be called again. */
  close(): void {
    if (!this.#closed) this.table.close()
    this.#closed = true
  }

  /** Puts the key into its buffer, for reading. */
  seek(key: K): ReadableTable {
    const table = this.open()
    this.keys.putKey(this.keys.prepare(key), table.key)
    return table
  }

  /** Puts the key into its buffer, for writing. */
  seekToWrite(key: K): Table {
    const table = this.openToWrite()
    this.keys.putKey(this.keys.prepare(key), table.key)
    return table
  }

  /** Puts key and value into their buffers; all user code runs before the first is filled. */
  stage(key: K, value: V): Table {
    const table = this.openToWrite()
    const prepared = this.values.prepare(value)
    this.keys.putKey(this.keys.prepare(key), table.key)
    this.values.putValue(prepared, table.value)
    return table
  }

  /** Moment of expiry of an entry that is made now. */
  expiryMs(ttlMs: number | undefined): number {
    const effectiveMs = ttlMs ?? this.#defaultTtlMs
    return effectiveMs === 0 ? NO_EXPIRY : this.table.clock.nowMs() + effectiveMs
  }

  /** Milliseconds until `expiresAtMs`; Infinity for no expiry. */
  remainingMs(expiresAtMs: number): number {
    return expiresAtMs === NO_EXPIRY ? NO_EXPIRY : Math.max(0, expiresAtMs - this.table.clock.nowMs())
  }
}
