/** What goes into and comes out of a SharedMap beside keys and values. */
export type { TableStats } from '../table/stats.js'

import { describe } from '../codec/codec.js'
import type { MappedHandle } from '../memory/mapped-region.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import { checkBoolean, checkWholeNumber, ttlOf } from './arguments.js'

/** Versions are stamps, unsigned. */
const MAX_VERSION = 2 ** 32 - 1

/** What `share()` gives: structured-cloneable, for `workerData` or `postMessage`. */
export interface SharedMapHandle {
  readonly hearth: 'shared-map'
  readonly region: SharedArrayHandle | MappedHandle
}

/** Throws TypeError for what no `share()` gave. */
export function checkHandle(handle: unknown): void {
  if (typeof handle === 'object' && handle !== null) {
    const { hearth, region } = handle as { hearth?: unknown; region?: { buffers?: unknown } | null }
    if (hearth === 'shared-map' && Array.isArray(region?.buffers)) return
  }
  throw new TypeError(`attach takes what share() of a SharedMap gave, not ${describe(handle)}`)
}

export interface SetOptions {
  /** Time to live in milliseconds, from now. */
  readonly ttlMs?: number
  /** Keep the expiry that the entry has. */
  readonly keepTtl?: boolean
  /** Only if the entry still has this version (see `getEntry`); else OperationError ABORTED. */
  readonly ifVersion?: number
}

const SET_NAMES: ReadonlySet<string> = new Set(['ttlMs', 'keepTtl', 'ifVersion'])

/** What options of a set say, which has those `names`. Throws TypeError or RangeError. */
export function checkSetOptions(
  options: SetOptions,
  names = SET_NAMES,
): {
  ttlMs: number | undefined
  keepTtl: boolean
  ifVersion: number | undefined
} {
  const ttlMs = ttlOf(options, 'set', names)
  const keepTtl = checkBoolean(options.keepTtl, 'keepTtl')
  if (keepTtl && ttlMs !== undefined) throw new TypeError('give either ttlMs or keepTtl, not both')
  const { ifVersion } = options
  if (ifVersion !== undefined) checkWholeNumber(ifVersion, 'ifVersion', 0, MAX_VERSION)
  return { ttlMs, keepTtl, ifVersion }
}

export interface Entry<V> {
  readonly value: V
  /** Changes with every write of the key; means nothing after the map is gone. */
  readonly version: number
  /** Infinity without a ttl. */
  readonly remainingTtlMs: number
}
