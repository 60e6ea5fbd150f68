/** Counters and sizes of a table, added up over all participants. A report while others write, not an account. */
import { CLASS, CLASS_WORDS, CLASSES_AT, HEADER, POOL } from '../memory/header.js'
import { COUNTERS, type CounterName, PARTICIPANT } from '../memory/participant.js'
import { recordsInUse } from '../memory/participant-list.js'
import { PAGE_BYTES, sizeClasses } from '../memory/size-classes.js'
import { sumOfStripes } from './entry-limit.js'
import type { TableView } from './view.js'

export type TableStats = { readonly [name in CounterName]: number } & {
  readonly entries: number
  readonly capacityBytes: number
  /** Bytes of pages in use, bucket lines included. */
  readonly usedBytes: number
  /** Of them, those that each size of chunk has, by its bytes; the rest are bucket lines and larger values. */
  readonly bytesByClass: Readonly<Record<number, number>>
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
    bytesByClass: bytesByClass(view),
    stripes: view.shape.stripes,
    participants: records.length,
  }
}

function bytesByClass({ words, facts }: TableView): Record<number, number> {
  const bytes: Record<number, number> = {}
  for (const [index, { chunkBytes, spanPages }] of sizeClasses(facts.capacityBytes).classes.entries()) {
    const spans = words[CLASSES_AT + index * CLASS_WORDS + CLASS.spans]!
    if (spans > 0) bytes[chunkBytes] = spans * spanPages * PAGE_BYTES
  }
  return bytes
}
