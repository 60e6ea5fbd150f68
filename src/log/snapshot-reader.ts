/**
 * Reads snapshots: into a sink, or only to see that they are whole. Nothing of a block reaches the sink before its
 * checksum holds; of a snapshot that turns out to be damaged further on, the sink holds a part and must be cleared.
 */
import { OperationError } from '../base/errors.js'
import type { Damage } from './damage.js'
import { type Disk, type DiskFile, readFully } from './disk.js'
import { HEADER_BYTES } from './format.js'
import { decodeRecords, type RecordSink } from './record-reader.js'
import {
  BLOCK_HEAD_BYTES,
  BLOCK_KIND,
  type Block,
  blockFacts,
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

/**
 * Who takes what recovery reads: entries of a snapshot first, then the records of the log. A sink may share the work with
 * somebody else who reads the same files and takes what it leaves (see recovery.ts); one that does has the last two.
 */
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
  /**
   * Whether any of the `count` hashes (4 bytes each) is of an entry that this sink takes. A block of which it takes none
   * is not handed over, nor checked beyond its place in the chain: that does the one who takes its entries.
   */
  wants?(hashes: Buffer, count: number): boolean
  /**
   * Everything has been read and nothing changed on disk: `mark` is what this reading came to, `undefined` where it came
   * upon damage. Waits for who shares the work. False: something is wrong with what was read together, and it is to be
   * read again from the start, by this sink alone. Throws what kept the other one from its part.
   */
  join?(mark: ReadMark | undefined): boolean
}

/** What two who read the same files must agree on. */
export interface ReadMark {
  /** Where the chain of the log ends. */
  readonly crc: number
  readonly nextLsn: number
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
  #hashes: DataView = new DataView(new ArrayBuffer(0))
  readonly #head = Buffer.alloc(BLOCK_HEAD_BYTES)
  /** Hashes of a block that may be skipped. */
  #skimmed: Buffer = Buffer.alloc(0)
  readonly #entrySink: RecordSink

  constructor(options: ReadOptions, file: DiskFile) {
    const { sink } = options
    this.#options = options
    this.#file = file
    this.#size = file.size()
    this.#entrySink = {
      set: (bytes, keyStart, keyEnd, valueEnd, flags, expiresAtMs) => {
        const hash = this.#hashes.getInt32(4 * this.#hash++, true)
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
      if (block === undefined) continue
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

  /** The next block, or what is wrong with it; `undefined`: one that the sink does not want. */
  #readBlock(): Block | string | undefined {
    const head = this.#head.subarray(0, this.#file.read(this.#head, this.#offset))
    const length = blockLength(head, this.#size - this.#offset)
    if (typeof length === 'string') return length
    if (this.#isUnwanted(head, length)) return this.#skipBlock(head, length)
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

  /** Whether the block holds entries, and none that the sink takes. */
  #isUnwanted(head: Buffer, length: number): boolean {
    const { sink } = this.#options
    if (sink.wants === undefined) return false
    const { kind, count } = blockFacts(head)
    if (kind !== BLOCK_KIND.entries || count === 0 || BLOCK_HEAD_BYTES + hashBytes(count) > length)
      return false
    if (4 * count > this.#skimmed.length) this.#skimmed = Buffer.allocUnsafeSlow(8 * count)
    const hashes = this.#skimmed.subarray(0, 4 * count)
    return (
      this.#file.read(hashes, this.#offset + BLOCK_HEAD_BYTES) === 4 * count && !sink.wants(hashes, count)
    )
  }

  /** Its checksum is taken as it stands: who takes the entries looks whether it holds. */
  #skipBlock(head: Buffer, length: number): string | undefined {
    const { crc, previousCrc, count } = blockFacts(head)
    if (previousCrc !== this.#crc) return 'a block is not chained to the one before it'
    this.#crc = crc
    this.#offset += length
    this.#entries += count
    return undefined
  }

  #readEntries(block: Block): string | undefined {
    const { kind, count, body } = block
    const hashes = hashBytes(count)
    if (kind !== BLOCK_KIND.entries || hashes > body.length) return 'a block has an unknown kind or count'
    this.#hashes = new DataView(body.buffer, body.byteOffset, hashes)
    this.#hash = 0
    this.#entries += count
    const fault = decodeRecords(body, hashes, body.length, count, 1, 1, this.#entrySink)
    this.#options.sink.flush?.()
    // Each hash was taken for a set: with anything else among them, the wrong ones.
    return fault ?? (this.#hash === count ? undefined : 'a block holds what is no entry')
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
