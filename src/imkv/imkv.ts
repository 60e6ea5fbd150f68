/**
 * imkv: the C interface of the in-memory table, name by name and number by number, for threads of one process.
 *
 *   ht_init(1024)                        one thread makes the table
 *   new Worker(file, { workerData: ht_share() })
 *   ht_attach(workerData)                every other thread joins it
 *   ht_insert('k', 'v')                  HT_RET.INSERT_OK, at the end of its bucket's chain
 *   ht_lookup('k', out)                  HT_RET.FOUND, and out.val is 'v'
 *
 * As in C there is one table, so this file has the one mutable word of module state in Hearth: this thread's handle on
 * it. Nothing here throws for what a caller can get wrong: each call answers its failing code, also before ht_init and
 * after ht_destroy. Only a broken invariant throws.
 *
 * Any thread may call anything at any time, and may end at any instruction. Keys are 1 byte to 64 KiB of UTF-8, values
 * to 64 MiB; a lone surrogate has no UTF-8 and is refused. The names are the original's, against this project's style.
 */
import { isOperationError } from '../base/errors.js'
import type { ImkvEntry } from './chain-reader.js'
import { type ImkvHandle, ImkvTable } from './imkv-table.js'

export type { ImkvEntry } from './chain-reader.js'
export type { ImkvHandle } from './imkv-table.js'

/** What calls answer; the numbers are the original's. */
export const HT_RET = {
  INIT_OK: 0,
  INIT_FAILED: 1,
  INSERT_OK: 2,
  INSERT_FAILED: 3,
  FOUND: 4,
  NOTFOUND: 5,
  DELETE_OK: 6,
  DELETE_FAILED: 7,
} as const
export type HT_RET = (typeof HT_RET)[keyof typeof HT_RET]

export interface HtInitOptions {
  /** Memory for entries and their buckets: 64 KiB to 60 GiB. Default 64 MiB. It never grows. */
  readonly arenaBytes?: number
}

let current: ImkvTable | undefined

/** This thread's table, unless there is none or another thread has destroyed it. */
function table(): ImkvTable | undefined {
  if (current?.isDestroyed) leave()
  return current
}

function leave(): void {
  const left = current
  current = undefined
  left?.close()
}

/** Makes the table: `num_buckets` chains, from 1 to 2^32 - 1, for good. INIT_FAILED if this thread has one. */
export function ht_init(num_buckets: number, options: HtInitOptions | null = {}): HT_RET {
  return start(() => ImkvTable.create(num_buckets, options?.arenaBytes))
}

/** Joins the table of another thread, by what its `ht_share` gave. INIT_FAILED if this thread has one. */
export function ht_attach(handle: ImkvHandle): HT_RET {
  return start(() => ImkvTable.attach(handle))
}

function start(make: () => ImkvTable): HT_RET {
  if (table() !== undefined) return HT_RET.INIT_FAILED
  try {
    current = make()
    return HT_RET.INIT_OK
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || isOperationError(error))
      return HT_RET.INIT_FAILED
    throw error
  }
}

/** Puts a copy of the entry at the end of its chain. INSERT_FAILED if the key is there, empty, or there is no room. */
export function ht_insert(key: string | null | undefined, val: string | null | undefined): HT_RET {
  const isText = typeof key === 'string' && typeof val === 'string'
  return isText && table()?.insert(key, val) === true ? HT_RET.INSERT_OK : HT_RET.INSERT_FAILED
}

/** Sets `out.val` to a copy of the value if it answers FOUND, and leaves it alone otherwise. */
export function ht_lookup(key: string | null | undefined, out?: { val?: string } | null): HT_RET {
  const val = typeof key === 'string' ? table()?.lookup(key) : undefined
  if (val === undefined) return HT_RET.NOTFOUND
  if (out !== undefined && out !== null) out.val = val
  return HT_RET.FOUND
}

export function ht_delete(key: string | null | undefined): HT_RET {
  return typeof key === 'string' && table()?.delete(key) === true ? HT_RET.DELETE_OK : HT_RET.DELETE_FAILED
}

/**
 * The chain of bucket 0 to num_buckets - 1 as it was at one moment, in the order of insertion. Empty where there is no
 * such bucket or no table. Which keys share a bucket is decided by a keyed hash, anew for every table.
 */
export function ht_iterate(bucket: number): ImkvEntry[] {
  return table()?.chain(bucket) ?? []
}

/** Number of entries; 0 without a table. */
export function ht_count(): number {
  return table()?.count ?? 0
}

/** What another thread gives to `ht_attach`, to be sent as workerData or by postMessage; undefined without a table. */
export function ht_share(): ImkvHandle | undefined {
  return table()?.share()
}

/** Ends the table for all threads: whatever they call then answers its failing code. May be called again. */
export function ht_destroy(): void {
  table()?.destroy()
  current = undefined
}
