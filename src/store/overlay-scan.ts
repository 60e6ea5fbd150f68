/**
 * A page of keys of a table with what is pending on top of it. A pending set has its place in the order of the walk by
 * its hash, so that a walk over several pages, between which it may have been applied, meets it once.
 */
import type { KeyBuffer } from '../table/key-buffer.js'
import type { Table } from '../table/table.js'
import type { WalkedEntry } from '../table/walker.js'
import type { PendingIndex } from './pending-index.js'
import type { ScanPage } from './store.js'

/** `key` is scratch. */
export function scanOverlay(
  table: Table,
  pending: PendingIndex,
  key: KeyBuffer,
  nowMs: number,
  cursor: number,
  count: number,
): ScanPage {
  const { walker, staging } = table
  if (!walker.isCursor(cursor)) return { cursor: 0, keys: [] }
  const keys: Buffer[] = []
  let next = cursor
  // Below a pending clear, nothing of the table counts.
  if (pending.cleared !== undefined) next = 0
  else {
    do next = stepOver(table, pending, key, nowMs, next, keys)
    while (next !== 0 && keys.length < count)
  }
  for (const write of pending.writes()) {
    if (write.reference === 0 || staging.chunks.expiryOf(write.reference) <= nowMs) continue
    const at = staging.cursorOf(write.hash)
    if (at < cursor || (next !== 0 && at >= next)) continue
    key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    keys.push(Buffer.from(key.buffer.subarray(0, key.byteLength)))
  }
  return { cursor: next, keys }
}

/** Adds the keys of one step of the walk on which nothing is pending; returns the cursor behind it. */
function stepOver(
  table: Table,
  pending: PendingIndex,
  key: KeyBuffer,
  nowMs: number,
  cursor: number,
  keys: Buffer[],
): number {
  const found: WalkedEntry[] = []
  const next = table.walker.step(cursor, found, false)
  for (const entry of found) {
    key.setBytes(entry.key)
    if (pending.find(key) === undefined && entry.expiresAtMs > nowMs) keys.push(entry.key)
  }
  return next
}
