/** What a map is created or attached with, checked at the edge and turned into the table's facts. */
import { type Clock, wallClockMs } from '../base/clock.js'
import {
  DEFAULT_CAPACITY_BYTES,
  DEFAULT_LOCK_TIMEOUT_MS,
  GRANULE_BYTES,
  KIB,
  LINE_BYTES,
  MAX_CAPACITY_BYTES,
  MIN_CAPACITY_BYTES,
} from '../base/limits.js'
import { formatSize, parseSize } from '../base/size.js'
import { type Codec, describe } from '../codec/codec.js'
import { EVICTION } from '../memory/header.js'
import { ENTRIES_PER_BUCKET } from '../table/layout.js'
import type { TableFacts } from '../table/space.js'
import { checkTtl, checkWholeNumber, type OptionNames } from './arguments.js'
import { checkLogger, type Logger } from './logger.js'

export interface AttachOptions<K, V> {
  /** Codec of the keys. Default: what the region says, for a built-in codec; else strings. */
  readonly keys?: Codec<K>
  /** Codec of the values. Default as for keys. */
  readonly values?: Codec<V>
  /** How long an operation waits for a lock whose owner is alive, in milliseconds. Default 1000. */
  readonly lockTimeoutMs?: number
  /**
   * Memory for decoded values that this thread keeps, in bytes or as '16MiB', counted by what values take encoded;
   * for keys that are read again and again. 0 (the default): none. `get` then returns the same object again, deeply
   * frozen, until the key changes (or the growing table moves its entry). Only plain objects, arrays and primitives
   * are kept (what holds a Map, a Set, a Date, a typed array or an instance of a class cannot be frozen, and is decoded
   * anew, unfrozen), under keys that are strings, bigints or numbers.
   */
  readonly decodedCache?: number | string
  /**
   * Is told when this thread has repaired what one that died left half done, when the table was given up, and when an
   * opener with onMismatch 'recreate' has replaced it. Default: nobody is.
   */
  readonly logger?: Logger
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
  /**
   * What happens when memory (or `maxEntries`) runs out. 'none', the default: the operation fails with FULL. 'clock':
   * entries that were not used lately make room, expired ones first.
   */
  readonly eviction?: 'none' | 'clock'
  /**
   * Whether a table of 128 MiB and more asks for memory in pages of 2 MiB, which makes look-ups faster. Default true;
   * it takes Linux and the package koffi, and is passed over without them. Not for named tables.
   */
  readonly hugePages?: boolean
  /** Ttl of a `set` that names none, in milliseconds. Default: none. */
  readonly defaultTtlMs?: number
}

export const MAP_OPTIONS: OptionNames<keyof MapOptions<unknown, unknown>> = {
  capacity: true,
  maxEntries: true,
  stripes: true,
  initialSize: true,
  keys: true,
  values: true,
  eviction: true,
  defaultTtlMs: true,
  decodedCache: true,
  hugePages: true,
  lockTimeoutMs: true,
  clock: true,
  logger: true,
}

/** Memory behind one stripe by default: about 4 000 entries of 128 bytes. */
const BYTES_PER_STRIPE = 512 * KIB
const LEAST_STRIPES = 16
const MOST_STRIPES = 1 << 17
/** The header keeps it in an int32. */
const MOST_ENTRIES = 2 ** 31 - 1
const MAX_LOCK_TIMEOUT_MS = 3_600_000

export function tableFacts<K, V>(
  options: MapOptions<K, V>,
  keyCodec: string,
  valueCodec: string,
): TableFacts {
  const { capacity = DEFAULT_CAPACITY_BYTES, maxEntries, defaultTtlMs, eviction = 'none' } = options
  const capacityBytes = checkCapacity(capacity)
  return {
    capacityBytes,
    stripeBits: stripeBits(options.stripes, capacityBytes),
    eviction: checkEviction(eviction),
    maxEntries: maxEntries === undefined ? 0 : checkWholeNumber(maxEntries, 'maxEntries', 1, MOST_ENTRIES),
    defaultTtlMs: defaultTtlMs === undefined ? 0 : checkTtl(defaultTtlMs, 'defaultTtlMs'),
    keyCodec,
    valueCodec,
  }
}

/**
 * Entries to have buckets for; undefined for none. Throws RangeError if the smallest ones would not fit the capacity.
 */
export function checkInitialSize(entries: number | undefined, capacityBytes: number): number {
  if (entries === undefined) return 0
  checkWholeNumber(entries, 'initialSize', 0, Number.MAX_SAFE_INTEGER)
  const leastBytes = Math.ceil(entries * (LINE_BYTES / ENTRIES_PER_BUCKET + GRANULE_BYTES))
  if (leastBytes <= capacityBytes) return entries
  throw new RangeError(
    `initialSize of ${entries} entries takes at least ${formatSize(leastBytes)}, more than the capacity of ` +
      formatSize(capacityBytes),
  )
}

/** What each user of a table says for itself, of whatever table. Throws TypeError or RangeError. */
export function checkAttachOptions<K, V>(
  options: AttachOptions<K, V>,
): {
  lockTimeoutMs: number
  clock: Clock
  cacheBytes: number
  logger: Logger | undefined
} {
  return {
    lockTimeoutMs: checkLockTimeout(options.lockTimeoutMs),
    clock: checkClock(options.clock),
    cacheBytes: checkCacheSize(options.decodedCache),
    logger: checkLogger(options.logger),
  }
}

export function checkLockTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return DEFAULT_LOCK_TIMEOUT_MS
  if (typeof timeoutMs !== 'number')
    throw new TypeError(`lockTimeoutMs must be a number of milliseconds, not ${describe(timeoutMs)}`)
  if (timeoutMs > 0 && timeoutMs <= MAX_LOCK_TIMEOUT_MS) return timeoutMs
  throw new RangeError(
    `lockTimeoutMs must be above 0 and at most ${MAX_LOCK_TIMEOUT_MS} milliseconds, not ${timeoutMs}`,
  )
}

/** The codec of one role, if there is one. */
export function checkCodec<T>(role: 'keys' | 'values', codec: Codec<T> | undefined): Codec<T> | undefined {
  if (codec === undefined || typeof codec === 'function' || (typeof codec === 'object' && codec !== null))
    return codec
  throw new TypeError(`${role} must be a codec such as codecs.json(), not ${describe(codec)}`)
}

export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return wallClockMs
  if (typeof clock === 'function') return clock
  throw new TypeError(`clock must be a function that returns milliseconds, not ${describe(clock)}`)
}

/** Bytes for decoded values; 0 for none. */
export function checkCacheSize(size: number | string | undefined): number {
  return size === undefined ? 0 : parseSize(size, 'decodedCache')
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
  if (stripes !== undefined) checkWholeNumber(stripes, 'stripes', 1, MOST_STRIPES)
  const wanted = stripes ?? Math.min(MOST_STRIPES, Math.max(LEAST_STRIPES, capacityBytes / BYTES_PER_STRIPE))
  return Math.ceil(Math.log2(wanted))
}

function checkEviction(eviction: string): number {
  if (eviction === 'none') return EVICTION.NONE
  if (eviction === 'clock') return EVICTION.CLOCK
  throw new TypeError(`eviction must be 'none' or 'clock', not '${eviction}'`)
}
