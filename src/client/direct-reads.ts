/**
 * Reads of a client past its lane: from the served table itself, which it has mapped without the right to store.
 *
 * Allowed only where the lane would answer the same or something newer: none of this client's own writes on its way may
 * change the key, and the region must still be its server's. Where the table cannot be judged by reading alone (it is
 * changing, something is about to expire, the region was retired), the answer is ASK, and the lane is asked. So it is
 * for a key that nobody seems to use under eviction: the server marks it as used.
 *
 * For one thread.
 */
import type { LaneClient } from '../channel/lane-client.js'
import type { Entry } from '../map/entry.js'
import { ABSENT, FOUND, type ReadOnlyTable } from '../table/read-only-table.js'
import { READ_BYTES, READ_NOTHING, READ_TEXT } from '../table/reader.js'
import { writeInteger } from './digits.js'
import type { Prepared, WireCodec } from './wire-codec.js'

/** Only the server can say. */
export const ASK: unique symbol = Symbol('ask the server')

export class DirectReads<K, V> {
  readonly #table: ReadOnlyTable
  readonly #lane: LaneClient
  /** Requests that are not even sent. */
  readonly #calls: { readonly queued: number }
  readonly #keys: WireCodec<K>
  readonly #values: WireCodec<V>
  readonly #reads: number

  constructor(
    table: ReadOnlyTable,
    lane: LaneClient,
    calls: { readonly queued: number },
    keys: WireCodec<K>,
    values: WireCodec<V>,
  ) {
    this.#table = table
    this.#lane = lane
    this.#calls = calls
    this.#keys = keys
    this.#values = values
    this.#reads = values.isText ? READ_TEXT : READ_BYTES
  }

  get(key: K): V | undefined | typeof ASK {
    return this.getPrepared(this.#keys.prepare(key))
  }

  getPrepared(key: Prepared): V | undefined | typeof ASK {
    const table = this.#seek(key)
    if (table === undefined) return ASK
    const found = table.findText(table.key, this.#reads)
    if (found === ABSENT) return undefined
    if (typeof found === 'string') return table.seemsUnused ? ASK : this.#values.decodeText(found)
    return found === FOUND && !table.seemsUnused ? this.#values.decode(table.reader.bytes) : ASK
  }

  has(key: K): boolean | typeof ASK {
    const found = this.#find(key, READ_NOTHING)
    return found === ASK ? ASK : found === FOUND
  }

  getEntry(key: K): Entry<V> | undefined | typeof ASK {
    const found = this.#find(key, READ_BYTES)
    if (found !== FOUND) return found === ASK ? ASK : undefined
    const { stamp, bytes } = this.#table.reader
    const remainingTtlMs = this.#remainingMs()
    return { value: this.#values.decode(bytes), version: stamp >>> 0, remainingTtlMs }
  }

  remainingTtlMs(key: K): number | undefined | typeof ASK {
    const found = this.#find(key, READ_NOTHING)
    if (found === ASK) return ASK
    return found === FOUND ? this.#remainingMs() : undefined
  }

  #find(key: K, what: number): typeof ABSENT | typeof FOUND | typeof ASK {
    const table = this.#seek(this.#keys.prepare(key))
    if (table === undefined) return ASK
    const found = table.find(what)
    if (found === ABSENT) return ABSENT
    return found === FOUND && !table.seemsUnused ? FOUND : ASK
  }

  /** The table with the key in its buffer; undefined if it must not be read now. */
  #seek(key: Prepared): ReadOnlyTable | undefined {
    if (this.#calls.queued > 0) return undefined
    const table = this.#table
    if (typeof key === 'number') table.key.setFilled(writeInteger(table.key.buffer, 0, key))
    else if (typeof key === 'string') table.key.setText(key)
    else table.key.setBytes(key)
    return this.#lane.mayReadDirectly(table.key.words, table.key.byteLength) ? table : undefined
  }

  /** Of what was found last. */
  #remainingMs(): number {
    const { reader, regionTimeMs } = this.#table
    if (reader.expiresAtMs === Infinity) return Infinity
    return Math.max(0, reader.expiresAtMs - Math.max(Date.now(), regionTimeMs))
  }
}
