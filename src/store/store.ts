/**
 * The contract between commands and storage: one table of raw bytes, every operation on one key atomic.
 *
 * Implementations: `DirectStore` (the shared table, under stripe locks) and `MapStore` (a plain `Map`, the double
 * that tests run commands against). A later one evaluates the same calls over what a log has not yet released.
 * All calls are synchronous; whoever needs a promise of durability waits for it outside.
 *
 * Bytes handed in are copied before a call returns; bytes handed out are private to the caller, but for `view`.
 */

/** What a write does to the expiry of its key: remove it, leave it, or set it (milliseconds since 1970). */
export type Expiry = 'none' | 'keep' | number

/** Under which condition a write happens at all. */
export type Condition = 'always' | 'absent' | 'present'

/** The new value of a key, or `undefined` to delete it; `UNCHANGED` leaves everything as it is. */
export type Change = Uint8Array | undefined | typeof UNCHANGED
export const UNCHANGED: unique symbol = Symbol('unchanged')

/** What is stored under a key at one moment. */
export interface StoredEntry {
  readonly value: Buffer
  /** 1 to 2^32 - 1; another one after every write of the key. */
  readonly version: number
  /** Infinity without an expiry. */
  readonly expiresAtMs: number
}

/** What {@link Store.setIfVersion} takes for a key that must not be there. */
export const ABSENT = 0

/** A key, and the version it had when somebody looked: {@link ABSENT} if it was not there. */
export interface WatchedKey {
  readonly key: Uint8Array
  readonly version: number
}

export interface ScanPage {
  /** Where to go on; 0 when the walk is complete. At most 2^53 - 1. */
  readonly cursor: number
  readonly keys: Buffer[]
}

export interface StoreStats {
  readonly entries: number
  readonly capacityBytes: number
  readonly usedBytes: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly expirations: number
}

export interface Store {
  /** Number of entries; what has expired and is not yet swept may still count. */
  readonly size: number
  get(key: Uint8Array): Buffer | undefined
  /** As {@link get}, in memory that the next call may use again: for whoever copies it at once. */
  view(key: Uint8Array): Uint8Array | undefined
  has(key: Uint8Array): boolean
  /** Stores `value` if `condition` holds; returns whether it did. Throws `OperationError` FULL. */
  set(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition): boolean
  /** As {@link set}, and returns the value from before in the same atomic step. */
  exchange(
    key: Uint8Array,
    value: Uint8Array,
    expiry: Expiry,
    condition: Condition,
  ): { readonly stored: boolean; readonly previous: Buffer | undefined }
  /** Value, version and expiry of one moment. */
  entry(key: Uint8Array): StoredEntry | undefined
  /** Stores `value` if the key still has `version`, as {@link entry} gave it, or is {@link ABSENT}; returns whether it did. */
  setIfVersion(key: Uint8Array, value: Uint8Array, expiry: Expiry, version: number): boolean
  /** Deletes; returns whether the key was there. */
  delete(key: Uint8Array): boolean
  /** Deletes and returns the old value in one atomic step. */
  take(key: Uint8Array): Buffer | undefined
  /**
   * Read-modify-write in one atomic step: `change` maps the current value (`undefined`: absent) to the new one.
   * It may run several times (whoever was faster wins) and must not touch the store. What it throws passes
   * through and nothing changes. `expiry` is applied as in {@link set}, `'keep'` included.
   */
  update(key: Uint8Array, expiry: Expiry, change: (current: Buffer | undefined) => Change): void
  /**
   * Sets the moment of expiry (milliseconds since 1970; a past one deletes) if `allows` the present one (Infinity: none)
   * to go, in one atomic step; false if not, or if the key is absent. `allows` may run several times.
   */
  expireAt(key: Uint8Array, expiresAtMs: number, allows?: (presentMs: number) => boolean): boolean
  /** Removes the expiry; true only if the key is there and had one. */
  persist(key: Uint8Array): boolean
  /** Moment of expiry in milliseconds since 1970, Infinity without one, `undefined` if absent. */
  expiresAt(key: Uint8Array): number | undefined
  /** A page of keys, about `count`. A key present from the first call to the last is returned exactly once. */
  scan(cursor: number, count: number): ScanPage
  /** A key that is there, drawn from all over the table (not evenly); `undefined` if there is none. */
  randomKey(): Buffer | undefined
  clear(): void
  /**
   * Runs `body` on a store that sees its own writes and makes all of them happen at one moment, at which everything it
   * has looked at was still so, or none. False, and nothing has happened, if a watched key has another version by then. `body`
   * may run several times, and must do nothing that it could not do again. What it throws passes through and nothing
   * changes. Throws `OperationError` FULL or TIMEOUT, and nothing has changed. Not looked at again: `size`, `scan`,
   * `randomKey`. A key that was absent when watched, and is absent again, has not changed.
   */
  transact(body: (store: Store) => void, watched?: readonly WatchedKey[]): boolean
  /**
   * Reads keys as they were at one moment: `each` gets every value in order (`undefined`: absent; in memory that is used
   * again after it returns). `start` is called first, and again before all of them come anew.
   */
  readMany(
    keys: readonly Uint8Array[],
    start: () => void,
    each: (value: Uint8Array | undefined) => void,
  ): void
  /** Stores all of them at one moment, without expiry; of a key that is named twice, the last value. Throws FULL. */
  setMany(keys: readonly Uint8Array[], values: readonly Uint8Array[]): void
  /** The clock that expiry is judged by: milliseconds since 1970, never going back. */
  nowMs(): number
  stats(): StoreStats
}
