/**
 * Puts what recovery reads into a table that nobody else uses yet. Records are absolute, so the last one of a key counts.
 *
 * A snapshot taken while writes went on may hold more than there was at any one moment: an entry that had to go, and the
 * one that took its place. What finds no room is therefore kept aside, and goes in when the log has been read to its end
 * (`finish`); only what has no room then does not fit.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { MIB } from '../base/limits.js'
import { formatSize } from '../base/size.js'
import { RECORD_FLAG } from '../log/format.js'
import type { EntrySink } from '../log/snapshot-reader.js'
import type { BulkLoad, FullRecord } from '../table/bulk-load.js'
import type { Table } from '../table/table.js'
import { ALWAYS } from '../table/writer.js'

/** Smaller than any entry with its slot. */
const LEAST_ENTRY_BYTES = 32

interface Spilled {
  readonly value: Buffer
  readonly isAscii: boolean
  readonly expiresAtMs: number
}

/** What an entry takes besides its key and value: bucket slot, chunk head, rounding. */
const ENTRY_OVERHEAD_BYTES = 64

export class RecoverySink implements EntrySink {
  readonly #table: Table
  readonly #bulk: BulkLoad
  readonly #spilled = new Map<string, Spilled>()
  /** Entries and records taken. */
  records = 0

  constructor(table: Table) {
    this.#table = table
    this.#bulk = table.bulkLoad({
      full: (record) => this.#spill(record),
      settled: (bytes, keyStart, keyEnd) => this.#spilled.delete(bytes.toString('latin1', keyStart, keyEnd)),
    })
  }

  expect(entries: number): void {
    this.#bulk.end()
    this.#table.reserve(Math.min(entries, this.#table.space.facts.capacityBytes / LEAST_ENTRY_BYTES))
    this.#bulk.begin()
  }

  load(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    flags: number,
    expiresAtMs: number,
    hash: number,
  ): void {
    this.records++
    this.#bulk.set(bytes, keyStart, keyEnd, valueEnd, (flags & RECORD_FLAG.ascii) !== 0, expiresAtMs, hash)
  }

  set(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    flags: number,
    expiresAtMs: number,
  ): void {
    this.records++
    this.#bulk.set(bytes, keyStart, keyEnd, valueEnd, (flags & RECORD_FLAG.ascii) !== 0, expiresAtMs)
  }

  delete(bytes: Buffer, keyStart: number, keyEnd: number): void {
    this.records++
    this.#bulk.delete(bytes, keyStart, keyEnd)
  }

  clear(): void {
    this.#bulk.end()
    this.#table.clear()
    this.#bulk.begin()
    this.#spilled.clear()
  }

  flush(): void {
    this.#bulk.flush()
  }

  /** Has no room now. */
  #spill({ bytes, keyStart, keyEnd, valueEnd, isAscii, expiresAtMs }: FullRecord): void {
    const value = Buffer.from(bytes.subarray(keyEnd, valueEnd))
    this.#spilled.set(bytes.toString('latin1', keyStart, keyEnd), { value, isAscii, expiresAtMs })
  }

  /** Puts in what had no room. What still has none is left to `isDispensable` (where a table evicts), else throws FULL. */
  finish(drops: boolean, capacityBytes: number): Buffer[] {
    this.#bulk.end()
    const dropped: Buffer[] = []
    let missingBytes = 0
    for (const [name, { value, isAscii, expiresAtMs }] of this.#spilled) {
      const key = Buffer.from(name, 'latin1')
      this.#table.key.setBytes(key)
      this.#table.value.setBytes(value)
      this.#table.value.ascii = isAscii
      try {
        this.#table.put(expiresAtMs, ALWAYS)
      } catch (error) {
        if (!isOperationError(error, 'FULL')) throw error
        missingBytes += key.length + value.length + ENTRY_OVERHEAD_BYTES
        dropped.push(key)
      }
    }
    this.#spilled.clear()
    if (missingBytes > 0 && !drops) this.#refuse(missingBytes, dropped.length, capacityBytes)
    return dropped
  }

  #refuse(missingBytes: number, entries: number, capacityBytes: number): never {
    const needed = Math.ceil(((capacityBytes + missingBytes) * 1.125) / MIB) * MIB
    throw new OperationError(
      'FULL',
      `${entries} entries of the data directory have no room in a table of ${formatSize(capacityBytes)}. Nothing was ` +
        `changed on disk. Start with a capacity of at least ${formatSize(needed)}.`,
    )
  }
}
