/**
 * A Store whose calls are evaluated by one thread against an *overlay*: what the table holds plus what is pending on
 * top of it. Here is what each call means; where entries lie, how a change becomes pending and what becomes of it
 * later is the overlay's affair. Nothing here is atomic by itself: whoever owns the overlay lets one evaluation run
 * at a time and makes its changes count together.
 *
 * Implementations of `Overlay`: `PendingWrites` (the sequenced writer), `TransactionOverlay` (over a table that others
 * write to).
 */

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

/** Entries as an evaluation sees them. After `seek`, the fields and changes are about that key, until the next call. */
export interface Overlay {
  readonly size: number
  /** The clock of this evaluation: it stands still meanwhile. */
  nowMs(): number
  /** Looks `key` up; whether it is there and has not expired. */
  seek(key: Uint8Array): boolean
  /** Counts a look-up of somebody who wants the value. */
  note(found: boolean): void
  /** The value of the entry found, in memory that the next call may use again. */
  readonly value: Uint8Array
  /** When the entry found expires; Infinity: never. */
  readonly expiresAtMs: number
  /** The version that the entry found has, or will have once it is applied: 1 to 2^32 - 1. */
  readonly version: number
  /** Gives the sought key this value and expiry. Throws OperationError, and nothing has changed. */
  put(value: Uint8Array, expiresAtMs: number): void
  /** Deletes the entry found. */
  remove(): void
  scan(cursor: number, count: number): ScanPage
  randomKey(): Buffer | undefined
  clear(): void
  stats(): StoreStats
  /**
   * Remembers what is pending: the function returned takes back all that has become pending since. Absent where nothing
   * can fail between the first put of several and the last.
   */
  savepoint?(): () => void
}

export class OverlayStore implements Store {
  readonly #overlay: Overlay

  constructor(overlay: Overlay) {
    this.#overlay = overlay
  }

  get size(): number {
    return this.#overlay.size
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#find(key) ? Buffer.from(this.#overlay.value) : undefined
  }

  view(key: Uint8Array): Uint8Array | undefined {
    return this.#find(key) ? this.#overlay.value : undefined
  }

  has(key: Uint8Array): boolean {
    return this.#overlay.seek(key)
  }

  set(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition): boolean {
    const overlay = this.#overlay
    const found = overlay.seek(key)
    if (condition !== 'always' && found !== (condition === 'present')) return false
    overlay.put(value, this.#momentOf(expiry, found))
    return true
  }

  exchange(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition) {
    const overlay = this.#overlay
    const found = this.#find(key)
    const previous = found ? Buffer.from(overlay.value) : undefined
    if (condition !== 'always' && found !== (condition === 'present')) return { stored: false, previous }
    overlay.put(value, this.#momentOf(expiry, found))
    return { stored: true, previous }
  }

  entry(key: Uint8Array): StoredEntry | undefined {
    if (!this.#find(key)) return undefined
    const { version, expiresAtMs, value } = this.#overlay
    return { value: Buffer.from(value), version, expiresAtMs }
  }

  setIfVersion(key: Uint8Array, value: Uint8Array, expiry: Expiry, version: number): boolean {
    const overlay = this.#overlay
    const found = overlay.seek(key)
    if ((found ? overlay.version : ABSENT) !== version) return false
    overlay.put(value, this.#momentOf(expiry, found))
    return true
  }

  delete(key: Uint8Array): boolean {
    const found = this.#overlay.seek(key)
    if (found) this.#overlay.remove()
    return found
  }

  take(key: Uint8Array): Buffer | undefined {
    if (!this.#find(key)) return undefined
    const value = Buffer.from(this.#overlay.value)
    this.#overlay.remove()
    return value
  }

  update(key: Uint8Array, expiry: Expiry, change: (current: Buffer | undefined) => Change): void {
    const overlay = this.#overlay
    const found = this.#find(key)
    const next = change(found ? Buffer.from(overlay.value) : undefined)
    if (next === UNCHANGED) return
    if (next !== undefined) overlay.put(next, this.#momentOf(expiry, found))
    else if (found) overlay.remove()
  }

  expireAt(key: Uint8Array, expiresAtMs: number, allows?: (presentMs: number) => boolean): boolean {
    const overlay = this.#overlay
    if (!overlay.seek(key) || allows?.(overlay.expiresAtMs) === false) return false
    if (expiresAtMs <= overlay.nowMs()) overlay.remove()
    else overlay.put(overlay.value, expiresAtMs)
    return true
  }

  persist(key: Uint8Array): boolean {
    const overlay = this.#overlay
    if (!overlay.seek(key) || overlay.expiresAtMs === Infinity) return false
    overlay.put(overlay.value, Infinity)
    return true
  }

  expiresAt(key: Uint8Array): number | undefined {
    return this.#overlay.seek(key) ? this.#overlay.expiresAtMs : undefined
  }

  scan(cursor: number, count: number): ScanPage {
    return this.#overlay.scan(cursor, count)
  }

  randomKey(): Buffer | undefined {
    return this.#overlay.randomKey()
  }

  clear(): void {
    this.#overlay.clear()
  }

  /** Nobody else evaluates meanwhile: once is enough. */
  transact(body: (store: Store) => void, watched: readonly WatchedKey[] = []): boolean {
    const overlay = this.#overlay
    if (watched.some(({ key, version }) => (overlay.seek(key) ? overlay.version : ABSENT) !== version))
      return false
    const takeBack = overlay.savepoint?.()
    try {
      body(this)
    } catch (error) {
      takeBack?.()
      throw error
    }
    return true
  }

  readMany(
    keys: readonly Uint8Array[],
    start: () => void,
    each: (value: Uint8Array | undefined) => void,
  ): void {
    start()
    for (const key of keys) each(this.view(key))
  }

  setMany(keys: readonly Uint8Array[], values: readonly Uint8Array[]): void {
    this.transact(() => {
      for (const [at, key] of keys.entries()) {
        const value = values[at]
        if (value !== undefined) this.set(key, value, 'none', 'always')
      }
    })
  }

  nowMs(): number {
    return this.#overlay.nowMs()
  }

  stats(): StoreStats {
    return this.#overlay.stats()
  }

  #find(key: Uint8Array): boolean {
    const found = this.#overlay.seek(key)
    this.#overlay.note(found)
    return found
  }

  #momentOf(expiry: Expiry, found: boolean): number {
    if (typeof expiry === 'number') return expiry
    return expiry === 'keep' && found ? this.#overlay.expiresAtMs : Infinity
  }
}
