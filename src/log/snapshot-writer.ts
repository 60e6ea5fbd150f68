/**
 * Writes a snapshot while writes to the table go on. Order, each step on disk before the next:
 *
 *  1. the start position is read: everything up to it has been applied to the table;
 *  2. the walk over the table, block by block, into a temporary file;
 *  3. the log is synced up to the end position, that of the last change the walk can have seen;
 *  4. the temporary file is synced, gets its name, and the name is synced;
 *  5. the file is read back whole;
 *  6. older snapshots and the segments that only they needed are removed.
 *
 * Killed anywhere before 4 it leaves a temporary file, which the next start removes; after 4 the new snapshot counts.
 * `snapshotSteps` is a generator: whoever drives it decides how much other work goes between two steps, and on which
 * thread. A step is bounded: a block written, at most 4 MiB synced, or a block read back. One snapshot at a time.
 */
import { OperationError } from '../base/errors.js'
import { type Damage, damageText } from './damage.js'
import { type Disk, type DiskFile, writeFully } from './disk.js'
import { type Epoch, HEADER_BYTES } from './format.js'
import { RecordBatch } from './record-batch.js'
import { removeObsolete } from './retention.js'
import { indexOfPosition, listSegments } from './segment-list.js'
import {
  BLOCK_HEAD_BYTES,
  BLOCK_KIND,
  encodeEnd,
  encodeSnapshotHeader,
  hashBytes,
  headerCrc,
  SNAPSHOT_VERSION,
  sealBlock,
  snapshotName,
} from './snapshot-format.js'
import { type LoadedSnapshot, NO_SINK, readSnapshot, readSnapshotSteps } from './snapshot-reader.js'

const TEMPORARY_NAME = 'snapshot.tmp'
/** A block is written once it has so many bytes of records. */
export const BLOCK_BYTES = 256 * 1024
/** The file is synced in pieces of this size, so that no step waits for all of it. */
const SYNC_BYTES = 4 * 1024 * 1024

export interface SnapshotEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly isAscii: boolean
  /** Milliseconds since 1970; Infinity: none. */
  readonly expiresAtMs: number
  /** The hash the table keeps it under, so that loading need not compute it. */
  readonly hash: number
}

export interface SnapshotOptions {
  readonly disk: Disk
  readonly logId: bigint
  readonly epoch: Epoch
  /** Everything up to here has been applied to what `entries` walks over, before the walk begins. */
  readonly startLsn: number
  readonly entries: Iterable<SnapshotEntry>
  /** Called after the walk: syncs the log and returns a position at or above every change applied so far. */
  readonly syncLog: () => number
  readonly regionTimeMs: () => number
  readonly blockBytes?: number
}

export interface SnapshotMade {
  readonly name: string
  readonly entries: number
  readonly bytes: number
}

/** Makes a snapshot; yields the number of entries written after each step. Stopped early (`return`), it removes its file. */
export function* snapshotSteps(options: SnapshotOptions): Generator<number, SnapshotMade> {
  const { disk, startLsn, logId } = options
  const name = snapshotName(startLsn)
  const there = existing(disk, name, logId)
  if (there !== undefined) return there
  // Of one that failed, and could not be removed then.
  if (disk.list().includes(TEMPORARY_NAME)) disk.unlink(TEMPORARY_NAME)
  const file = disk.open(TEMPORARY_NAME, 'create')
  let isNamed = false
  try {
    const writer = new BlockWriter(file, options)
    for (const entry of options.entries) {
      if (!writer.add(entry)) continue
      yield writer.entries
      if (writer.syncIfDue()) yield writer.entries
    }
    const endLsn = Math.max(startLsn, options.syncLog())
    writer.end(endLsn, options.regionTimeMs())
    file.sync()
    disk.rename(TEMPORARY_NAME, name)
    isNamed = true
    disk.syncDirectory()
    for (const read = readSnapshotSteps({ disk, name, logId, sink: NO_SINK }); ; ) {
      const step = read.next()
      if (step.done === true) {
        assertWhole(disk, name, step.value)
        break
      }
      yield writer.entries
    }
    removeOlder(disk, startLsn, logId)
    return { name, entries: writer.entries, bytes: file.size() }
  } finally {
    file.close()
    if (!isNamed) disk.unlink(TEMPORARY_NAME)
  }
}

/** The snapshot of the same position, if there is a whole one: nothing has changed since. */
function existing(disk: Disk, name: string, logId: bigint): SnapshotMade | undefined {
  if (!disk.list().includes(name)) return undefined
  const read = readSnapshot({ disk, name, logId, sink: NO_SINK })
  return 'fault' in read ? undefined : { name, entries: read.entries, bytes: read.bytes }
}

/** Throws CORRUPT, and takes the name away again, unless the snapshot has read back whole. */
function assertWhole(disk: Disk, name: string, read: LoadedSnapshot | Damage): void {
  if (!('fault' in read)) return
  disk.unlink(name)
  disk.syncDirectory()
  throw new OperationError('CORRUPT', `a new snapshot does not read back: ${damageText(read)}`)
}

function removeOlder(disk: Disk, startLsn: number, logId: bigint): void {
  const segments = listSegments(disk, logId)
  const first = segments[indexOfPosition(segments, startLsn + 1)]
  removeObsolete(disk, startLsn, first?.number ?? 0)
}

/** Gathers entries into blocks and writes them one after the other. */
class BlockWriter {
  readonly #file: DiskFile
  readonly #blockBytes: number
  readonly #batch = new RecordBatch()
  #hashes: number[] = []
  #offset = HEADER_BYTES
  #syncedOffset = 0
  #crc: number
  entries = 0

  constructor(file: DiskFile, options: SnapshotOptions) {
    const header = encodeSnapshotHeader({
      version: SNAPSHOT_VERSION,
      logId: options.logId,
      startLsn: options.startLsn,
      epochNumber: options.epoch.number,
      regionTimeMs: options.regionTimeMs(),
    })
    writeFully(file, header, 0)
    this.#file = file
    this.#blockBytes = options.blockBytes ?? BLOCK_BYTES
    this.#crc = headerCrc(header)
  }

  /** Returns whether a block was written. */
  add(entry: SnapshotEntry): boolean {
    this.#batch.set(entry.key, entry.value, entry.isAscii, entry.expiresAtMs)
    this.#hashes.push(entry.hash | 0)
    this.entries++
    if (this.#batch.byteLength < this.#blockBytes) return false
    this.#writeBlock()
    return true
  }

  /** Puts on disk what has been written, if that is enough; returns whether it did. */
  syncIfDue(): boolean {
    if (this.#offset - this.#syncedOffset < SYNC_BYTES) return false
    this.#file.sync()
    this.#syncedOffset = this.#offset
    return true
  }

  end(endLsn: number, regionTimeMs: number): void {
    if (this.#batch.count > 0) this.#writeBlock()
    this.#write(encodeEnd({ endLsn, entries: this.entries, regionTimeMs }, this.#crc))
  }

  #writeBlock(): void {
    const count = this.#batch.count
    const records = BLOCK_HEAD_BYTES + hashBytes(count)
    const bodyBytes = hashBytes(count) + this.#batch.byteLength
    const block = Buffer.allocUnsafe(BLOCK_HEAD_BYTES + Math.ceil(bodyBytes / 8) * 8)
    block.fill(0, BLOCK_HEAD_BYTES, records)
    for (let index = 0; index < count; index++)
      block.writeInt32LE(this.#hashes[index] ?? 0, BLOCK_HEAD_BYTES + 4 * index)
    this.#batch.copyTo(block, records)
    this.#crc = sealBlock(block, BLOCK_KIND.entries, count, bodyBytes, this.#crc)
    this.#write(block)
    this.#batch.reset()
    this.#hashes = []
  }

  #write(bytes: Buffer): void {
    writeFully(this.#file, bytes, this.#offset)
    this.#offset += bytes.length
  }
}
