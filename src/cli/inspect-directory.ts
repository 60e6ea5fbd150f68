/**
 * `hearth inspect DIR`: what lies in a data directory, file by file: snapshots, segments with their positions and how full
 * they are, and what is wrong where. Changes nothing; says nothing of the hash key.
 */
import { formatSize } from '../base/size.js'
import type { Damage } from '../log/damage.js'
import { damageText } from '../log/damage.js'
import { type Finding, inspectLog } from '../log/inspect.js'
import { columns } from './columns.js'
import { type DataDirectory, openDataDirectory, readWhileInUse } from './data-directory.js'
import { printJson, printLines } from './output.js'
import { Progress } from './progress.js'

export interface SnapshotFacts {
  readonly file: string
  readonly startLsn: number
  readonly endLsn: number
  readonly entries: number
}

export interface SegmentFacts {
  readonly file: string
  readonly sizeBytes: number
  /** Bytes of header and frames. */
  readonly usedBytes: number
  readonly firstLsn: number
  readonly lastLsn: number
  readonly frames: number
  readonly records: number
  /** How often a node had been started when it was begun. */
  readonly epoch: number
  /** How it ends: zeros that are its reserve, a word that it is continued, or something that is no frame. */
  readonly end: 'zeros' | 'continued' | 'bad'
}

export interface DirectoryFacts {
  readonly path: string
  readonly logId: string
  readonly snapshots: readonly SnapshotFacts[]
  readonly segments: readonly SegmentFacts[]
  /** What can't be read. At the end of the last segment: a torn tail, or damage; `hearth check` says which. */
  readonly faults: readonly Damage[]
  /** Files of unfinished work, and originals kept by --accept-loss. */
  readonly others: readonly string[]
}

export async function inspectDirectory(
  path: string,
  options: { readonly json?: boolean } = {},
): Promise<void> {
  const facts = readDirectoryFacts(openDataDirectory(path))
  if (options.json === true) printJson(facts)
  else await printLines(factLines(facts))
}

export function readDirectoryFacts(directory: DataDirectory): DirectoryFacts {
  const progress = new Progress('files')
  try {
    return readWhileInUse(() => collect(directory, progress))
  } finally {
    progress.done()
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

function collect({ path, disk, identity }: DataDirectory, progress: Progress): DirectoryFacts {
  const names = disk.list()
  const snapshots: SnapshotFacts[] = []
  const segments: Mutable<SegmentFacts>[] = []
  const faults: Damage[] = []
  for (const finding of inspectLog(disk, identity.logId, false)) {
    const segment = segments.at(-1)
    if (finding.kind === 'snapshot') {
      const { kind: _kind, ...facts } = finding
      snapshots.push(facts)
    } else if (finding.kind === 'segment') {
      segments.push(newSegment(finding))
      progress.update(segments.length, undefined)
    } else if (finding.kind === 'frame' && segment !== undefined) addFrame(segment, finding)
    else if (finding.kind === 'end' && segment !== undefined) segment.end = finding.end
    else if (finding.kind === 'fault') {
      faults.push(finding.damage)
      if (segment?.file === finding.damage.file) segment.end = 'bad'
    }
  }
  const others = names.filter((name) => /\.(tmp|lost-\d+)$/.test(name))
  return { path, logId: identity.logId.toString(16).padStart(16, '0'), snapshots, segments, faults, others }
}

const HEADER_BYTES = 512

function newSegment({
  file,
  sizeBytes,
  header,
}: Extract<Finding, { kind: 'segment' }>): Mutable<SegmentFacts> {
  const { firstLsn } = header
  const counts = { usedBytes: HEADER_BYTES, frames: 0, records: 0 }
  return {
    file,
    sizeBytes,
    firstLsn,
    lastLsn: firstLsn - 1,
    epoch: header.epoch.number,
    end: 'zeros',
    ...counts,
  }
}

function addFrame(segment: Mutable<SegmentFacts>, frame: Extract<Finding, { kind: 'frame' }>): void {
  segment.frames++
  segment.usedBytes = frame.offset + frame.bytes
  segment.lastLsn = frame.head.firstLsn + frame.head.count - 1
  if (frame.frameKind === 'records') segment.records += frame.head.count
}

function factLines(facts: DirectoryFacts): string[] {
  const rows = [
    ['FILE', 'SIZE', 'USED', 'POSITIONS', 'RECORDS', 'FRAMES', 'START', 'ENDS IN'],
    ...facts.snapshots.map((each) => [
      each.file,
      '',
      '',
      `to ${each.startLsn}, parts to ${each.endLsn}`,
      `${each.entries} entries`,
    ]),
    ...facts.segments.map((each) => [
      each.file,
      formatSize(each.sizeBytes),
      formatSize(each.usedBytes),
      each.lastLsn < each.firstLsn ? `none from ${each.firstLsn}` : `${each.firstLsn} to ${each.lastLsn}`,
      String(each.records),
      String(each.frames),
      String(each.epoch),
      END_TEXTS[each.end],
    ]),
  ]
  return [
    `${facts.path}: log ${facts.logId}`,
    ...columns(rows).map((line) => `  ${line}`),
    ...facts.faults.map((damage) => `  cannot be read: ${damageText(damage)}`),
    ...facts.others.map((name) => `  left over: ${name}`),
  ]
}

const END_TEXTS = { zeros: 'reserve', continued: 'the next file', bad: 'no frame' } as const
