/**
 * What every operation of a SharedMap begins with: the open table, and the key and value put into its buffers.
 *
 * One thread's. Encoders are user code that may come back to the same map, so `seek` and `stage` encode first and fill
 * the buffers last; whoever runs user code after them (decodes, calls back) fills the buffers anew.
 */
import { OperationError } from '../base/errors.js'
import { HEADER, REGION_STATE } from '../memory/header.js'
import type { Table } from '../table/table.js'
import { NO_EXPIRY } from '../table/writer.js'
import type { Transcoder } from './transcoder.js'

export class MapAccess<K, V> {
  readonly table: Table
  readonly keys: Transcoder<K>
  readonly values: Transcoder<V>
  readonly #defaultTtlMs: number
  readonly #words: Int32Array
  #closed = false

  constructor(table: Table, keys: Transcoder<K>, values: Transcoder<V>) {
    this.table = table
    this.#words = table.space.words
    this.keys = keys
    this.values = values
    this.#defaultTtlMs = table.space.facts.defaultTtlMs
  }

  /** The table. Throws OperationError CLOSED after `close`, and when others no longer find the table by its name. */
  open(): Table {
    if (this.#closed || this.#words[HEADER.state] !== REGION_STATE.READY) this.#refuse()
    return this.table
  }

  #refuse(): never {
    throw new OperationError(
      'CLOSED',
      this.#closed
        ? 'this map has been closed in this thread; attach it again'
        : 'this table was given up: its name was removed, or given to another table. Open it again',
    )
  }

  /** May be called again. */
  close(): void {
    if (!this.#closed) this.table.close()
    this.#closed = true
  }

  /** Puts the key into its buffer. */
  seek(key: K): Table {
    const table = this.open()
    this.keys.putKey(this.keys.prepare(key), table.key)
    return table
  }

  /** Puts key and value into their buffers; all user code runs before the first is filled. */
  stage(key: K, value: V): Table {
    const table = this.open()
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
