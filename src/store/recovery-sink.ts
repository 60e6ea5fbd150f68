/**
 * Puts what recovery reads into a table that nobody else uses yet. Records are absolute, so the last one of a key counts.
 *
 * A snapshot taken while writes went on may hold more than there was at any one moment: an entry that had to go, and the
 * one that took its place. What finds no room is therefore kept aside, and goes in when the log has been read to its end
 * (`finish`); only what has no room then does not fit.
 *
 * A second thread may load a share of the stripes (second-loader.ts). It gets that between two records, once it is ready,
 * and from there on each passes over what is the other's: of the snapshot that is being read it takes all that lies in its
 * stripes, also what is there already, of the log what comes from that position on. They need somewhat more room than one
 * alone, so where either finds none, one loads everything again alone.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { MIB } from '../base/limits.js'
import { formatSize } from '../base/size.js'
import { RECORD_FLAG } from '../log/format.js'
import type { EntrySink, ReadMark } from '../log/snapshot-reader.js'
import type { BulkLoad, FullRecord } from '../table/bulk-load.js'
import { STRIPE } from '../table/layout.js'
import { POSITIONS } from '../table/positions.js'
import type { Table } from '../table/table.js'
import { ALWAYS } from '../table/writer.js'
import type { SecondLoader } from './second-loader.js'

interface Spilled {
  readonly value: Buffer
  readonly isAscii: boolean
  readonly expiresAtMs: number
}

/** Smaller than any entry with its slot. */
const LEAST_ENTRY_BYTES = 32

/** What an entry takes besides its key and value: bucket slot, chunk head, rounding. */
const ENTRY_OVERHEAD_BYTES = 64
/** Every 1024 records of the log the other thread is looked at. */
const TURN_MASK = 0x3ff

export class RecoverySink implements EntrySink {
  readonly #table: Table
  readonly #bulk: BulkLoad
  readonly #spilled = new Map<string, Spilled>()
  /** Of the first thread, as long as the second may be of use. */
  #second: SecondLoader | undefined
  /** Of the second thread: throws when nobody wants the rest. */
  readonly #checkIsWanted: (() => void) | undefined
  #firstStripe = 0
  #endStripe: number
  /** Of the entry loaded last. */
  #lastHash = 0
  #isInSnapshot = false
  /** Entries and records taken, or left to the other thread. */
  records = 0
  /** How many have loaded what is there. */
  threads = 1

  private constructor(table: Table, second: SecondLoader | undefined, checkIsWanted?: () => void) {
    this.#table = table
    this.#second = second
    this.#checkIsWanted = checkIsWanted
    this.#endStripe = this.#stripes
    this.#bulk = table.bulkLoad({
      full: (record) => this.#spill(record),
      settled: (bytes, keyStart, keyEnd) => this.#spilled.delete(bytes.toString('latin1', keyStart, keyEnd)),
    })
  }

  /** Of the thread that recovers; `second`: who may take a share. */
  static create(table: Table, second?: SecondLoader): RecoverySink {
    return new RecoverySink(table, second)
  }

  /** Of the second thread, for the stripes from `firstStripe` on. `checkIsWanted` throws if nobody wants the rest. */
  static ofSecond(table: Table, firstStripe: number, checkIsWanted: () => void): RecoverySink {
    const sink = new RecoverySink(table, undefined, checkIsWanted)
    sink.#restrict(firstStripe, sink.#stripes)
    return sink
  }

  expect(entries: number): void {
    this.#bulk.expect(Math.min(entries, this.#table.space.facts.capacityBytes / LEAST_ENTRY_BYTES))
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
    this.#isInSnapshot = true
    this.#lastHash = hash
    this.#bulk.set(bytes, keyStart, keyEnd, valueEnd, (flags & RECORD_FLAG.ascii) !== 0, expiresAtMs, hash)
  }

  set(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    flags: number,
    expiresAtMs: number,
    lsn: number,
  ): void {
    if ((this.records++ & TURN_MASK) === 0) this.#turn(lsn)
    this.#bulk.set(bytes, keyStart, keyEnd, valueEnd, (flags & RECORD_FLAG.ascii) !== 0, expiresAtMs)
  }

  delete(bytes: Buffer, keyStart: number, keyEnd: number, lsn: number): void {
    if ((this.records++ & TURN_MASK) === 0) this.#turn(lsn)
    this.#bulk.delete(bytes, keyStart, keyEnd)
  }

  clear(lsn: number): void {
    // Not of the log: something was no good, and whoever reads along would begin with it.
    if (lsn === 0 && this.#second?.hasShare === false) this.abandon()
    this.#bulk.end()
    this.#clearStripes()
    this.#bulk.begin()
    this.#spilled.clear()
  }

  flush(): void {
    this.#bulk.flush()
    if (!this.#isInSnapshot) return
    if (this.#second?.takesSnapshots !== false) this.#turn(0)
    this.#isInSnapshot = false
  }

  wants(hashes: Buffer, count: number): boolean {
    this.#checkIsWanted?.()
    if (this.#hasAllStripes) return true
    for (let index = 0; index < count; index++)
      if (this.#bulk.isMine(hashes.readInt32LE(4 * index))) return true
    this.records += count
    return false
  }

  join(mark: ReadMark | undefined): boolean {
    const second = this.#second
    this.#second = undefined
    if (second === undefined) return true
    if (!second.hasShare) {
      second.dismiss()
      return true
    }
    this.#restrict(0, this.#stripes)
    if (mark === undefined || this.hasSpilled) {
      second.dismissAlive()
      return false
    }
    const other = second.join()
    if (other?.crc !== mark.crc || other.nextLsn !== mark.nextLsn) return false
    this.threads = 2
    return true
  }

  /** After a failure: nobody else is in the table when this returns. */
  abandon(): void {
    this.#second?.dismiss()
    this.#second = undefined
  }

  /** Whether something has found no room. */
  get hasSpilled(): boolean {
    return this.#spilled.size > 0
  }

  /** Ends the load: the table is like any other then. */
  end(): void {
    this.#bulk.end()
  }

  /** Between two records, the next of which is at `lsn` (0: an entry of the snapshot), the other thread is thought of. */
  #turn(lsn: number): void {
    this.#checkIsWanted?.()
    if (this.#second?.isReady() === true) this.#giveShare(lsn)
  }

  #giveShare(fromLsn: number): void {
    this.#bulk.flush()
    if (this.hasSpilled) return
    const { stripeBits } = this.#table.space.facts
    if (stripeBits === 0) return
    // A snapshot comes stripe by stripe: what lies before the last one has been loaded.
    const done = fromLsn === 0 ? this.#lastHash >>> (32 - stripeBits) : 0
    const firstStripe = Math.ceil((done + this.#stripes) / 2)
    if (firstStripe >= this.#stripes - 1 || this.#second?.give({ firstStripe, fromLsn }) !== true) return
    this.#restrict(0, firstStripe)
  }

  #restrict(first: number, end: number): void {
    this.#bulk.share(first, end)
    this.#firstStripe = first
    this.#endStripe = end
  }

  #clearStripes(): void {
    const { writer, space } = this.#table
    for (let index = this.#firstStripe; index < this.#endStripe; index++) {
      const stripeAt = writer.chain.buckets.stripeNumber(index)
      for (let at = 0; at < POSITIONS && space.words[stripeAt + STRIPE.count] !== 0; )
        at = writer.clearFrom(stripeAt, at)
    }
  }

  get #stripes(): number {
    return 2 ** this.#table.space.facts.stripeBits
  }

  get #hasAllStripes(): boolean {
    return this.#endStripe - this.#firstStripe === this.#stripes
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
