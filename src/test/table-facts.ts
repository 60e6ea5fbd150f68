/** The facts of a table as tests make one: small, of texts, without limits, eviction or expiry of its own but what a test names. */
import { EVICTION } from '../memory/header.js'
import type { TableFacts } from '../table/space.js'

export function tableFacts(named: Partial<TableFacts> = {}): TableFacts {
  return {
    capacityBytes: 2 ** 20,
    stripeBits: 3,
    eviction: EVICTION.NONE,
    maxEntries: 0,
    defaultTtlMs: 0,
    keyCodec: 'string',
    valueCodec: 'string',
    ...named,
  }
}
