/**
 * The overlay of a transaction on a table that everybody writes to: what the table holds, and on top of it what the
 * transaction has put so far, in private memory. Everything it looks at is noted, and has to be so still when it commits.
 *
 * Walks and the size are as fresh as they come: they are not looked at again.
 */
import { READ_NOTHING } from '../table/reader.js'
import type { SeveralKeys } from '../table/several-keys.js'
import type { Table } from '../table/table.js'
import { INTENT, type TouchedKey } from '../table/touched-key.js'
import type { Overlay } from './overlay-store.js'
import type { ScanPage, StoreStats } from './store.js'

/** What an entry that the transaction itself has put has for a version: nobody else has seen it yet. */
const OWN_VERSION = 2 ** 32 - 1
const NOTHING = new Uint8Array(0)

/** What the store underneath does for walks. */
export interface Walks {
  scan(cursor: number, count: number): ScanPage
  randomKey(): Buffer | undefined
}

export class TransactionOverlay implements Overlay {
  value: Uint8Array = NOTHING
  expiresAtMs = Number.POSITIVE_INFINITY
  version = 0
  readonly #table: Table
  readonly #several: SeveralKeys
  readonly #walks: Walks
  #nowMs = 0
  #sought: TouchedKey | undefined

  constructor(table: Table, several: SeveralKeys, walks: Walks) {
    this.#table = table
    this.#several = several
    this.#walks = walks
  }

  /** The time stands still from here on. */
  begin(): void {
    this.#nowMs = this.#table.clock.nowMs()
    this.#sought = undefined
  }

  nowMs(): number {
    return this.#nowMs
  }

  seek(key: Uint8Array): boolean {
    const touched = this.#several.touch(key)
    this.#sought = touched
    if (touched.intent === INTENT.PUT) {
      this.value = touched.value
      this.expiresAtMs = touched.putExpiresAtMs
      this.version = OWN_VERSION
      return this.#isAlive(touched)
    }
    if (touched.intent === INTENT.REMOVE || this.#several.isClearing) return false
    const found = this.#several.see(touched)
    const { reader } = this.#table
    this.value = reader.bytes
    this.expiresAtMs = reader.expiresAtMs
    this.version = reader.stamp >>> 0
    return found
  }

  /** The table has counted what was looked for there. */
  note(): void {}

  put(value: Uint8Array, expiresAtMs: number): void {
    if (this.#sought !== undefined) this.#several.put(this.#sought, Buffer.from(value), expiresAtMs)
  }

  remove(): void {
    if (this.#sought !== undefined) this.#several.remove(this.#sought)
  }

  get size(): number {
    let size = this.#several.isClearing ? 0 : this.#table.size
    for (const touched of this.#several.touched()) {
      const isThere = !this.#several.isClearing && this.#table.reader.read(touched.key, READ_NOTHING)
      if (touched.intent === INTENT.PUT && !isThere) size++
      if (touched.intent === INTENT.REMOVE && isThere) size--
    }
    return size
  }

  /** Keys that only the transaction has put come with the first page; a walk that goes on later may meet them again. */
  scan(cursor: number, count: number): ScanPage {
    const page = this.#several.isClearing ? { cursor: 0, keys: [] } : this.#walks.scan(cursor, count)
    const own = new Map<string, TouchedKey>()
    for (const touched of this.#several.touched())
      if (touched.intent !== INTENT.NONE) own.set(nameOf(touched), touched)
    if (own.size === 0) return page
    const keys = page.keys.filter((key) => !own.has(key.toString('latin1')))
    if (cursor === 0) {
      for (const [name, touched] of own) if (this.#isAlive(touched)) keys.push(Buffer.from(name, 'latin1'))
    }
    return { cursor: page.cursor, keys }
  }

  randomKey(): Buffer | undefined {
    const own = this.#several.touched().find((touched) => this.#isAlive(touched))
    const key = this.#several.isClearing ? undefined : this.#walks.randomKey()
    if (key !== undefined && this.#several.touch(key).intent !== INTENT.REMOVE) return key
    return own === undefined ? undefined : Buffer.from(nameOf(own), 'latin1')
  }

  clear(): void {
    this.#several.clear()
  }

  stats(): StoreStats {
    return this.#table.stats()
  }

  #isAlive(touched: TouchedKey): boolean {
    return touched.intent === INTENT.PUT && touched.putExpiresAtMs > this.#nowMs
  }
}

function nameOf({ key }: TouchedKey): string {
  return key.buffer.toString('latin1', 0, key.byteLength)
}
