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
  const found: WalkedEntry[] = []
  let next = cursor
  do next = walker.step(next, found, false)
  while (next !== 0 && found.length < count)
  const keys: Buffer[] = []
  for (const entry of found) {
    key.setBytes(entry.key)
    const isOverridden = pending.cleared !== undefined || pending.find(key) !== undefined
    if (!isOverridden && entry.expiresAtMs > nowMs) keys.push(entry.key)
  }
  for (const write of pending.writes()) {
    if (write.reference === 0 || staging.expiryOf(write.reference) <= nowMs) continue
    const at = staging.cursorOf(write.hash)
    if (at < cursor || (next !== 0 && at >= next)) continue
    key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    keys.push(Buffer.from(key.buffer.subarray(0, key.byteLength)))
  }
  return { cursor: next, keys }
}
