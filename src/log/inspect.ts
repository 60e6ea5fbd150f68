/**
 * Looks at a data directory without changing it, for `hearth check DIR` and `hearth wal-dump`.
 *
 * `inspectLog` goes through every file and gives what it finds, piece by piece and in order, also behind damage: each
 * segment is read from its own header on, whatever became of the one before. `checkLog` asks what a start would do,
 * and adds what is wrong in files that a start would not need.
 */
import type { Damage } from './damage.js'
import { type Disk, readFully } from './disk.js'
import { FRAME_KIND, type FrameHead, HEADER_BYTES, type SegmentHeader } from './format.js'
import { type PassResult, readLog } from './log-pass.js'
import type { RecordSink } from './record-reader.js'
import { listSegments, type Segment } from './segment-list.js'
import { type SegmentEnd, walkSegment } from './segment-reader.js'
import { snapshotLsn } from './snapshot-format.js'
import { type EntrySink, loadNewestSnapshot, NO_SINK, readSnapshot } from './snapshot-reader.js'

export interface InspectedRecord {
  readonly lsn: number
  readonly type: 'set' | 'delete' | 'clear'
  readonly key: Buffer
  readonly value: Buffer
  /** Milliseconds since 1970; Infinity: none. */
  readonly expiresAtMs: number
}

export type Finding =
  | {
      readonly kind: 'snapshot'
      readonly file: string
      readonly startLsn: number
      readonly endLsn: number
      readonly entries: number
    }
  | {
      readonly kind: 'segment'
      readonly file: string
      readonly sizeBytes: number
      readonly header: SegmentHeader
    }
  | {
      readonly kind: 'frame'
      readonly file: string
      readonly offset: number
      readonly bytes: number
      readonly frameKind: 'records' | 'mark'
      readonly head: FrameHead
      readonly records: readonly InspectedRecord[]
    }
  | {
      readonly kind: 'end'
      readonly file: string
      readonly offset: number
      readonly end: SegmentEnd
      readonly unusedBytes: number
    }
  | { readonly kind: 'fault'; readonly damage: Damage }

/** Every file's contents, snapshots first, then segments by number. Records only if asked for. */
export function* inspectLog(disk: Disk, logId: bigint, withRecords = true): Generator<Finding> {
  for (const name of disk.list())
    if (snapshotLsn(name) !== undefined) yield inspectSnapshot(disk, name, logId)
  for (const segment of listSegments(disk, logId)) yield* inspectSegment(disk, segment, withRecords)
}

/** A snapshot's entries, each handed to `sink.load`; returns what is wrong, if anything. */
export function dumpSnapshot(disk: Disk, name: string, logId: bigint, sink: EntrySink): Damage | undefined {
  const read = readSnapshot({ disk, name, logId, sink })
  return 'fault' in read ? read : undefined
}

export interface LogCheck {
  /** What makes a start refuse. */
  readonly damage: Damage | undefined
  /** Snapshots that can't be read although the log makes up for them. */
  readonly skipped: readonly Damage[]
  /** Bytes that a start would cut off. */
  readonly tornBytes: number
  readonly lastLsn: number
  readonly records: number
  readonly snapshotLsn: number
  readonly segments: number
}

/** What a start would find. `expectsLog`: the directory has an identity. */
export function checkLog(
  disk: Disk,
  logId: bigint,
  expectsLog: boolean,
  onProgress?: (doneBytes: number, totalBytes: number) => void,
): LogCheck {
  const segments = listSegments(disk, logId)
  const total = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let done = 0
  const { snapshot, skipped } = loadNewestSnapshot({ disk, logId, sink: NO_SINK })
  const onBytes = (bytes: number): void => onProgress?.((done += bytes), total)
  const pass: PassResult = readLog({ disk, sink: NO_SINK, segments, snapshot, expectsLog, onBytes })
  return {
    damage: pass.good === undefined && pass.damage !== undefined ? (skipped[0] ?? pass.damage) : pass.damage,
    skipped,
    tornBytes: pass.damage === undefined && pass.tail.isTorn ? pass.tail.bytes : 0,
    lastLsn: pass.chain.nextLsn - 1,
    records: pass.records,
    snapshotLsn: snapshot?.startLsn ?? 0,
    segments: segments.length,
  }
}

function inspectSnapshot(disk: Disk, file: string, logId: bigint): Finding {
  const read = readSnapshot({ disk, name: file, logId, sink: NO_SINK })
  if ('fault' in read) return { kind: 'fault', damage: read }
  const { startLsn, endLsn, entries } = read
  return { kind: 'snapshot', file, startLsn, endLsn, entries }
}

function inspectSegment(disk: Disk, segment: Segment, withRecords: boolean): Finding[] {
  const { header, name: file, sizeBytes } = segment
  if (typeof header === 'string')
    return [{ kind: 'fault', damage: { file, offset: 0, lsn: 0, fault: header } }]
  const findings: Finding[] = [{ kind: 'segment', file, sizeBytes, header }]
  let records: InspectedRecord[] = []
  const bytes = contentsOf(disk, file)
  const sink = withRecords ? collector((record) => records.push(record)) : NO_SINK
  const start = {
    crc: header.previousCrc,
    nextLsn: header.firstLsn,
    syncedLsn: 0,
    releasedLsn: 0,
    regionTimeMs: 0,
  }
  const from = { offset: HEADER_BYTES, lsn: 0 }
  const walk = walkSegment(bytes, header, start, from, sink, (head, offset, length) => {
    records = []
    const frameKind = head.kind === FRAME_KIND.mark ? 'mark' : 'records'
    findings.push({ kind: 'frame', file, offset, bytes: length, frameKind, head, records })
  })
  const { offset, end } = walk
  if (end === 'bad')
    findings.push({ kind: 'fault', damage: { file, offset, lsn: walk.chain.nextLsn, fault: walk.fault } })
  else findings.push({ kind: 'end', file, offset, end, unusedBytes: bytes.length - offset })
  return findings
}

function contentsOf(disk: Disk, name: string): Buffer {
  const file = disk.open(name, 'read')
  try {
    return readFully(file, 0, file.size())
  } finally {
    file.close()
  }
}

const EMPTY = Buffer.alloc(0)

/** A sink that copies each record out. */
function collector(take: (record: InspectedRecord) => void): RecordSink {
  const copy = (bytes: Buffer, start: number, end: number): Buffer => Buffer.from(bytes.subarray(start, end))
  return {
    set: (bytes, keyStart, keyEnd, valueEnd, _flags, expiresAtMs, lsn) =>
      take({
        lsn,
        type: 'set',
        key: copy(bytes, keyStart, keyEnd),
        value: copy(bytes, keyEnd, valueEnd),
        expiresAtMs,
      }),
    delete: (bytes, keyStart, keyEnd, lsn) =>
      take({
        lsn,
        type: 'delete',
        key: copy(bytes, keyStart, keyEnd),
        value: EMPTY,
        expiresAtMs: Infinity,
      }),
    clear: (lsn) => take({ lsn, type: 'clear', key: EMPTY, value: EMPTY, expiresAtMs: Infinity }),
  }
}
