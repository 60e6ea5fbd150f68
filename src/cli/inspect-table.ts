/**
 * `hearth inspect NAME`: a named table from outside: what it is, who uses it and what they hold, what its memory goes to, how
 * its entries lie. Read-only, and without the keys and values themselves.
 */
import { statSync } from 'node:fs'
import { EVICTION, HEADER, LAYOUT_VERSION, REGION_ROLE } from '../memory/header.js'
import type { ReadOnlyRegion } from '../memory/read-only-region.js'
import { bucketOccupancy, memoryOccupancy } from '../table/occupancy.js'
import { participantReports } from '../table/participant-report.js'
import { tableStats } from '../table/stats.js'
import { viewOf } from '../table/view.js'
import { inspectionLines, type TableInspection } from './inspect-table-text.js'
import { withTable } from './named-table.js'
import { printJson, printLines } from './output.js'
import { Progress } from './progress.js'

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
