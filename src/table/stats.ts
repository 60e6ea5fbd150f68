/** Counters and sizes of a table, added up over all participants. A report while others write, not an account. */
import { HEADER } from '../memory/header.js'
import { COUNTERS, type CounterName, PARTICIPANT } from '../memory/participant.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import type { Space } from './space.js'

export type TableStats = { readonly [name in CounterName]: number } & {
  readonly entries: number
  readonly capacityBytes: number
  /** Bytes of pages in use, bucket lines included. */
  readonly usedBytes: number
  readonly stripes: number
  readonly participants: number
}

export function tableStats(space: Space, entries: number): TableStats {
  const sums = HEADER.retiredCounters >>> 1
  const records = [...space.registry.records()]
  const counters = {} as Record<CounterName, number>
  for (const [name, slot] of Object.entries(COUNTERS) as [CounterName, number][]) {
    counters[name] = space.floats[sums + slot]!
    for (const at of records) counters[name] += space.floats[((at + PARTICIPANT.counters) >>> 1) + slot]!
  }
  return {
    ...counters,
    lockWaits: counters.lockWaits + space.locks.waits,
    entries,
    capacityBytes: space.shape.totalPages * PAGE_BYTES,
    usedBytes: space.usedBytes,
    stripes: space.shape.stripes,
    participants: records.length,
  }
}
