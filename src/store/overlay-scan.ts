/**
 * A page of keys of a table with what is pending on top of it. A pending set has its place in the order of the walk by
 * its hash, so that a walk over several pages, between which it may have been applied, meets it once.
 */
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Table } from '../table/table.js'
import type { WalkedEntry } from '../table/walker.js'
import type { PendingIndex } from './pending-index.js'
import type { ScanPage } from './store.js'

/** A page, and a key that it leaves out by a time that the log does not hold yet, if there is one. */
export interface OverlayPage extends ScanPage {
  readonly expired?: Buffer | undefined
}

/** What a page leaves out, and why. */
interface Leaves {
  readonly nowMs: number
  /** The time that the log holds. */
  readonly toldMs: number
  expired: Buffer | undefined
}

/** `key` is scratch. */
export function scanOverlay(
  table: Table,
  pending: PendingIndex,
  key: KeyBuffer,
  nowMs: number,
  cursor: number,
  count: number,
): OverlayPage {
  const { walker, staging } = table
  if (!walker.isCursor(cursor)) return { cursor: 0, keys: [] }
  const keys: Buffer[] = []
  const leaves: Leaves = { nowMs, toldMs: table.clock.nowMs(), expired: undefined }
  let next = cursor
  // Below a pending clear, nothing of the table counts.
  if (pending.cleared !== undefined) next = 0
  else {
    do next = stepOver(table, pending, key, leaves, next, keys)
    while (next !== 0 && keys.length < count)
  }
  for (const write of pending.writes()) {
    if (write.reference === 0) continue
    const at = staging.cursorOf(write.hash)
    if (at < cursor || (next !== 0 && at >= next)) continue
    key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    const own = Buffer.from(key.buffer.subarray(0, key.byteLength))
    if (isThere(own, staging.chunks.expiryOf(write.reference), leaves)) keys.push(own)
  }
  return { cursor: next, keys, expired: leaves.expired }
}

/** A key by chance: one of the first page that has any, from `start` on or else from the beginning. */
export function keyFrom(start: number, scan: (cursor: number) => ScanPage): Buffer | undefined {
  for (const from of [start, 0]) {
    for (let cursor = from; ; ) {
      const page = scan(cursor)
      if (page.keys.length > 0) return page.keys[Math.floor(Math.random() * page.keys.length)]
      cursor = page.cursor
      if (cursor === 0) break
    }
  }
  return undefined
}

/** Whether a key has not expired; who is left out by a time that nobody has been told yet is noted. */
function isThere(key: Buffer, expiresAtMs: number, leaves: Leaves): boolean {
  if (expiresAtMs > leaves.nowMs) return true
  if (expiresAtMs > leaves.toldMs) leaves.expired = key
  return false
}

/** Adds the keys of one step of the walk on which nothing is pending; returns the cursor behind it. */
function stepOver(
  table: Table,
  pending: PendingIndex,
  key: KeyBuffer,
  leaves: Leaves,
  cursor: number,
  keys: Buffer[],
): number {
  const found: WalkedEntry[] = []
  const next = table.walker.step(cursor, found, false)
  for (const entry of found) {
    key.setBytes(entry.key)
    if (pending.find(key) === undefined && isThere(entry.key, entry.expiresAtMs, leaves)) keys.push(entry.key)
  }
  return next
}
