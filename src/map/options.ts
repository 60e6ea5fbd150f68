/** What a map is created or attached with, checked at the edge and turned into the table's facts. */
import type { Clock } from '../base/clock.js'
import {
  DEFAULT_CAPACITY_BYTES,
  DEFAULT_LOCK_TIMEOUT_MS,
  KIB,
  MAX_CAPACITY_BYTES,
  MAX_TTL_MS,
  MIN_CAPACITY_BYTES,
} from '../base/limits.js'
import { formatSize, parseSize } from '../base/size.js'
import { type Codec, describe } from '../codec/codec.js'
import { EVICTION } from '../memory/header.js'
import type { TableFacts } from '../table/space.js'

export interface AttachOptions<K, V> {
  /** Codec of the keys. Default: what the region says, for a built-in codec; else strings. */
  readonly keys?: Codec<K>
  /** Codec of the values. Default as for keys. */
  readonly values?: Codec<V>
  /** How long an operation waits for a lock whose owner is alive, in milliseconds. Default 1000. */
  readonly lockTimeoutMs?: number
  /** Wall clock in milliseconds since 1970, for tests. Default: the system's. */
  readonly clock?: Clock
}

export interface MapOptions<K, V> extends AttachOptions<K, V> {
  /** Memory for entries and buckets, in bytes or as '64MiB'. Default 64 MiB. */
  readonly capacity?: number | string
  /** Lock stripes, rounded up to a power of two. Default: one for every 512 KiB, at least 16. */
  readonly stripes?: number
  /** Entries to have buckets for from the start; the table grows beyond by itself. Default: it starts small. */
  readonly initialSize?: number
  /** Most entries at a time; one more is as one that memory has no room for (see `eviction`). Default: no limit. */
  readonly maxEntries?: number
  /** What happens when memory runs out: 'none', the operation fails with FULL. ('clock' is refused in this version.) */
  readonly eviction?: 'none' | 'clock'
  /** Ttl of a `set` that names none, in milliseconds. Default: none. */
  readonly defaultTtlMs?: number
}

/** Memory behind one stripe by default: about 4 000 entries of 128 bytes. */
const BYTES_PER_STRIPE = 512 * KIB
const LEAST_STRIPES = 16
const MOST_STRIPES = 1 << 17
/** The header keeps it in an int32. */
const MOST_ENTRIES = 2 ** 31 - 1

export function tableFacts<K, V>(
  options: MapOptions<K, V>,
  keyCodec: string,
  valueCodec: string,
): TableFacts {
  const capacityBytes = checkCapacity(options.capacity ?? DEFAULT_CAPACITY_BYTES)
  return {
    capacityBytes,
    stripeBits: stripeBits(options.stripes, capacityBytes),
    eviction: checkEviction(options.eviction ?? 'none'),
    maxEntries: checkMaxEntries(options.maxEntries),
    defaultTtlMs: options.defaultTtlMs === undefined ? 0 : checkTtl(options.defaultTtlMs, 'defaultTtlMs'),
    keyCodec,
    valueCodec,
  }
}

/** Returns `ttlMs` if it can be one. Throws TypeError or RangeError. */
export function checkTtl(ttlMs: unknown, name = 'ttlMs'): number {
  if (typeof ttlMs !== 'number')
    throw new TypeError(`${name} must be a number of milliseconds, not ${typeof ttlMs}`)
  if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
    throw new RangeError(`${name} must be above 0 and at most ${MAX_TTL_MS} milliseconds, not ${ttlMs}`)
  }
  return ttlMs
}

export function checkInitialSize(entries: number): number {
  if (Number.isSafeInteger(entries) && entries >= 0) return entries
  throw new RangeError(`initialSize must be a whole number of entries, not ${entries}`)
}

/** The limit as the header has it: 0 for none. */
function checkMaxEntries(entries: number | undefined): number {
  if (entries === undefined) return 0
  if (typeof entries !== 'number')
    throw new TypeError(`maxEntries must be a number of entries, not ${describe(entries)}`)
  if (Number.isInteger(entries) && entries >= 1 && entries <= MOST_ENTRIES) return entries
  throw new RangeError(`maxEntries must be a whole number from 1 to ${MOST_ENTRIES}, not ${entries}`)
}

export function checkLockTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return DEFAULT_LOCK_TIMEOUT_MS
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0 && timeoutMs <= 3_600_000)) {
    throw new RangeError(`lockTimeoutMs must be above 0 and at most 3600000 milliseconds, not ${timeoutMs}`)
  }
  return timeoutMs
}

function checkCapacity(capacity: number | string): number {
  const bytes = parseSize(capacity, 'capacity')
  if (bytes < MIN_CAPACITY_BYTES || bytes > MAX_CAPACITY_BYTES) {
    throw new RangeError(
      `capacity must be between ${formatSize(MIN_CAPACITY_BYTES)} and ${formatSize(MAX_CAPACITY_BYTES)}, ` +
        `not ${formatSize(bytes)}`,
    )
  }
  return bytes
}

function stripeBits(stripes: number | undefined, capacityBytes: number): number {
  if (stripes !== undefined && !(Number.isInteger(stripes) && stripes >= 1 && stripes <= MOST_STRIPES)) {
    throw new RangeError(`stripes must be a whole number from 1 to ${MOST_STRIPES}, not ${stripes}`)
  }
  const wanted = stripes ?? Math.min(MOST_STRIPES, Math.max(LEAST_STRIPES, capacityBytes / BYTES_PER_STRIPE))
  return Math.ceil(Math.log2(wanted))
}

function checkEviction(eviction: string): number {
  if (eviction === 'none') return EVICTION.NONE
  if (eviction === 'clock') throw new RangeError("eviction 'clock' is not in this version yet: use 'none'")
  throw new TypeError(`eviction must be 'none', not '${eviction}'`)
}
