/** What a direct store is told, and what that means for the region it lies in and for who joins that. */
import { EVICTION } from '../memory/header.js'
import type { TableFacts } from '../table/space.js'
import type { TableOptions } from '../table/table.js'
import { withHeadroom } from './headroom.js'

const DEFAULT_LOCK_TIMEOUT_MS = 1000
const BYTES_PER_STRIPE_BITS = 19

export interface DirectStoreOptions {
  readonly capacityBytes: number
  /** Number of stripes as a power of two. Default: one for every 512 KiB, at least 16. */
  readonly stripeBits?: number
  /** What happens when memory runs out. Default 'none': writes fail with FULL. */
  readonly eviction?: 'none' | 'clock'
  readonly lockTimeoutMs?: number
  /** The secret key of the hash, where it must outlive the region. Default: random. */
  readonly hashKey?: readonly [number, number]
  /** The table has one writer, behind a log: others only read it, by the time that the writer tells. */
  readonly isSequenced?: boolean
  /** With `isSequenced`: reads throw AskWriter where only the writer can answer. */
  readonly asksWriter?: boolean
  /** Wall clock, milliseconds since 1970, for tests. */
  readonly clock?: () => number
}

/** What a region for these options is created with. */
export function factsOf(options: DirectStoreOptions): TableFacts {
  const bits = Math.ceil(Math.log2(options.capacityBytes)) - BYTES_PER_STRIPE_BITS
  return {
    capacityBytes: options.isSequenced === true ? withHeadroom(options.capacityBytes) : options.capacityBytes,
    stripeBits: options.stripeBits ?? Math.min(17, Math.max(4, bits)),
    eviction: options.eviction === 'clock' ? EVICTION.CLOCK : EVICTION.NONE,
    maxEntries: 0,
    defaultTtlMs: 0,
    keyCodec: 'bytes',
    valueCodec: 'bytes',
    ...(options.hashKey === undefined ? {} : { hashKey: options.hashKey }),
  }
}

/** What a table of such a region is joined with. */
export function attachmentOf(options: Partial<DirectStoreOptions>): TableOptions {
  const { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS, isSequenced = false, asksWriter = false, clock } = options
  return { lockTimeoutMs, isSequenced, asksWriter, ...(clock === undefined ? {} : { clock }) }
}
