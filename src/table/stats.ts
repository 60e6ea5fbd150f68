/** Counters and sizes of a table, added up over all participants. A report while others write, not an account. */
import { HEADER, POOL } from '../memory/header.js'
import { COUNTERS, type CounterName, PARTICIPANT } from '../memory/participant.js'
import { recordsInUse } from '../memory/participant-list.js'
import { PAGE_BYTES } from '../memory/size-classes.js'
import { sumOfStripes } from './entry-limit.js'
import type { TableView } from './view.js'

export type TableStats = { readonly [name in CounterName]: number } & {
  readonly entries: number
  readonly capacityBytes: number
  /** Bytes of pages in use, bucket lines included. */
  readonly usedBytes: number
  readonly stripes: number
  readonly participants: number
}

/** `own`: what the caller has counted beside the region's counters. */
export function tableStats(view: TableView, own: { readonly [name in CounterName]?: number }): TableStats {
  const sums = HEADER.retiredCounters >>> 1
  const records = [...recordsInUse(view.words, view.shape)]
  const counters = {} as Record<CounterName, number>
  for (const [name, slot] of Object.entries(COUNTERS) as [CounterName, number][]) {
    counters[name] = view.floats[sums + slot]! + (own[name] ?? 0)
    for (const at of records) counters[name] += view.floats[((at + PARTICIPANT.counters) >>> 1) + slot]!
  }
  const freePages = view.words[HEADER.pool + POOL.freePages]!
  return {
    ...counters,
    entries: sumOfStripes(view),
    capacityBytes: view.shape.totalPages * PAGE_BYTES,
    usedBytes: (view.shape.totalPages - freePages) * PAGE_BYTES,
    stripes: view.shape.stripes,
    participants: records.length,
  }
}
