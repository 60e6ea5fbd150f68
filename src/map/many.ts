/**
 * Reading many keys at once: encoded group by group, touched, then read one by one (see table/batch.ts). Each read is
 * atomic by itself. Codecs of the caller may come back to the map: a batch within a batch reads key by key.
 */
import { BATCH_KEYS } from '../table/batch.js'
import type { MapAccess } from './access.js'
import type { Prepared } from './transcoder.js'

/** The values of `wanted` keys, in their order; undefined where there is none. */
export function readMany<K, V>(access: MapAccess<K, V>, wanted: Iterable<K>): (V | undefined)[] {
  const { keys, values } = access
  const table = access.open()
  const prepared: Prepared[] = []
  for (const key of wanted) prepared.push(keys.prepare(key))
  const { batch } = table
  const found: (V | undefined)[] = []
  const isFree = batch.begin()
  try {
    for (let start = 0; start < prepared.length; start += BATCH_KEYS) {
      const count = Math.min(BATCH_KEYS, prepared.length - start)
      if (isFree) {
        for (let i = 0; i < count; i++) keys.putKey(prepared[start + i]!, batch.keys[i]!)
        batch.touch(count)
      }
      for (let i = 0; i < count; i++) {
        const key = isFree ? batch.keys[i]! : table.key
        if (!isFree) keys.putKey(prepared[start + i]!, key)
        found.push(values.read(table, key))
      }
    }
  } finally {
    if (isFree) batch.end()
  }
  return found
}
