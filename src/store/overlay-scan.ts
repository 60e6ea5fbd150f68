/**
 * A page of keys of a table with what is pending on top of it. A pending insert has its place in the order of the walk
 * from its hash on, so that a walk over several pages, between which it may have been applied, meets it once.
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
    if (entry.expiresAtMs <= nowMs) continue
    key.setBytes(entry.key)
    const write = pending.find(key)
    const isThere = write === undefined ? pending.cleared === undefined : write.reference !== 0
    if (isThere) keys.push(entry.key)
  }
  if (pending.isEmpty) return { cursor: next, keys }
  for (const write of pending.writes()) {
    if (write.reference === 0 || staging.expiryOf(write.reference) <= nowMs) continue
    const at = staging.cursorOf(write.hash)
    if (at < cursor || (next !== 0 && at >= next)) continue
    key.setStored(write.keyWords, write.keyAt, write.keyBytes, write.hash)
    if (staging.find(key) === 0) keys.push(Buffer.from(key.buffer.subarray(0, key.byteLength)))
  }
  return { cursor: next, keys }
}
