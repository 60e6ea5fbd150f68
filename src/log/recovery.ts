/**
 * Reads a directory back: the newest snapshot, then the log after it, into a sink; and leaves the directory so that a
 * writer can go on. Steps:
 *
 *  1. The newest snapshot that reads whole is loaded. An older one, or none, serves if newer ones are damaged and the
 *     log still reaches back that far.
 *  2. The log is read from the last segment that begins at or before the snapshot's position, or else from position
 *     1. If there is none, the beginning is missing: damage.
 *  3. From there every segment must be there, carry the number in its name and this log's id, and be chained to the
 *     one before. Every frame is checked before its records are handed over.
 *  4. Where the frames of a segment end and another segment is there, that one's header must name this very end,
 *     since a segment is begun only when the one before it is on disk. Otherwise: damage.
 *  5. Where the last segment ends: if it says that it is continued, a file is missing. If something behind its end
 *     proves that this place was on disk, or the snapshot needs it, or the frame there is whole but makes no sense, it is
 *     damage. If not, it is a torn tail, which no level has promised to keep: it is cut, and the cut is synced, before
 *     anything is appended.
 *     What a killed process had written and not yet synced is read like the rest, so it is put on disk before anybody
 *     builds on it, names included: written once more, since after a sync that failed the kernel may take for stored
 *     what is not.
 *  6. Damage refuses with file and offset and changes nothing; with `acceptLoss` the log is cut after the last good
 *     frame, once the original has been kept (accept-loss.ts).
 *  7. Leftovers of unfinished work (`*.tmp`), segments before the first that is needed and older snapshots
 *     are removed.
 *
 * Two may share the work: each reads the same files and takes a part of the entries (`EntrySink.wants`, `join`); the second
 * by `readAlong`, which changes nothing. Both check every frame of the log; of a snapshot, each checks the blocks of which
 * it takes something, so that every block is checked by one at least. What they share is only what reads well: where
 * either comes upon damage, or they do not come to the same end, one reads everything again alone, and judges that.
 *
 * Every step may be interrupted at any point and run again. The sink of a failed recovery holds a beginning of the
 * data and must be thrown away.
 *
 * Not noticed: the loss of the last segments as whole files, if the one before them was not yet known to be continued
 * (that word is written right after a segment is begun, by whichever start, but not synced). Assumed: nobody else writes to the directory
 * (directory-lock.ts).
 */
import { assert } from '../base/assert.js'
import { acceptLoss } from './accept-loss.js'
import { type Damage, DamageError } from './damage.js'
import { type Disk, writeFully } from './disk.js'
import type { LogEnd } from './log-end.js'
import { type PassResult, type Place, readLog } from './log-pass.js'
import { removeLeftovers, removeObsolete } from './retention.js'
import { listSegments } from './segment-list.js'
import { type EntrySink, loadNewestSnapshot, type ReadMark } from './snapshot-reader.js'

/** What recovery did besides reading. */
export type RecoveryEvent =
  | { readonly kind: 'torn-tail'; readonly place: Place; readonly bytes: number }
  | { readonly kind: 'damage-cut'; readonly damage: Damage; readonly kept: readonly string[] }
  | { readonly kind: 'snapshot-skipped'; readonly damage: Damage }

export interface RecoveryOptions {
  readonly disk: Disk
  readonly logId: bigint
  readonly sink: EntrySink
  /** There was a log: a directory without a segment has lost it. */
  readonly expectsLog: boolean
  /** Cut at damage, after keeping the original. */
  readonly acceptLoss?: boolean
  readonly onEvent?: (event: RecoveryEvent) => void
  /** Called after every file and within snapshots: bytes read, bytes in all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

export interface Recovered {
  readonly end: LogEnd
  /** Highest number of an epoch in the log; 0: there is none. */
  readonly epochNumber: number
  /** Records read from the log, those that the snapshot already held included. */
  readonly records: number
  readonly entriesFromSnapshot: number
  /** Position of the snapshot that was loaded; 0: none. */
  readonly snapshotLsn: number
}

/** Throws CORRUPT (`DamageError`), MISMATCH for a newer format, or what the disk throws. */
export function recover(options: RecoveryOptions): Recovered {
  const { disk, sink, onEvent } = options
  for (let expectsLog = options.expectsLog; ; expectsLog = false) {
    const { snapshot, skipped, pass } = readTogether({ ...options, expectsLog })
    for (const damage of skipped) onEvent?.({ kind: 'snapshot-skipped', damage })
    if (pass.damage === undefined) {
      disk.syncDirectory()
      removeLeftovers(disk)
      settleTail(disk, pass, onEvent)
      removeObsolete(disk, snapshot?.startLsn ?? 0, pass.firstSegment)
      return recovered(pass, snapshot)
    }
    // If the log reaches back far enough for no snapshot that is whole, it is the damaged one that is missed.
    const damage = pass.good === undefined ? (skipped[0] ?? pass.damage) : pass.damage
    if (options.acceptLoss !== true) throw new DamageError(damage, disk.path)
    removeLeftovers(disk)
    const kept = acceptLoss(disk, pass, skipped)
    assert(kept.length > 0 || pass.tail.bytes > 0, 'every cut leaves less that can be damaged')
    onEvent?.({ kind: 'damage-cut', damage, kept })
    sink.clear(0)
  }
}

/**
 * What a second reader does: reads what recovery reads, or of that only the log from position `fromLsn` on (0: everything),
 * into its own sink. Returns what it came to; `undefined`: damage.
 */
export function readAlong(options: RecoveryOptions, fromLsn: number): ReadMark | undefined {
  if (fromLsn === 0) return markOf(readAll(options))
  const segments = listSegments(options.disk, options.logId)
  const snapshot = { startLsn: fromLsn - 1, endLsn: 0, regionTimeMs: 0 }
  return markOf({ skipped: [], pass: readLog({ ...options, segments, snapshot }) })
}

/** Reads with who shares the work, or, where that came to nothing, alone. */
function readTogether(options: RecoveryOptions): ReturnType<typeof readAll> {
  const { sink } = options
  const read = readAll(options)
  if (sink.join === undefined || sink.join(markOf(read))) return read
  sink.clear(0)
  return readAll(options)
}

function markOf({
  skipped,
  pass,
}: Pick<ReturnType<typeof readAll>, 'skipped' | 'pass'>): ReadMark | undefined {
  if (skipped.length > 0 || pass.damage !== undefined) return undefined
  const { crc, nextLsn } = pass.chain
  return { crc, nextLsn }
}

function readAll(options: RecoveryOptions) {
  const { disk, onProgress } = options
  const segments = listSegments(disk, options.logId)
  const logBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let done = 0
  const { snapshot, skipped } = loadNewestSnapshot({
    ...options,
    onBytes: (bytes, total) => onProgress?.((done = bytes), total + logBytes),
  })
  const total = done + logBytes
  const pass = readLog({
    ...options,
    segments,
    snapshot,
    onBytes: (bytes) => onProgress?.((done += bytes), total),
  })
  if (pass.damage === undefined) onProgress?.(total, total)
  return { snapshot, skipped, pass }
}

/** Cuts what lies behind the last good frame, and brings to disk whatever of those before may not be there. */
function settleTail(disk: Disk, pass: PassResult, onEvent: RecoveryOptions['onEvent']): void {
  const { good, tail, unsynced } = pass
  if (good === undefined) return
  const file = disk.open(good.file, 'write')
  try {
    if (tail.bytes > 0) file.truncate(good.offset)
    if (unsynced.length > 0) writeFully(file, unsynced, good.offset - unsynced.length)
    file.sync()
  } finally {
    file.close()
  }
  if (tail.isTorn) onEvent?.({ kind: 'torn-tail', place: good, bytes: tail.bytes })
}

function recovered(
  pass: PassResult,
  snapshot: { readonly startLsn: number; readonly entries: number } | undefined,
): Recovered {
  const { crc, nextLsn, releasedLsn, regionTimeMs } = pass.chain
  return {
    end: { nextSegment: pass.nextSegment, nextLsn, crc, releasedLsn, regionTimeMs, before: pass.before },
    epochNumber: pass.epochNumber,
    records: pass.records,
    entriesFromSnapshot: snapshot?.entries ?? 0,
    snapshotLsn: snapshot?.startLsn ?? 0,
  }
}
