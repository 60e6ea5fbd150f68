/** What goes into and comes out of a SharedMap beside keys and values. */
export type { TableStats } from '../table/stats.js'

import type { SharedArrayHandle } from '../memory/shared-array-region.js'

/** What `share()` gives: structured-cloneable, for `workerData` or `postMessage`. */
export interface SharedMapHandle {
  readonly hearth: 'shared-map'
  readonly region: SharedArrayHandle
}

export interface SetOptions {
  /** Time to live in milliseconds, from now. */
  readonly ttlMs?: number
  /** Keep the expiry that the entry has. */
  readonly keepTtl?: boolean
  /** Only if the entry still has this version (see `getEntry`); else OperationError ABORTED. */
  readonly ifVersion?: number
}

export interface Entry<V> {
  readonly value: V
  /** Changes with every write of the key; means nothing after the map is gone. */
  readonly version: number
  /** Infinity without a ttl. */
  readonly remainingTtlMs: number
}
