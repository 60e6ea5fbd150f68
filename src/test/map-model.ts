/**
 * The plain model of a SharedMap: a `Map` of values with their moments of expiry and one clock. Every operation of
 * the table's outside is here in its simplest form, so that random sequences can be run against both and compared
 * answer by answer. Values are compared by structure, as their codecs write them. Numeric operations answer
 * `'BAD_VALUE'` where the map throws that.
 */
import { isDeepStrictEqual } from 'node:util'

interface Modelled<V> {
  value: V
  expiresAtMs: number
}

export class MapModel<V> {
  readonly #entries = new Map<string, Modelled<V>>()
  nowMs = 1_700_000_000_000

  #live(key: string): Modelled<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.expiresAtMs <= this.nowMs) this.#entries.delete(key)
    return this.#entries.get(key)
  }

  /** Key, value and remaining ttl of all that has not expired, by key. */
  contents(): [string, V, number][] {
    return [...this.#entries.keys()]
      .filter((key) => this.#live(key) !== undefined)
      .sort()
      .map((key) => [key, this.get(key) as V, this.remainingTtlMs(key) as number])
  }

  get(key: string): V | undefined {
    return this.#live(key)?.value
  }

  set(key: string, value: V, ttlMs = Infinity): void {
    this.#entries.set(key, { value, expiresAtMs: this.nowMs + ttlMs })
  }

  /** Stores, keeping the ttl of a key that is there. */
  setKeeping(key: string, value: V): void {
    this.set(key, value, this.remainingTtlMs(key) ?? Infinity)
  }

  insert(key: string, value: V, ttlMs = Infinity): boolean {
    if (this.#live(key) !== undefined) return false
    this.set(key, value, ttlMs)
    return true
  }

  replace(key: string, value: V): boolean {
    if (this.#live(key) === undefined) return false
    this.setKeeping(key, value)
    return true
  }

  take(key: string): V | undefined {
    const old = this.get(key)
    this.#entries.delete(key)
    return old
  }

  delete(key: string): boolean {
    return this.#live(key) !== undefined && this.#entries.delete(key)
  }

  exchange(key: string, value: V): V | undefined {
    const old = this.get(key)
    this.set(key, value)
    return old
  }

  compareAndSet(key: string, expected: V | undefined, next: V): boolean {
    if (!isDeepStrictEqual(this.get(key), expected)) return false
    this.setKeeping(key, next)
    return true
  }

  compute(key: string, next: V | undefined): V | undefined {
    if (next === undefined) this.#entries.delete(key)
    else this.setKeeping(key, next)
    return next
  }

  getOrInsert(key: string, value: V): V {
    this.insert(key, value)
    return this.get(key) as V
  }

  getEntry(key: string): { value: V; remainingTtlMs: number } | undefined {
    const entry = this.#live(key)
    return entry && { value: entry.value, remainingTtlMs: entry.expiresAtMs - this.nowMs }
  }

  expire(key: string, ttlMs: number): boolean {
    const entry = this.#live(key)
    if (entry !== undefined) entry.expiresAtMs = this.nowMs + ttlMs
    return entry !== undefined
  }

  persist(key: string): boolean {
    const entry = this.#live(key)
    if (entry === undefined || entry.expiresAtMs === Infinity) return false
    entry.expiresAtMs = Infinity
    return true
  }

  remainingTtlMs(key: string): number | undefined {
    return this.getEntry(key)?.remainingTtlMs
  }

  clear(): void {
    this.#entries.clear()
  }
}

/** Adds to a modelled number that must stay in `fits`; a ttl is for a key that is created. */
export function incrementModel(
  model: MapModel<number>,
  key: string,
  by: number,
  ttlMs: number | undefined,
  fits: (sum: number) => boolean,
): number | 'BAD_VALUE' {
  const sum = (model.get(key) ?? 0) + by
  if (!fits(sum)) return 'BAD_VALUE'
  if (!model.insert(key, sum, ttlMs)) model.setKeeping(key, sum)
  return sum
}
