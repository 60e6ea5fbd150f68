/**
 * The direct writer: a Store over the shared table. Whoever has the request changes the table itself, in parallel with
 * all others, under stripe locks. Memory only: what it answers is true for every thread at once and gone with the node.
 */

import { copyToWords } from '../base/word-copy.js'
import type { MappedHandle, MappedRegion } from '../memory/mapped-region.js'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import { POSITIONS } from '../table/positions.js'
import { READ_BYTES, SHORT_VALUE_BYTES } from '../table/reader.js'
import { Space } from '../table/space.js'
import { Table } from '../table/table.js'
import type { Touch } from '../table/touch.js'
import type { WalkedEntry } from '../table/walker.js'
import { ALWAYS, IF_ABSENT, IF_PRESENT, IF_STAMP, NO_EXPIRY } from '../table/writer.js'
import { attachmentOf, type DirectStoreOptions, factsOf } from './direct-store-options.js'
import { capacityWithin } from './headroom.js'
import type { PlainSource, PlainStore, PlainTarget } from './plain-store.js'
import { attachByName } from './served-region.js'
import {
  ABSENT,
  type Change,
  type Condition,
  type Expiry,
  type ScanPage,
  type Store,
  type StoredEntry,
  type StoreStats,
  UNCHANGED,
  type WatchedKey,
} from './store.js'
import { Transactor } from './transactor.js'

export type DirectStoreHandle = SharedArrayHandle | MappedHandle

const CONDITIONS = { always: ALWAYS, absent: IF_ABSENT, present: IF_PRESENT } as const

export class DirectStore implements Store, PlainStore {
  readonly #table: Table
  readonly #region: SharedArrayRegion | MappedRegion
  readonly #isSequenced: boolean
  /** For keys in messages. */
  readonly #borrowed: KeyBuffer
  /** Made when first used. */
  #transactor: Transactor | undefined

  private constructor(
    table: Table,
    region: SharedArrayRegion | MappedRegion,
    { isSequenced = false }: Partial<DirectStoreOptions>,
  ) {
    this.#isSequenced = isSequenced
    this.#table = table
    this.#borrowed = table.newKey()
    this.#region = region
  }

  static create(options: DirectStoreOptions): DirectStore {
    const facts = factsOf(options)
    const region = SharedArrayRegion.create(Space.regionBytes(facts))
    return new DirectStore(Table.create(region, facts, attachmentOf(options)), region, options)
  }

  /** Joins a region with a name, laid out by {@link factsOf}. */
  static join(region: MappedRegion, options: Partial<DirectStoreOptions> = {}): DirectStore {
    return new DirectStore(Table.attach(region, attachmentOf(options)), region, options)
  }

  static attach(handle: DirectStoreHandle, options: Partial<DirectStoreOptions> = {}): DirectStore {
    const region = handle.kind === 'mapped' ? attachByName(handle) : SharedArrayRegion.attach(handle)
    return new DirectStore(Table.attach(region, attachmentOf(options)), region, options)
  }

  /** What another thread needs to attach: structured-cloneable. */
  share(): DirectStoreHandle {
    return this.#region.share()
  }

  /** The shared memory behind it, for those who only read. */
  get region(): SharedArrayRegion | MappedRegion {
    return this.#region
  }

  /** Makes buckets for so many entries while the table is empty, as far as memory allows. */
  reserve(entries: number): void {
    this.#table.reserve(entries)
  }

  get size(): number {
    return this.#table.size
  }

  get(key: Uint8Array): Buffer | undefined {
    const table = this.#seek(key)
    return table.find(READ_BYTES) ? Buffer.from(table.reader.bytes) : undefined
  }

  view(key: Uint8Array): Uint8Array | undefined {
    const table = this.#seek(key)
    return table.find(READ_BYTES) ? table.reader.bytes : undefined
  }

  /** Brings what up to `most` keys will look at into the cache, and hashes them for getInto and setAt. */
  newTouch(most: number): Touch {
    return this.#table.newTouch(most)
  }

  getInto(target: PlainTarget, words: Int32Array, keyBytes: number, hash: number): boolean {
    const table = this.#table
    table.key.setFromWords(words, 0, keyBytes, hash === 0 ? undefined : hash)
    return this.#findInto(target, table.key)
  }

  /** As {@link getInto}; what follows the key in its last eight bytes becomes zero. */
  getPlain(target: PlainTarget, { words, longs, keyBytes }: PlainSource, hash: number): boolean {
    this.#borrowed.borrow(words, longs, keyBytes, hash)
    return this.#findInto(target, this.#borrowed)
  }

  #findInto(target: PlainTarget, key: KeyBuffer): boolean {
    const table = this.#table
    if (!table.findKey(key, READ_BYTES)) return false
    const { reader } = table
    const { byteLength } = reader
    target.shape(0, byteLength)
    if (byteLength > SHORT_VALUE_BYTES) target.bytes.set(reader.bytes, 0)
    else copyToWords(reader.words, 0, target.words, 0, byteLength)
    return true
  }

  setAt(words: Int32Array, keyBytes: number, hash: number, valueAt: number, valueBytes: number): void {
    const table = this.#table
    table.key.setFromWords(words, 0, keyBytes, hash === 0 ? undefined : hash)
    table.value.setFromWords(words, valueAt, valueBytes)
    table.put(NO_EXPIRY, ALWAYS)
  }

  /**
   * As {@link setAt}, all but the tidying up: {@link finishSet} must follow before anything else is asked of this store. What
   * follows the key in its last eight bytes becomes zero; the value is at most WORD_COPY_BYTES long.
   */
  beginSet({ words, longs, keyBytes, valueBytes }: PlainSource, hash: number): void {
    const key = this.#borrowed
    const { value, writer } = this.#table
    key.borrow(words, longs, keyBytes, hash)
    value.borrow(longs, (keyBytes + 7) >>> 3, valueBytes)
    writer.beginPut(key, value, NO_EXPIRY, ALWAYS, 0)
  }

  finishSet(): void {
    this.#table.writer.finishPut()
  }

  has(key: Uint8Array): boolean {
    return this.#seek(key).has()
  }

  set(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition): boolean {
    const table = this.#stage(key, value)
    if (expiry !== 'keep') return table.put(expiryMoment(expiry), CONDITIONS[condition])
    return this.#putAfterLook(table, condition).stored
  }

  exchange(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition) {
    return this.#putAfterLook(this.#stage(key, value), condition, expiry)
  }

  entry(key: Uint8Array): StoredEntry | undefined {
    const table = this.#seek(key)
    if (!table.find(READ_BYTES)) return undefined
    const { bytes, stamp, expiresAtMs } = table.reader
    return { value: Buffer.from(bytes), version: stamp >>> 0, expiresAtMs }
  }

  setIfVersion(key: Uint8Array, value: Uint8Array, expiry: Expiry, version: number): boolean {
    const table = this.#stage(key, value)
    if (version === ABSENT) return table.put(expiry === 'keep' ? NO_EXPIRY : expiryMoment(expiry), IF_ABSENT)
    if (expiry !== 'keep') return table.put(expiryMoment(expiry), IF_STAMP, version | 0)
    const isSame = table.has() && table.reader.stamp >>> 0 === version
    return isSame && table.put(table.reader.expiresAtMs, IF_STAMP, version | 0)
  }

  delete(key: Uint8Array): boolean {
    return this.#seek(key).delete()
  }

  take(key: Uint8Array): Buffer | undefined {
    const table = this.#seek(key)
    for (;;) {
      if (!table.find(READ_BYTES)) return undefined
      if (table.writer.remove(table.key, IF_STAMP, table.reader.stamp)) return Buffer.from(table.reader.bytes)
    }
  }

  update(key: Uint8Array, expiry: Expiry, change: (current: Buffer | undefined) => Change): void {
    const table = this.#seek(key)
    for (;;) {
      const found = table.find(READ_BYTES)
      const { stamp, expiresAtMs } = table.reader
      const next = change(found ? Buffer.from(table.reader.bytes) : undefined)
      if (next === UNCHANGED) return
      if (next === undefined) {
        if (!found || table.writer.remove(table.key, IF_STAMP, stamp)) return
        continue
      }
      table.value.setBytes(next)
      const moment = expiry === 'keep' ? (found ? expiresAtMs : NO_EXPIRY) : expiryMoment(expiry)
      if (found ? table.put(moment, IF_STAMP, stamp) : table.put(moment, IF_ABSENT)) return
    }
  }

  expireAt(key: Uint8Array, expiresAtMs: number, allows?: (presentMs: number) => boolean): boolean {
    const table = this.#seek(key)
    if (allows !== undefined) return expireIf(table, expiresAtMs, allows)
    if (expiresAtMs <= table.clock.nowMs()) return table.delete()
    return table.expireAt(expiresAtMs)
  }

  persist(key: Uint8Array): boolean {
    return expireIf(this.#seek(key), NO_EXPIRY, (presentMs) => presentMs !== NO_EXPIRY)
  }

  expiresAt(key: Uint8Array): number | undefined {
    const table = this.#seek(key)
    return table.has() ? table.reader.expiresAtMs : undefined
  }

  scan(cursor: number, count: number): ScanPage {
    const { walker } = this.#table
    const found: WalkedEntry[] = []
    let next = walker.isCursor(cursor) ? cursor : 0
    if (next !== cursor) return { cursor: 0, keys: [] }
    do next = walker.step(next, found, false)
    while (next !== 0 && found.length < count)
    return { cursor: next, keys: found.map((entry) => entry.key) }
  }

  randomKey(): Buffer | undefined {
    const { walker, space } = this.#table
    const end = space.shape.stripes * POSITIONS
    const found: WalkedEntry[] = []
    const start = Math.floor(Math.random() * end)
    // Once around: to the end, then from the beginning past where it started.
    for (let cursor = start, rounds = 0; rounds < 2 && found.length === 0; ) {
      cursor = walker.step(cursor, found, false)
      if (cursor === 0) rounds += 1
      else if (rounds === 1 && cursor > start) break
    }
    return found[Math.floor(Math.random() * found.length)]?.key
  }

  clear(): void {
    this.#table.clear()
  }

  transact(body: (store: Store) => void, watched: readonly WatchedKey[] = []): boolean {
    return this.#ownTransactor().transact(body, watched)
  }

  readMany(
    keys: readonly Uint8Array[],
    start: () => void,
    each: (value: Uint8Array | undefined) => void,
  ): void {
    this.#ownTransactor().readMany(keys, start, each)
  }

  setMany(keys: readonly Uint8Array[], values: readonly Uint8Array[]): void {
    this.#ownTransactor().setMany(keys, values)
  }

  #ownTransactor(): Transactor {
    this.#transactor ??= new Transactor(this.#table, this)
    return this.#transactor
  }

  nowMs(): number {
    return this.#table.clock.nowMs()
  }

  stats(): StoreStats {
    const stats = this.#table.stats()
    // What recovery alone may use is nobody's capacity.
    return this.#isSequenced ? { ...stats, capacityBytes: capacityWithin(stats.capacityBytes) } : stats
  }

  /** Walks everything and throws on a broken invariant. */
  check(): void {
    this.#table.check()
  }

  close(): void {
    this.#table.close()
  }

  #seek(key: Uint8Array): Table {
    this.#table.key.setBytes(key)
    return this.#table
  }

  #stage(key: Uint8Array, value: Uint8Array): Table {
    this.#table.key.setBytes(key)
    this.#table.value.setBytes(value)
    return this.#table
  }

  /** Stores what is staged if `condition` holds, with the value from before; tried again when somebody was faster. */
  #putAfterLook(table: Table, condition: Condition, expiry: Expiry = 'keep') {
    for (;;) {
      const found = table.find(READ_BYTES)
      const { stamp, expiresAtMs, bytes } = table.reader
      const previous = found ? Buffer.from(bytes) : undefined
      if (condition !== 'always' && found !== (condition === 'present')) return { stored: false, previous }
      const moment = expiry === 'keep' ? (found ? expiresAtMs : NO_EXPIRY) : expiryMoment(expiry)
      if (found ? table.put(moment, IF_STAMP, stamp) : table.put(moment, IF_ABSENT))
        return { stored: true, previous }
    }
  }
}

function expiryMoment(expiry: Expiry): number {
  return typeof expiry === 'number' ? expiry : NO_EXPIRY
}

/** Sets the expiry if `allows` the present one to go: the entry is written anew where its version is still the one seen. */
function expireIf(table: Table, expiresAtMs: number, allows: (presentMs: number) => boolean): boolean {
  const { reader, writer, value } = table
  while (reader.read(table.key, READ_BYTES)) {
    const { stamp } = reader
    if (!allows(reader.expiresAtMs)) return false
    if (expiresAtMs <= table.clock.nowMs()) {
      if (writer.remove(table.key, IF_STAMP, stamp)) return true
      continue
    }
    value.setBytes(reader.bytes)
    value.ascii = reader.ascii
    if (table.put(expiresAtMs, IF_STAMP, stamp)) return true
  }
  return false
}
