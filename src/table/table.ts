/**
 * The concurrent table as one participant uses it: the one place that puts space, reading, writing, walking and
 * settling together. Keys and values are bytes in its two buffers; what they mean is known further up.
 *
 * Every operation on one key is atomic and linearizable across all participants. Nothing here calls user code.
 */

import { type Clock, machineMs, wallClockMs } from '../base/clock.js'
import { isOperationError, OperationError } from '../base/errors.js'
import { HEADER } from '../memory/header.js'
import { COUNTERS } from '../memory/participant.js'
import type { Region } from '../memory/region.js'
import { Batch } from './batch.js'
import { BulkLoad, type BulkOwner } from './bulk-load.js'
import { checkTable } from './check.js'
import { Desk } from './desk.js'
import { sumOfStripes } from './entry-limit.js'
import { ExpirySweep } from './expiry-sweep.js'
import { HotTexts } from './hot-texts.js'
import { HOUSEKEEPING_MS, Housekeeping } from './housekeeping.js'
import { KeyBuffer } from './key-buffer.js'
import { ENTRIES_PER_BUCKET, STRIPE } from './layout.js'
import { POSITIONS } from './positions.js'
import type { ReadableTable } from './readable-table.js'
import { READ_BYTES, READ_NOTHING, Reader } from './reader.js'
import { RegionClock } from './region-clock.js'
import { letMakeRoom } from './room-making.js'
import { Settler } from './settler.js'
import { type Attachment, Space, type TableFacts } from './space.js'
import { Staging } from './staging.js'
import { type TableStats, tableStats } from './stats.js'
import { StripeRoom } from './stripe-room.js'
import { Touch } from './touch.js'
import { ValueBuffer } from './value-buffer.js'
import type { TableView } from './view.js'
import { type WalkedEntry, Walker } from './walker.js'
import { ALWAYS, CHANGED, IF_STAMP, NO_EXPIRY, NO_FIELD, Writer } from './writer.js'

export interface TableOptions extends Attachment {
  /** Wall clock, milliseconds since 1970. Default: the system's. */
  readonly clock?: Clock
  /**
   * Nothing is removed but by `delete` and `clear`: what has expired stays until its one writer deletes it, and so does
   * what is in the way. Time is the region's word alone, which that writer advances. For tables behind a log.
   */
  readonly isSequenced?: boolean
  /** For those who only read such a table: see {@link AskWriter}. */
  readonly asksWriter?: boolean
}

export class Table implements ReadableTable {
  readonly space: Space
  readonly view: TableView
  readonly key: KeyBuffer
  readonly value: ValueBuffer
  readonly reader: Reader
  readonly writer: Writer
  readonly walker: Walker
  readonly clock: RegionClock
  readonly #desk: Desk
  readonly #expirySweep: ExpirySweep
  readonly #isSequenced: boolean
  readonly #hotTexts: HotTexts
  #batch: Batch | undefined
  #staging: Staging | undefined
  readonly #housekeeping: Housekeeping

  private constructor(space: Space, options: TableOptions) {
    this.space = space
    this.view = space
    this.key = new KeyBuffer(space.words[HEADER.hashKey0]!, space.words[HEADER.hashKey1]!)
    this.value = new ValueBuffer()
    this.#isSequenced = options.isSequenced ?? false
    const { clock = wallClockMs, asksWriter = false } = options
    this.clock = new RegionClock(space, this.#isSequenced && !asksWriter ? () => 0 : clock, asksWriter)
    this.#desk = new Desk(space)
    this.reader = new Reader(space, this.clock, this.#desk)
    this.#hotTexts = new HotTexts(space, this.clock)
    this.writer = new Writer(space, this.clock, this.#desk)
    this.walker = new Walker(space, this.clock, this.#desk)
    this.#expirySweep = new ExpirySweep(space, this.clock)
    if (!this.#isSequenced) letMakeRoom(space, this.clock, this.#desk, this.#expirySweep)
    const settler = new Settler(space, this.writer.chain)
    space.registry.setSettler((at, tag, locksOnly) => settler.settle(at, tag, locksOnly))
    this.#housekeeping = new Housekeeping(space, this.#desk, {
      endBatch: () => this.#batch?.end(),
      sweepInTurn: () => this.#sweepInTurn(),
    })
  }

  static create(region: Region, facts: TableFacts, options: TableOptions): Table {
    return new Table(Space.create(region, facts, (options.clock ?? wallClockMs)(), options), options)
  }

  static attach(region: Region, options: TableOptions): Table {
    return new Table(Space.attach(region, options), options)
  }

  /** Looks up the key in `key`, counting; what was read is in `reader`. An expired entry is removed on the way. */
  find(what: number): boolean {
    return this.findKey(this.key, what)
  }

  /** As {@link find} for text, which it returns; see Reader.readText. */
  findText(key: KeyBuffer): string | undefined {
    const hotTexts = this.#hotTexts
    if (!hotTexts.isOn()) return this.#readText(key)
    const kept = hotTexts.find(key)
    if (kept !== undefined) {
      this.space.count(COUNTERS.hits)
      return kept
    }
    const stampWraps = Atomics.load(this.space.words, HEADER.stampWraps)
    const text = this.#readText(key)
    if (text !== undefined) hotTexts.keep(key, text, this.reader, stampWraps)
    return text
  }

  #readText(key: KeyBuffer): string | undefined {
    const text = this.reader.readText(key)
    if (text !== undefined || this.reader.isBytes) {
      this.space.count(COUNTERS.hits)
      return text
    }
    this.#noteMiss(key)
    return undefined
  }

  /** For looking up many keys at once; made when first used. */
  get batch(): Batch {
    this.#batch ??= new Batch(this.space)
    return this.#batch
  }

  /** For who looks up to `most` keys up by himself. */
  newTouch(most: number): Touch {
    return new Touch(this.space, most)
  }

  /** Another key buffer with the hash of this table. */
  newKey(): KeyBuffer {
    return new KeyBuffer(this.space.words[HEADER.hashKey0]!, this.space.words[HEADER.hashKey1]!)
  }

  /** Fills this table, which nobody else has joined; it is for nothing else until the load has ended. */
  bulkLoad(owner: BulkOwner): BulkLoad {
    return new BulkLoad(this.space, this.#desk, owner)
  }

  /** For the one writer of a sequenced table: changes prepared now and published later; made when first used. */
  get staging(): Staging {
    this.#staging ??= new Staging(this.space, this.#desk)
    return this.#staging
  }

  /** As {@link find}, for a key of the batch. */
  findKey(key: KeyBuffer, what: number): boolean {
    if (this.reader.read(key, what)) {
      this.space.count(COUNTERS.hits)
      return true
    }
    this.#noteMiss(key)
    return false
  }

  #noteMiss(key: KeyBuffer): void {
    this.space.count(COUNTERS.misses)
    if (this.reader.stamp !== 0 && !this.#isSequenced) this.writer.remove(key, IF_STAMP, this.reader.stamp)
  }

  look(what: number): boolean {
    return this.reader.read(this.key, what)
  }

  has(): boolean {
    return this.look(READ_NOTHING)
  }

  noteHits(count: number): void {
    this.space.count(COUNTERS.hits, count)
  }

  isCursor(cursor: number): boolean {
    return this.walker.isCursor(cursor)
  }

  step(cursor: number, found: WalkedEntry[], withValues: boolean): number {
    return this.walker.step(cursor, found, withValues)
  }

  /** Puts `value` under `key`; see Writer.put. */
  put(expiresAtMs: number, condition: number, expectedStamp = 0): boolean {
    return this.writer.put(this.key, this.value, expiresAtMs, condition, expectedStamp)
  }

  delete(): boolean {
    return this.writer.remove(this.key, ALWAYS, 0)
  }

  /** Sets the moment of expiry of the entry under `key`; false if it is absent. */
  expireAt(expiresAtMs: number): boolean {
    for (;;) {
      const outcome = this.writer.setExpiry(this.key, expiresAtMs)
      if (outcome !== NO_FIELD) return outcome === CHANGED
      // The chunk has no field for it: written anew, unless somebody was faster.
      if (!this.reader.read(this.key, READ_BYTES)) return false
      this.value.setBytes(this.reader.bytes)
      this.value.ascii = this.reader.ascii
      if (this.put(expiresAtMs, IF_STAMP, this.reader.stamp)) return true
    }
  }

  /** Removes the expiry of the entry under `key`; true if it is there and had one. */
  persist(): boolean {
    if (!this.has() || this.reader.expiresAtMs === NO_EXPIRY) return false
    return this.writer.setExpiry(this.key, NO_EXPIRY) === CHANGED
  }

  get size(): number {
    return sumOfStripes(this.space)
  }

  /**
   * Removes every entry that is there when its turn comes; one that comes back later stays. A TIMEOUT (somebody stopped with a
   * lock) that comes after some are gone has the outcome 'unknown'.
   */
  clear(): void {
    const { buckets } = this.writer.chain
    let isBegun = false
    for (let index = 0; index < buckets.stripes; index++) {
      const stripeAt = buckets.stripeNumber(index)
      let position = 0
      while (position < POSITIONS && this.space.words[stripeAt + STRIPE.count] !== 0) {
        try {
          position = this.writer.clearFrom(stripeAt, position)
        } catch (error) {
          if (!isBegun || !isOperationError(error, 'TIMEOUT')) throw error
          throw new OperationError('TIMEOUT', partlyCleared(error), { outcome: 'unknown', cause: error })
        }
        isBegun = true
      }
    }
  }

  /** Makes buckets for `entries` while the table is empty, as far as memory allows. */
  reserve(entries: number): void {
    const room = new StripeRoom(this.space, this.writer)
    const { stripes } = this.writer.chain.buckets
    const buckets = Math.ceil(entries / stripes / ENTRIES_PER_BUCKET)
    for (let index = 0; index < stripes && buckets > 1; index++) {
      room.reserve(this.writer.chain.buckets.stripeNumber(index), buckets)
    }
  }

  stats(): TableStats {
    return tableStats(this.space, { lockWaits: this.space.locks.waits })
  }

  /** Walks everything, with all writers held up, and throws InvariantError on a broken invariant. */
  check(): void {
    checkTable(this.space, this.key)
  }

  /** Removes expired entries from the next part of the table, unless the own desk is busy; returns how many. */
  sweep(): number {
    const { locks, registry } = this.space
    if (!locks.tryAcquire(registry.at)) return 0
    const removed = this.#expirySweep.sweep()
    this.#desk.leave()
    return removed
  }

  /** Gives magazines and record back. The table must not be used afterwards. */
  close(): void {
    this.#housekeeping.end()
    this.#desk.enter()
    this.space.slab.drain(this.space.registry.at)
    this.#desk.leave()
    this.space.registry.leave()
  }

  #sweepInTurn(): void {
    if (this.#isSequenced) return
    if (this.#expirySweep.takeTurn(Math.floor(machineMs() / HOUSEKEEPING_MS))) this.sweep()
  }
}

/** `error` without its code, which a new one says again, and without its promise. */
function partlyCleared({ message }: OperationError): string {
  return message.replace('TIMEOUT: ', '').replace('Nothing was changed.', 'A part of the table is cleared.')
}
