/**
 * Reads snapshots: into a sink, or only to see that they are whole. Nothing of a block reaches the sink before its
 * checksum holds; of a snapshot that turns out to be damaged further on, the sink holds a part and must be cleared.
 */
import { OperationError } from '../base/errors.js'
import type { Damage } from './damage.js'
import { type Disk, type DiskFile, readFully } from './disk.js'
import { HEADER_BYTES } from './format.js'
import { decodeRecords, type RecordSink } from './record-batch.js'
import {
  BLOCK_HEAD_BYTES,
  BLOCK_KIND,
  type Block,
  blockLength,
  decodeBlock,
  decodeEnd,
  decodeSnapshotHeader,
  END_BLOCK_BYTES,
  hashBytes,
  headerCrc,
  SNAPSHOT_VERSION,
  type SnapshotEnd,
  snapshotLsn,
} from './snapshot-format.js'

/** Who takes what recovery reads: entries of a snapshot first, then the records of the log. */
export interface EntrySink extends RecordSink {
  /** Before the entries of a snapshot: so many, as far as one can know before having read them. */
  expect?(entries: number): void
  /** An entry of a snapshot, as in `set`, with the hash it was stored under. */
  load(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    flags: number,
    expiresAtMs: number,
    hash: number,
  ): void
}

export interface LoadedSnapshot extends SnapshotEnd {
  readonly startLsn: number
  readonly bytes: number
}

interface LoadOptions {
  readonly disk: Disk
  readonly logId: bigint
  readonly sink: EntrySink
  readonly onBytes?: (doneBytes: number, totalBytes: number) => void
}

/** Behind the bytes of a block, for who copies them by words. */
const SLACK_BYTES = 8

/** Takes nothing: to see whether something reads whole. */
export const NO_SINK: EntrySink = { load() {}, set() {}, delete() {}, clear() {} }

/** Loads the newest snapshot that is whole. Newer ones that are not come back as damage; the sink is then cleared. */
export function loadNewestSnapshot(options: LoadOptions): {
  readonly snapshot: LoadedSnapshot | undefined
  readonly skipped: Damage[]
} {
  const skipped: Damage[] = []
  const names = options.disk.list().filter((name) => snapshotLsn(name) !== undefined)
  for (const name of names.reverse()) {
    const read = readSnapshot({ ...options, name })
    if ('startLsn' in read) return { snapshot: read, skipped }
    skipped.push(read)
    options.sink.clear(0)
  }
  return { snapshot: undefined, skipped }
}

/** The end position of the snapshot `name`, if it is one that reads whole up to its end block. */
export function snapshotEnd(disk: Disk, name: string): number | undefined {
  if (snapshotLsn(name) === undefined) return undefined
  const read = readSnapshot({ disk, logId: undefined, name, sink: NO_SINK })
  return 'startLsn' in read ? read.endLsn : undefined
}

interface ReadOptions extends Omit<LoadOptions, 'logId'> {
  readonly name: string
  /** `undefined`: of whichever log. */
  readonly logId: bigint | undefined
}

/** The whole snapshot, or where it is damaged. Throws MISMATCH for a newer format. */
export function readSnapshot(options: ReadOptions): LoadedSnapshot | Damage {
  const steps = readSnapshotSteps(options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** As {@link readSnapshot}, block by block: yields after each. */
export function* readSnapshotSteps(options: ReadOptions): Generator<void, LoadedSnapshot | Damage> {
  const file = options.disk.open(options.name, 'read')
  try {
    return yield* new SnapshotRead(options, file).run()
  } finally {
    file.close()
  }
}

class SnapshotRead {
  readonly #options: ReadOptions
  readonly #file: DiskFile
  readonly #size: number
  #offset = 0
  #crc = 0
  #startLsn = 0
  #entries = 0
  #hash = 0
  /** For one block at a time. */
  #buffer: Buffer = Buffer.alloc(0)
  #hashes: Buffer = Buffer.alloc(0)
  readonly #entrySink: RecordSink

  constructor(options: ReadOptions, file: DiskFile) {
    const { sink } = options
    this.#options = options
    this.#file = file
    this.#size = file.size()
    this.#entrySink = {
      set: (bytes, keyStart, keyEnd, valueEnd, flags, expiresAtMs) => {
        const hash = this.#hashes.readInt32LE(4 * this.#hash++)
        sink.load(bytes, keyStart, keyEnd, valueEnd, flags, expiresAtMs, hash)
      },
      delete() {},
      clear() {},
    }
  }

  *run(): Generator<void, LoadedSnapshot | Damage> {
    const headerFault = this.#readHeader()
    if (headerFault !== undefined) return this.#damage(headerFault)
    for (;;) {
      const block = this.#readBlock()
      if (typeof block === 'string') return this.#damage(block)
      if (block.kind === BLOCK_KIND.end) return this.#readEnd(block)
      const fault = this.#readEntries(block)
      if (fault !== undefined) return this.#damage(fault)
      this.#options.onBytes?.(this.#offset, this.#size)
      yield
    }
  }

  #readHeader(): string | undefined {
    const { name, logId } = this.#options
    const bytes = readFully(this.#file, 0, HEADER_BYTES)
    const header = decodeSnapshotHeader(bytes)
    if (typeof header === 'string') return header
    if (header.version > SNAPSHOT_VERSION)
      throw new OperationError(
        'MISMATCH',
        `${name} has format version ${header.version}; this release reads up to ${SNAPSHOT_VERSION}`,
      )
    if (logId !== undefined && header.logId !== logId) return 'the snapshot belongs to another log'
    if (header.startLsn !== snapshotLsn(name)) return 'the snapshot is of another position than its name'
    const end = this.#peekEnd()
    if (end !== undefined) this.#options.sink.expect?.(end.entries)
    this.#startLsn = header.startLsn
    this.#crc = headerCrc(bytes)
    this.#offset = HEADER_BYTES
    return undefined
  }

  /** What the last block says, if there is a good one: a hint, until the blocks before it have led to it. */
  #peekEnd(): SnapshotEnd | undefined {
    if (this.#size < HEADER_BYTES + END_BLOCK_BYTES) return undefined
    const bytes = readFully(this.#file, this.#size - END_BLOCK_BYTES, END_BLOCK_BYTES)
    if (blockLength(bytes, END_BLOCK_BYTES) !== END_BLOCK_BYTES) return undefined
    const block = decodeBlock(bytes, undefined)
    const end = typeof block === 'string' || block.kind !== BLOCK_KIND.end ? undefined : decodeEnd(block.body)
    return typeof end === 'string' ? undefined : end
  }

  #readBlock(): Block | string {
    const head = readFully(this.#file, this.#offset, BLOCK_HEAD_BYTES)
    const length = blockLength(head, this.#size - this.#offset)
    if (typeof length === 'string') return length
    if (length + SLACK_BYTES > this.#buffer.length)
      this.#buffer = Buffer.allocUnsafeSlow(2 * length + SLACK_BYTES)
    const bytes = this.#buffer.subarray(0, length)
    if (this.#file.read(bytes, this.#offset) < length) return 'a block is cut off'
    const block = decodeBlock(bytes, this.#crc)
    if (typeof block === 'string') return block
    this.#crc = block.crc
    this.#offset += length
    return block
  }

  #readEntries(block: Block): string | undefined {
    const { kind, count, body } = block
    const hashes = hashBytes(count)
    if (kind !== BLOCK_KIND.entries || hashes > body.length) return 'a block has an unknown kind or count'
    this.#hashes = body.subarray(0, hashes)
    this.#hash = 0
    this.#entries += count
    const fault = decodeRecords(body, hashes, body.length, count, 1, 1, this.#entrySink)
    this.#options.sink.flush?.()
    return fault
  }

  #readEnd(block: Block): LoadedSnapshot | Damage {
    const end = decodeEnd(block.body)
    if (typeof end === 'string') return this.#damage(end)
    if (end.entries !== this.#entries) return this.#damage('the snapshot has not as many entries as it says')
    if (this.#offset !== this.#size) return this.#damage('something follows the end of the snapshot')
    this.#options.onBytes?.(this.#size, this.#size)
    return { ...end, startLsn: this.#startLsn, bytes: this.#size }
  }

  #damage(fault: string): Damage {
    return { file: this.#options.name, offset: this.#offset, lsn: this.#startLsn, fault }
  }
}
