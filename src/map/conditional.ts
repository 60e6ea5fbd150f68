/**
 * Operations that read, decide and write: each looks the entry up, and writes only if it still has the stamp that was
 * seen, else it tries again. User code (codecs, callbacks) runs in between, outside any lock, and before the write, so
 * what it throws has changed nothing.
 */
import { OperationError } from '../base/errors.js'
import { READ_BYTES, READ_NOTHING } from '../table/reader.js'
import type { Table } from '../table/table.js'
import { IF_ABSENT, IF_STAMP } from '../table/writer.js'
import type { MapAccess } from './access.js'

/** Deletes and returns the old value. */
export function take<K, V>(access: MapAccess<K, V>, key: K): V | undefined {
  const { values } = access
  const table = access.seekToWrite(key)
  for (;;) {
    if (!table.find(values.reads)) return undefined
    const { stamp } = table.reader
    const old = values.decode(table.reader)
    if (values.decodesByUserCode) access.seekToWrite(key)
    if (table.writer.remove(table.key, IF_STAMP, stamp)) return old
  }
}

/** Sets and returns the old value; clears the ttl. */
export function exchange<K, V>(access: MapAccess<K, V>, key: K, value: V): V | undefined {
  const { values } = access
  const table = access.stage(key, value)
  for (;;) {
    const found = table.find(values.reads)
    const { stamp } = table.reader
    const old = found ? values.decode(table.reader) : undefined
    if (found && values.decodesByUserCode) access.stage(key, value)
    if (putIfSame(table, found, stamp, access.expiryMs(undefined))) return old
  }
}

/** Stores `next` if the value's bytes are those of `expected`; keeps the ttl. */
export function compareAndSet<K, V>(access: MapAccess<K, V>, key: K, expected: V, next: V): boolean {
  const { values } = access
  // Encoded beside the buffers: the expected value must outlive the staging of the next one.
  const preparedExpected = values.prepare(expected)
  const preparedNext = values.prepare(next)
  const table = access.seekToWrite(key)
  values.putValue(preparedExpected, table.value)
  const wanted = Buffer.from(table.value.source.subarray(0, table.value.byteLength))
  values.putValue(preparedNext, table.value)
  return putAfterLook(access, table, (found) => found && table.reader.bytes.equals(wanted), READ_BYTES)
}

/** Stores what `fn(old)` returns, `undefined` deletes; keeps the ttl. */
export function compute<K, V>(
  access: MapAccess<K, V>,
  key: K,
  fn: (old: V | undefined) => V | undefined,
): V | undefined {
  const { values } = access
  for (;;) {
    const table = access.seekToWrite(key)
    const found = table.find(values.reads)
    const { stamp, expiresAtMs } = table.reader
    const next = fn(found ? values.decode(table.reader) : undefined)
    if (next === undefined) {
      if (!found || access.seekToWrite(key).writer.remove(table.key, IF_STAMP, stamp)) return undefined
    } else {
      access.stage(key, next)
      if (putIfSame(table, found, stamp, found ? expiresAtMs : access.expiryMs(undefined))) return next
    }
  }
}

/** The value, or what `make` returns, stored first. With many at once, all get the one that was stored. */
export function getOrInsert<K, V>(access: MapAccess<K, V>, key: K, make: (key: K) => V): V {
  const { values } = access
  let table = access.seekToWrite(key)
  if (table.find(values.reads)) return values.decode(table.reader)
  const made = make(key)
  for (;;) {
    table = access.stage(key, made)
    if (table.put(access.expiryMs(undefined), IF_ABSENT)) return made
    if (table.find(values.reads)) return values.decode(table.reader)
  }
}

/** Stores what is staged if the entry is there (or `orAbsent`), keeping its ttl; returns whether it did. */
export function putKeepingTtl<K, V>(access: MapAccess<K, V>, table: Table, orAbsent: boolean): boolean {
  return putAfterLook(access, table, (found) => found || orAbsent, READ_NOTHING)
}

/** Stores what is staged if the entry has `version`. Throws OperationError ABORTED. */
export function putIfVersion<K, V>(
  access: MapAccess<K, V>,
  table: Table,
  version: number,
  ttlMs: number | undefined,
  keepTtl: boolean,
): void {
  const found = table.has()
  const expiry = keepTtl && found ? table.reader.expiresAtMs : access.expiryMs(ttlMs)
  if (found && table.reader.stamp >>> 0 === version && table.put(expiry, IF_STAMP, version | 0)) return
  throw new OperationError(
    'ABORTED',
    `the entry no longer has version ${version}. Nothing was changed: read it again.`,
  )
}

/** Stores what is staged if `decide(found)` says so, keeping the ttl; tried again when somebody was faster. */
function putAfterLook<K, V>(
  access: MapAccess<K, V>,
  table: Table,
  decide: (found: boolean) => boolean,
  what: number,
): boolean {
  for (;;) {
    const found = table.reader.read(table.key, what)
    if (!decide(found)) return false
    const { stamp, expiresAtMs } = table.reader
    if (putIfSame(table, found, stamp, found ? expiresAtMs : access.expiryMs(undefined))) return true
  }
}

/** Stores what is staged if the key is as it was seen: with that stamp, or absent. */
function putIfSame(table: Table, found: boolean, stamp: number, expiresAtMs: number): boolean {
  return found ? table.put(expiresAtMs, IF_STAMP, stamp) : table.put(expiresAtMs, IF_ABSENT)
}
