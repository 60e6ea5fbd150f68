/**
 * Going over all entries. Weakly consistent: what is there throughout is seen exactly once, what comes or goes
 * meanwhile may be seen or not. The caller may change the map between two entries.
 */
import { READ_NOTHING } from '../table/reader.js'
import type { WalkedEntry } from '../table/walker.js'
import type { MapAccess } from './access.js'
import { checkCallNames, checkWholeNumber } from './arguments.js'

const CURSOR_KEYS = 10
const SCAN_NAMES: ReadonlySet<string> = new Set(['count'])

/** A page of keys and where to go on; 0: from the beginning, or done. */
export function scan<K, V>(
  access: MapAccess<K, V>,
  cursor: number,
  options: { readonly count?: number } | undefined,
): { cursor: number; keys: K[] } {
  const table = access.open()
  if (typeof cursor !== 'number' || !table.isCursor(cursor))
    throw new RangeError(`${String(cursor)} is no cursor of this map: begin with 0`)
  const { count = CURSOR_KEYS } = checkCallNames(options, 'scan', '{ count: 100 }', SCAN_NAMES) ?? {}
  checkWholeNumber(count, 'count', 1, Number.MAX_SAFE_INTEGER)
  const found: WalkedEntry[] = []
  let next = cursor
  do next = table.step(next, found, false)
  while (next !== 0 && found.length < count)
  return { cursor: next, keys: found.map((entry) => access.keys.decodeBytes(entry.key)) }
}

export function* keysOf<K, V>(access: MapAccess<K, V>): Generator<K, undefined> {
  for (const bytes of walk(access, READ_NOTHING)) yield access.keys.decodeBytes(bytes)
}

export function* valuesOf<K, V>(access: MapAccess<K, V>): Generator<V, undefined> {
  for (const _ of walk(access, access.values.reads)) yield access.values.decode(access.table.reader)
}

export function* entriesOf<K, V>(access: MapAccess<K, V>): Generator<[K, V], undefined> {
  for (const bytes of walk(access, access.values.reads)) {
    const value = access.values.decode(access.table.reader)
    yield [access.keys.decodeBytes(bytes), value]
  }
}

/** The keys of all entries; each entry's value is in the reader when its key comes. */
function* walk<K, V>(access: MapAccess<K, V>, what: number): Generator<Buffer, undefined> {
  const table = access.open()
  let cursor = 0
  do {
    const found: WalkedEntry[] = []
    cursor = table.step(cursor, found, false)
    for (const { key } of found) {
      // Looked up again: since the step, the caller may have deleted or changed it.
      access.open().key.setBytes(key)
      if (table.look(what)) yield key
    }
  } while (cursor !== 0)
}
