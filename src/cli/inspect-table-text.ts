/** How `hearth inspect NAME` shows a table on a terminal: sections of at most 80 columns, but for long names. */
import { formatSize } from '../base/size.js'
import type { BucketOccupancy, MemoryOccupancy } from '../table/occupancy.js'
import type { ParticipantReport } from '../table/participant-report.js'
import type { TableStats } from '../table/stats.js'
import { columns } from './columns.js'

/** What there is to show, and what `--json` prints. */
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

const BAR_WIDTH = 40
/** Buckets that hold more are shown together. */
const MOST_SHOWN = 12

export function inspectionLines(inspection: TableInspection): string[] {
  const { participants, buckets, memory, stats } = inspection
  return [
    ...factLines(inspection),
    '',
    ...participantLines(participants),
    '',
    ...memoryLines(memory),
    '',
    ...bucketLines(buckets, stats.entries),
    '',
    ...counterLines(inspection),
  ]
}

function factLines({ name, state, role, file, options, ...facts }: TableInspection): string[] {
  const limit = options.maxEntries === 0 ? 'no limit of entries' : `at most ${options.maxEntries} entries`
  const ttl = options.defaultTtlMs === 0 ? 'no default ttl' : `default ttl ${options.defaultTtlMs} ms`
  return columns([
    ['name', name],
    ['state', `${state}, ${role}, layout ${facts.layoutVersion}`],
    ['id', facts.id],
    ['file', file.path],
    [
      '',
      `mode ${file.mode}, user ${file.user}, ${formatSize(file.usedBytes)} of ${formatSize(file.sizeBytes)} in memory`,
    ],
    ['created', timeOf(facts.createdAtMs)],
    ['time', facts.timeMs === 0 ? 'nothing has expired yet' : `expired up to ${timeOf(facts.timeMs)}`],
    ['codecs', `keys ${facts.keys}, values ${facts.values}`],
    [
      'options',
      `capacity ${formatSize(options.capacityBytes)}, ${options.stripes} stripes, eviction ${options.eviction}`,
    ],
    ['', `${limit}, ${ttl}`],
  ])
}

function participantLines(participants: readonly ParticipantReport[]): string[] {
  if (participants.length === 0) return ['nobody has it open for writing']
  const rows = participants.map(({ index, process, thread, worker, isAlive, holds }) => [
    String(index),
    String(process),
    thread === 0 ? '?' : String(thread),
    worker === 0 ? 'main' : `worker ${worker}`,
    isAlive ? 'alive' : 'DEAD',
    holds.length === 0 ? 'nothing' : holds.join(', '),
  ])
  return columns([['USER', 'PROCESS', 'THREAD', '', '', 'HOLDS'], ...rows])
}

function memoryLines(memory: MemoryOccupancy): string[] {
  const row = (label: string, chunks: string, kept: string, free: string, bytes: number) => [
    label,
    chunks,
    kept,
    free,
    formatSize(bytes),
    percent(bytes, memory.capacityBytes),
  ]
  const classes = memory.classes.map(({ chunkBytes, used, inMagazines, free, bytes }) =>
    row(`chunks of ${formatSize(chunkBytes)}`, String(used), String(inMagazines), String(free), bytes),
  )
  return columns([
    ['MEMORY', 'USED', 'AT HAND', 'FREE', 'BYTES', ''],
    ...classes,
    ...(memory.largeChunks === 0
      ? []
      : [row('larger chunks', String(memory.largeChunks), '', '', memory.largeBytes)]),
    row('buckets', '', '', '', memory.lineBytes),
    row('free pages', '', '', '', memory.freeBytes),
    row('capacity', '', '', '', memory.capacityBytes),
  ])
}

function bucketLines(buckets: BucketOccupancy, entries: number): string[] {
  const { stripes, leastPerStripe, mostPerStripe, byEntries, byLines } = buckets
  const spread =
    leastPerStripe === mostPerStripe ? `${leastPerStripe}` : `${leastPerStripe} to ${mostPerStripe}`
  const longer = byLines.slice(1).reduce((sum, count) => sum + count, 0)
  const rows = byEntries
    .slice(0, MOST_SHOWN)
    .map((count, index) => histogramRow(String(index), count, byEntries))
  const beyond = byEntries.slice(MOST_SHOWN).reduce((sum, count) => sum + count, 0)
  if (beyond > 0) rows.push(histogramRow(`${MOST_SHOWN}+`, beyond, byEntries))
  return [
    `${entries} entries in ${stripes} stripes (${spread} each) and ${buckets.buckets} buckets,`,
    `${longer} of which have more than one line of five slots`,
    ...(buckets.buckets === 0 ? [] : columns([['ENTRIES', 'BUCKETS', ''], ...rows])),
  ]
}

function histogramRow(label: string, count: number, all: readonly number[]): string[] {
  const most = Math.max(1, ...all)
  return [label, String(count), '#'.repeat(Math.round((BAR_WIDTH * count) / most))]
}

function counterLines({ stats }: TableInspection): string[] {
  const asked = stats.hits + stats.misses
  return columns([
    [
      'reads',
      `${asked}, ${percent(stats.hits, asked)} hits, ${stats.readRetries} repeated, ${stats.lockedReads} locked`,
    ],
    ['writes', `${stats.sets} sets, ${stats.deletes} deletes, ${stats.splits} splits of buckets`],
    ['removed', `${stats.evictions} evicted, ${stats.expirations} expired`],
    ['waits', `${stats.lockWaits} for locks, ${stats.repairs} repairs after deaths`],
  ])
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`
}

/** UTC, to the second. */
function timeOf(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? '?' : time.toISOString().slice(0, 19).replace('T', ' ')
}
