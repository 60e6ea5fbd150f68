/**
 * Many keys at once: encoded group by group, touched, then read or written one by one (see table/batch.ts). Each
 * operation is atomic by itself. Codecs and iterators of the caller may come back to the map: a batch within a batch
 * goes key by key.
 */
import { BATCH_KEYS, type Batch } from '../table/batch.js'
import { READ_TEXT } from '../table/reader.js'
import type { MapAccess } from './access.js'

/** The values of `wanted` keys, in their order; undefined where there is none. */
export function readMany<K, V>(access: MapAccess<K, V>, wanted: Iterable<K>): (V | undefined)[] {
  const found: (V | undefined)[] = []
  const { batch } = access.open()
  if (!batch.begin()) {
    for (const key of wanted) found.push(access.values.read(access.seek(key)))
    return found
  }
  try {
    let count = 0
    for (const key of wanted) {
      access.keys.putKey(access.keys.prepare(key), batch.keys[count]!)
      if (++count < BATCH_KEYS) continue
      readGroup(access, batch, count, found)
      count = 0
    }
    readGroup(access, batch, count, found)
  } finally {
    batch.end()
  }
  return found
}

function readGroup<K, V>(
  access: MapAccess<K, V>,
  batch: Batch,
  count: number,
  found: (V | undefined)[],
): void {
  const { values } = access
  const table = access.open()
  const { codec } = values
  const readsText = values.reads === READ_TEXT && codec.carrier === 'text'
  let hits = 0
  batch.touch(count)
  for (let index = 0; index < count; index++) {
    const text = readsText ? batch.readText(index) : undefined
    if (text !== undefined && codec.carrier === 'text') {
      hits++
      found.push(codec.fromText(text))
    } else {
      found.push(values.read(table, batch.keys[index]!))
    }
  }
  if (hits > 0) table.noteHits(hits)
}
