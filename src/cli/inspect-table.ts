/**
 * `hearth inspect NAME`: a named table from outside: what it is, who uses it and what they hold, what its memory goes to, how
 * its entries lie. Read-only, and without the keys and values themselves.
 */
import { statSync } from 'node:fs'
import { EVICTION, HEADER, LAYOUT_VERSION, REGION_ROLE } from '../memory/header.js'
import type { ReadOnlyRegion } from '../memory/read-only-region.js'
import {
  type BucketOccupancy,
  bucketOccupancy,
  type MemoryOccupancy,
  memoryOccupancy,
} from '../table/occupancy.js'
import { type ParticipantReport, participantReports } from '../table/participant-report.js'
import { type TableStats, tableStats } from '../table/stats.js'
import { viewOf } from '../table/view.js'
import { inspectionLines } from './inspect-table-text.js'
import { withTable } from './named-table.js'
import { printJson, printLines } from './output.js'
import { Progress } from './progress.js'

export interface TableInspection {
  readonly name: string
  readonly state: 'ready' | 'retired'
  readonly role: 'direct' | 'served'
  readonly layoutVersion: number
  /** Tells this table from every other, also of the same name: hexadecimal. */
  readonly id: string
  readonly file: {
    readonly path: string
    readonly mode: string
    readonly user: number
    readonly sizeBytes: number
    /** What of it takes memory. */
    readonly usedBytes: number
  }
  readonly createdAtMs: number
  /** Everything that was to expire by then has. 0: nobody has been told so of anything. */
  readonly timeMs: number
  readonly keys: string
  readonly values: string
  readonly options: {
    readonly capacityBytes: number
    readonly stripes: number
    readonly eviction: 'none' | 'clock'
    /** 0: no limit. */
    readonly maxEntries: number
    /** 0: none. */
    readonly defaultTtlMs: number
  }
  readonly participants: readonly ParticipantReport[]
  readonly buckets: BucketOccupancy
  readonly memory: MemoryOccupancy
  readonly stats: TableStats
}

export async function inspectTable(name: string, options: { readonly json?: boolean } = {}): Promise<void> {
  await withTable(name, async (region) => {
    const inspection = inspect(region)
    if (options.json === true) printJson(inspection)
    else await printLines(inspectionLines(inspection))
  })
}

function inspect(region: ReadOnlyRegion): TableInspection {
  const view = viewOf(region)
  const { words, floats, facts } = view
  const { mode, uid, size, blocks } = statSync(region.name.path)
  const progress = new Progress('stripes')
  const buckets = bucketOccupancy(view, (done, of) => progress.update(done, done / of))
  progress.done()
  return {
    name: region.name.name,
    state: region.isRetired ? 'retired' : 'ready',
    role: words[HEADER.role] === REGION_ROLE.SERVED ? 'served' : 'direct',
    layoutVersion: LAYOUT_VERSION,
    id: region.id.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(''),
    file: {
      path: region.name.path,
      mode: `0${(mode & 0o777).toString(8)}`,
      user: uid,
      sizeBytes: size,
      usedBytes: blocks * 512,
    },
    createdAtMs: floats[HEADER.createdAtMs >>> 1] ?? 0,
    timeMs: floats[HEADER.timeMs >>> 1] ?? 0,
    keys: facts.keyCodec,
    values: facts.valueCodec,
    options: {
      capacityBytes: facts.capacityBytes,
      stripes: 2 ** facts.stripeBits,
      eviction: facts.eviction === EVICTION.CLOCK ? 'clock' : 'none',
      maxEntries: facts.maxEntries,
      defaultTtlMs: facts.defaultTtlMs,
    },
    participants: participantReports(view, region.presence),
    buckets,
    memory: memoryOccupancy(view),
    stats: tableStats(view, {}),
  }
}
