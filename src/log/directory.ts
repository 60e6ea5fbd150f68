/**
 * A data directory: its identity, its recovery and the writer that goes on from there.
 *
 *   identity                    id and hash key
 *   0000000000000007.log        segments, by number
 *   0000000000001234.snapshot   snapshots, by start position
 *   lock.N                      who uses it (directory-lock.ts)
 *   *.tmp                       unfinished, removed at the next start
 *   *.lost-N                    originals kept by --accept-loss
 *
 * **A directory is one once it has its identity**, which is written after the first segment: an identity without a
 * segment has lost its log, segments without an identity are the rest of a start that never finished.
 *
 * Whoever opens it holds the lock. The sink of `open` is a table under the hash key of `readIdentity`.
 */
import { OperationError } from '../base/errors.js'
import { DamageError } from './damage.js'
import { type Disk, readFully, writeFully } from './disk.js'
import { FRAME_MAGIC_BYTES, HEADER_BYTES, segmentNumber } from './format.js'
import { decodeIdentity, encodeIdentity, IDENTITY_NAME, type Identity, randomId } from './identity.js'
import { type Recovered, type RecoveryEvent, recover } from './recovery.js'
import { snapshotLsn } from './snapshot-format.js'
import type { EntrySink } from './snapshot-reader.js'
import { LogWriter } from './writer.js'

const TEMPORARY_NAME = 'identity.tmp'

/** The identity kept in `disk`; `undefined` if there is none yet. Throws CORRUPT. */
export function readIdentity(disk: Disk): Identity | undefined {
  if (!disk.list().includes(IDENTITY_NAME)) return undefined
  const file = disk.open(IDENTITY_NAME, 'read')
  try {
    const identity = decodeIdentity(readFully(file, 0, file.size()))
    if (typeof identity !== 'string') return identity
    throw new OperationError('CORRUPT', `${IDENTITY_NAME} at byte 0, in ${disk.path}: ${identity}`)
  } finally {
    file.close()
  }
}

export interface OpenOptions {
  readonly disk: Disk
  /** What `readIdentity` gave, or `newIdentity()` for a directory that has none. */
  readonly identity: Identity
  readonly sink: EntrySink
  readonly acceptLoss?: boolean
  readonly segmentBytes?: number
  readonly onEvent?: (event: RecoveryEvent) => void
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
  /** A clock that never goes back. */
  readonly nowMs: () => number
  /** The region's time: asked after recovery has set it, by whoever owns the table. */
  readonly regionTimeMs: () => number
}

/** Recovers everything into the sink and opens the log for writing. Every start begins an epoch of its own. */
export function openLog(options: OpenOptions): { readonly recovered: Recovered; readonly writer: LogWriter } {
  const { disk, identity } = options
  const hasIdentity = disk.list().includes(IDENTITY_NAME)
  if (!hasIdentity) removeUnfinished(disk)
  const { logId } = identity
  const recovered = recover({ ...options, logId, expectsLog: hasIdentity })
  const epoch = { number: recovered.epochNumber + 1, startId: randomId() }
  const writer = LogWriter.open({ ...options, logId, epoch, end: recovered.end })
  if (!hasIdentity) {
    writer.begin()
    writeIdentity(disk, identity)
  }
  writer.stayBeside(IDENTITY_NAME)
  return { recovered, writer }
}

/** Removes what an unfinished first start left. Throws CORRUPT if there is data. */
function removeUnfinished(disk: Disk): void {
  for (const name of disk.list()) {
    if (snapshotLsn(name) === undefined && segmentNumber(name) === undefined) continue
    if (holdsData(disk, name)) {
      const fault = 'there is data, but the file that says whose it is and how it is hashed is missing'
      throw new DamageError({ file: IDENTITY_NAME, offset: 0, lsn: 1, fault }, disk.path)
    }
    disk.unlink(name)
  }
  disk.syncDirectory()
}

function holdsData(disk: Disk, name: string): boolean {
  if (snapshotLsn(name) !== undefined) return true
  const file = disk.open(name, 'read')
  try {
    return readFully(file, HEADER_BYTES, file.size()).includes(FRAME_MAGIC_BYTES)
  } finally {
    file.close()
  }
}

function writeIdentity(disk: Disk, identity: Identity): void {
  const file = disk.open(TEMPORARY_NAME, 'create')
  try {
    writeFully(file, encodeIdentity(identity), 0)
    file.sync()
  } finally {
    file.close()
  }
  disk.rename(TEMPORARY_NAME, IDENTITY_NAME)
  disk.syncDirectory()
}
