/**
 * A {@link Store} over a plain `Map`: the double that commands and fronts are tested on, and the model that the
 * shared table is compared with. It has the same meaning in the simplest words, and none of the speed.
 *
 * Keys live in the `Map` as latin1 strings (one character a byte). Every entry carries the serial number of its
 * creation; a `Map` iterates in just that order, so a scan cursor is the last serial handed out: a key present
 * throughout is returned exactly once, whatever is inserted or deleted meanwhile.
 *
 * One thread only. Expired entries go when somebody meets them.
 */
import { OperationError } from '../base/errors.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import type {
  Change,
  Condition,
  Expiry,
  ScanPage,
  Store,
  StoredEntry,
  StoreStats,
  WatchedKey,
} from './store.js'
import { ABSENT, UNCHANGED } from './store.js'

interface Entry {
  value: Buffer
  expiresAtMs: number
  version: number
  readonly serial: number
}

export interface MapStoreOptions {
  /** Milliseconds since 1970. Default: the system's. */
  readonly clock?: () => number
  /** Keys and values together; a write beyond it is `FULL`. Default: no bound. */
  readonly capacityBytes?: number
}

const UNBOUNDED_BYTES = Number.MAX_SAFE_INTEGER

export class MapStore implements Store {
  readonly #entries = new Map<string, Entry>()
  readonly #clock: () => number
  readonly #capacityBytes: number
  #lastNowMs = 0
  #serial = 0
  #version = 0
  #usedBytes = 0
  #hits = 0
  #misses = 0
  #expirations = 0

  constructor(options: MapStoreOptions = {}) {
    this.#clock = options.clock ?? Date.now
    this.#capacityBytes = options.capacityBytes ?? UNBOUNDED_BYTES
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Uint8Array): Buffer | undefined {
    const entry = this.#find(nameOf(key))
    if (entry === undefined) {
      this.#misses += 1
      return undefined
    }
    this.#hits += 1
    return Buffer.from(entry.value)
  }

  view(key: Uint8Array): Uint8Array | undefined {
    return this.get(key)
  }

  has(key: Uint8Array): boolean {
    return this.#find(nameOf(key)) !== undefined
  }

  set(key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition): boolean {
    return this.exchange(key, value, expiry, condition).stored
  }

  exchange(
    key: Uint8Array,
    value: Uint8Array,
    expiry: Expiry,
    condition: Condition,
  ): { readonly stored: boolean; readonly previous: Buffer | undefined } {
    const name = nameOf(key)
    const entry = this.#find(name)
    const previous = entry?.value
    if (condition !== 'always' && (condition === 'present') !== (entry !== undefined)) {
      return { stored: false, previous }
    }
    this.#put(name, entry, value, expiry)
    return { stored: true, previous }
  }

  entry(key: Uint8Array): StoredEntry | undefined {
    const entry = this.#find(nameOf(key))
    if (entry === undefined) return undefined
    return { value: Buffer.from(entry.value), version: entry.version, expiresAtMs: entry.expiresAtMs }
  }

  setIfVersion(key: Uint8Array, value: Uint8Array, expiry: Expiry, version: number): boolean {
    const name = nameOf(key)
    const entry = this.#find(name)
    if ((entry?.version ?? ABSENT) !== version) return false
    this.#put(name, entry, value, expiry)
    return true
  }

  delete(key: Uint8Array): boolean {
    return this.take(key) !== undefined
  }

  take(key: Uint8Array): Buffer | undefined {
    const name = nameOf(key)
    const entry = this.#find(name)
    if (entry !== undefined) this.#remove(name, entry)
    return entry?.value
  }

  update(key: Uint8Array, expiry: Expiry, change: (current: Buffer | undefined) => Change): void {
    const name = nameOf(key)
    const entry = this.#find(name)
    const next = change(entry === undefined ? undefined : Buffer.from(entry.value))
    if (next === UNCHANGED) return
    if (next !== undefined) this.#put(name, entry, next, expiry)
    else if (entry !== undefined) this.#remove(name, entry)
  }

  expireAt(key: Uint8Array, expiresAtMs: number, allows?: (presentMs: number) => boolean): boolean {
    const name = nameOf(key)
    const entry = this.#find(name)
    if (entry === undefined || allows?.(entry.expiresAtMs) === false) return false
    if (expiresAtMs <= this.nowMs()) this.#remove(name, entry)
    else this.#setExpiry(entry, expiresAtMs)
    return true
  }

  persist(key: Uint8Array): boolean {
    const entry = this.#find(nameOf(key))
    if (entry === undefined || entry.expiresAtMs === Infinity) return false
    this.#setExpiry(entry, Infinity)
    return true
  }

  expiresAt(key: Uint8Array): number | undefined {
    return this.#find(nameOf(key))?.expiresAtMs
  }

  scan(cursor: number, count: number): ScanPage {
    const keys: Buffer[] = []
    const nowMs = this.nowMs()
    for (const [name, entry] of this.#entries) {
      if (entry.serial <= cursor || entry.expiresAtMs <= nowMs) continue
      if (keys.length >= count) return { cursor: entry.serial - 1, keys }
      keys.push(Buffer.from(name, 'latin1'))
    }
    return { cursor: 0, keys }
  }

  randomKey(): Buffer | undefined {
    const { keys } = this.scan(0, this.size)
    return keys[Math.floor(Math.random() * keys.length)]
  }

  clear(): void {
    this.#entries.clear()
    this.#usedBytes = 0
  }

  /** What the transaction throws takes it back. */
  transact(body: (store: Store) => void, watched: readonly WatchedKey[] = []): boolean {
    const isSpoilt = ({ key, version }: WatchedKey) =>
      (this.#find(nameOf(key))?.version ?? ABSENT) !== version
    if (watched.some(isSpoilt)) return false
    const before = [...this.#entries].map(([name, entry]) => [name, { ...entry }] as const)
    const usedBytes = this.#usedBytes
    try {
      body(this)
    } catch (error) {
      this.#entries.clear()
      for (const [name, entry] of before) this.#entries.set(name, entry)
      this.#usedBytes = usedBytes
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
    this.#lastNowMs = Math.max(this.#lastNowMs, this.#clock())
    return this.#lastNowMs
  }

  stats(): StoreStats {
    return {
      entries: this.#entries.size,
      capacityBytes: this.#capacityBytes,
      usedBytes: this.#usedBytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: 0,
      expirations: this.#expirations,
    }
  }

  /** The live entry; one that has expired is removed on the way. */
  #find(name: string): Entry | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.expiresAtMs === Infinity || entry.expiresAtMs > this.nowMs())
      return entry
    this.#remove(name, entry)
    this.#expirations += 1
    return undefined
  }

  #put(name: string, entry: Entry | undefined, value: Uint8Array, expiry: Expiry): void {
    if (value.length > MAX_VALUE_BYTES) throw new RangeError(`a value holds at most ${MAX_VALUE_BYTES} bytes`)
    const grownBytes = value.length - (entry === undefined ? -name.length : entry.value.length)
    if (this.#usedBytes + grownBytes > this.#capacityBytes) {
      throw new OperationError('FULL', `${this.#capacityBytes} bytes are used up`)
    }
    this.#usedBytes += grownBytes
    const copy = Buffer.from(value)
    this.#version += 1
    if (entry === undefined) {
      this.#serial += 1
      const expiresAtMs = typeof expiry === 'number' ? expiry : Infinity
      this.#entries.set(name, { value: copy, expiresAtMs, version: this.#version, serial: this.#serial })
      return
    }
    entry.value = copy
    entry.version = this.#version
    if (expiry !== 'keep') entry.expiresAtMs = expiry === 'none' ? Infinity : expiry
  }

  #setExpiry(entry: Entry, expiresAtMs: number): void {
    this.#version += 1
    entry.version = this.#version
    entry.expiresAtMs = expiresAtMs
  }

  #remove(name: string, entry: Entry): void {
    this.#entries.delete(name)
    this.#usedBytes -= name.length + entry.value.length
  }
}

function nameOf(key: Uint8Array): string {
  if (key.length > MAX_KEY_BYTES) throw new RangeError(`a key holds at most ${MAX_KEY_BYTES} bytes`)
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
