/** Times of entries as operations carry them: a ttl in milliseconds in a request, what is left of one in a reply. */
import { checkTtl } from '../../map/arguments.js'
import type { Store } from '../../store/store.js'

/** Moment of expiry for a ttl of a request, where 0 says that there is none. Throws RangeError. */
export function expiryOf(store: Store, ttlMs: number): number | 'none' {
  return ttlMs === 0 ? 'none' : momentOf(store, ttlMs)
}

/** Whole milliseconds, as every front shows them. Throws RangeError for a ttl that cannot be. */
export function momentOf(store: Store, ttlMs: number): number {
  return store.nowMs() + Math.ceil(checkTtl(ttlMs))
}

/** Infinity without an expiry. */
export function remainingOf(store: Store, expiresAtMs: number): number {
  return expiresAtMs === Infinity ? Infinity : Math.max(0, expiresAtMs - store.nowMs())
}
