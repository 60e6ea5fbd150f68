/**
 * Copies a data directory, also one that a node is writing to, into an empty one that a node can be started on. The
 * source is only read, and its node is not asked.
 *
 * What is copied: the newest whole snapshot, the segments from its position on, and last the identity, by which the copy
 * becomes a data directory. Why that is enough while writes go on:
 *
 *  1. The snapshot is chosen before the segments are listed, and it got its name after the log up to its end was on disk:
 *     what it needs is in the segments that are there then.
 *  2. All files are opened before the first byte is copied: what the node removes meanwhile stays readable. If one goes
 *     between listing and opening, a newer snapshot has taken its place: all is chosen again.
 *  3. Every segment but the last of that list is complete and never changes again, but for the word that it is continued.
 *  4. Of the last one, which may be growing, the copy ends behind the last frame that is whole and chained when it is
 *     read: a beginning of the log. Everything acknowledged before the copying began is in it, since a write is in the
 *     log before it is acknowledged; of what came later, and of what was under way, some.
 *
 * The copy is synced and then read back as a start would read it (`checkLog`). Damage in the source is found there, but for
 * that in the last segment: the copy would end before it as if that were the end, so it is looked for where the copy ends.
 */
import { OperationError } from '../base/errors.js'
import { DamageError } from './damage.js'
import { readIdentity } from './directory.js'
import { type Disk, type DiskFile, errorCode, readFully, writeFully } from './disk.js'
import { decodeSegmentHeader, HEADER_BYTES } from './format.js'
import { encodeIdentity, IDENTITY_NAME, type Identity } from './identity.js'
import { checkLog, type LogCheck } from './inspect.js'
import { indexOfPosition, listSegments } from './segment-list.js'
import { faultAtEnd, walkSegment } from './segment-reader.js'
import { snapshotLsn } from './snapshot-format.js'
import { type LoadedSnapshot, NO_SINK, readSnapshot } from './snapshot-reader.js'

const COPY_BYTES = 1024 * 1024
const MAX_ATTEMPTS = 100

export interface BackupOptions {
  readonly source: Disk
  /** Empty. */
  readonly target: Disk
  /** Bytes done and in all; copying counts half of it, reading back the other. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

export interface BackupMade extends LogCheck {
  readonly files: number
  readonly bytes: number
}

interface OpenedFile {
  readonly name: string
  readonly file: DiskFile
  readonly sizeBytes: number
}

/**
 * Copies; yields after each piece, so that whoever drives it decides what goes between. Throws REFUSED if the source is no
 * data directory, CORRUPT (`DamageError`) if it is damaged, or what a disk throws; the target is then to be thrown away.
 */
export function* backupSteps(options: BackupOptions): Generator<void, BackupMade> {
  const { source, target, onProgress } = options
  const identity = readIdentity(source)
  if (identity === undefined)
    throw new OperationError(
      'REFUSED',
      `${source.path} holds no data of a node: there is no ${IDENTITY_NAME}`,
    )
  const opened = openAll(source, identity)
  const total = opened.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let copied = 0
  try {
    for (const [index, entry] of opened.entries()) {
      const isLast = index === opened.length - 1
      const end = isLast ? wholeFramesEnd(entry, source) : entry.sizeBytes
      const from = copied
      for (const done of copySteps(entry, end, target)) {
        copied = from + done
        onProgress?.(copied, 2 * total)
        yield
      }
    }
  } finally {
    for (const { file } of opened) file.close()
  }
  writeIdentity(target, identity)
  yield
  const check = checkLog(target, identity.logId, true, (done) => onProgress?.(total + done, 2 * total))
  const damage = check.damage ?? check.skipped[0]
  if (damage !== undefined) throw new DamageError(damage, source.path)
  onProgress?.(total, total)
  return { ...check, files: opened.length + 1, bytes: copied }
}

/** The files of one moment, snapshot first, then segments by number, each open. */
function openAll(source: Disk, identity: Identity): OpenedFile[] {
  for (let attempt = 1; ; attempt++) {
    const opened: OpenedFile[] = []
    try {
      for (const name of chosenNames(source, identity.logId)) {
        const file = source.open(name, 'read')
        opened.push({ name, file, sizeBytes: file.size() })
      }
      return opened
    } catch (error) {
      for (const { file } of opened) file.close()
      if (errorCode(error) !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

function chosenNames(source: Disk, logId: bigint): string[] {
  const snapshot = newestWhole(source, logId)
  const segments = listSegments(source, logId)
  const first = indexOfPosition(segments, (snapshot?.startLsn ?? 0) + 1)
  // Without a first one the beginning is missing, or was removed just now: reading the copy back tells.
  const needed = segments.slice(Math.max(0, first)).map(({ name }) => name)
  if (needed.length === 0)
    throw new DamageError(
      { file: IDENTITY_NAME, offset: 0, lsn: 1, fault: 'there is no segment of the log' },
      source.path,
    )
  return snapshot === undefined ? needed : [snapshot.name, ...needed]
}

function newestWhole(source: Disk, logId: bigint): (LoadedSnapshot & { readonly name: string }) | undefined {
  const names = source.list().filter((name) => snapshotLsn(name) !== undefined)
  for (const name of names.reverse()) {
    const read = readSnapshot({ disk: source, name, logId, sink: NO_SINK })
    if ('startLsn' in read) return { ...read, name }
  }
  return undefined
}

/** Where the frames of the last segment end that are whole now. Throws CORRUPT if more than those was on disk. */
function wholeFramesEnd({ name, file }: OpenedFile, source: Disk): number {
  for (let before = -1; ; ) {
    const bytes = readFully(file, 0, file.size())
    const header = decodeSegmentHeader(bytes.subarray(0, HEADER_BYTES))
    // What is wrong with it is found when the copy is read back.
    if (typeof header === 'string') return bytes.length
    const { previousCrc: crc, firstLsn: nextLsn } = header
    const start = { crc, nextLsn, syncedLsn: 0, releasedLsn: 0, regionTimeMs: 0 }
    const walk = walkSegment(bytes, header, start, { offset: HEADER_BYTES, lsn: 0 }, NO_SINK)
    const { offset, chain, end } = walk
    const fault = end === 'continued' ? undefined : faultAtEnd(bytes, header, walk)
    if (fault === undefined) return offset
    // Frames that came while it was read may look like that: those before them had been written by then.
    if (offset === before)
      throw new DamageError({ file: name, offset, lsn: chain.nextLsn, fault }, source.path)
    before = offset
  }
}

/** Copies the bytes up to `end` and syncs; yields how many are done. */
function* copySteps({ name, file }: OpenedFile, end: number, target: Disk): Generator<number> {
  const copy = target.open(name, 'create')
  try {
    for (let at = 0; at < end; ) {
      const piece = readFully(file, at, Math.min(COPY_BYTES, end - at))
      if (piece.length === 0) break
      writeFully(copy, piece, at)
      at += piece.length
      yield at
    }
    copy.sync()
  } finally {
    copy.close()
  }
}

function writeIdentity(target: Disk, identity: Identity): void {
  target.syncDirectory()
  const file = target.open(IDENTITY_NAME, 'create')
  try {
    writeFully(file, encodeIdentity(identity), 0)
    file.sync()
  } finally {
    file.close()
  }
  target.syncDirectory()
}
