/**
 * Appends to the log. One thread owns it; every call is synchronous.
 *
 * The caller gathers a group by `append` (memory only, but for the change of segments) and then calls `sync`, or
 * `write` where the level asks for no sync; policy.ts chooses between them. **A batch is durable once `synced` has
 * reached the position that its `append` returned.**
 *
 * Failures:
 * - `append` throws DISK_FULL: this batch was refused before it existed; the log is as before, and heals by itself
 *   when there is space.
 * - `write` or `sync` throws DISK_FULL (a file system that does not overwrite in place): the whole group was taken
 *   back; every batch whose position is above `appended` is refused, none will ever appear.
 * - LOG_FAILED: a sync or a write failed. What was in flight is unknown, and nothing is accepted or acknowledged
 *   any more until a restart has read the log again. It never heals: after a failed sync the kernel may have dropped
 *   what it could not write and report the next sync as good.
 */
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { type Disk, type DiskFile, isDiskFull, writeFully } from './disk.js'
import {
  type Epoch,
  encodeSegmentHeader,
  FORMAT_VERSION,
  FRAME_HEAD_BYTES,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  segmentName,
} from './format.js'
import { FrameGroup, type LogState } from './frame-group.js'
import { endEarlierSegment, endSegment, type LogEnd } from './log-end.js'
import type { RecordBatch } from './record-batch.js'
import { SpareSegment } from './spare-segment.js'

export const DEFAULT_SEGMENT_BYTES = 32 * 1024 * 1024
/** At the end of a segment this is left for a closing mark and the frame that says the log is continued. */
const RESERVED_BYTES = 2 * FRAME_HEAD_BYTES
/** For each byte written, so many of the next segment are filled: it is ready well before it is needed. */
const FILL_FACTOR = 2
/** So often, at most, it is looked whether the file is still there. */
const LOOK_MS = 100
/** Bytes of the next segment that are filled in one go, by `prepare` and without it. */
const LEAST_OWED_BYTES = 64 * 1024
const MOST_OWED_BYTES = 1024 * 1024

assert(HEADER_BYTES + MAX_FRAME_BYTES + RESERVED_BYTES < 2 ** 31, 'a file of one frame is read in one piece')

export interface LogWriterOptions {
  readonly disk: Disk
  readonly logId: bigint
  readonly epoch: Epoch
  readonly end: LogEnd
  readonly segmentBytes?: number
  /** A clock that never goes back, for the pauses between attempts on a full disk. */
  readonly nowMs: () => number
  /** The region's time: milliseconds since 1970, only advancing. */
  readonly regionTimeMs: () => number
}

export class LogWriter {
  readonly #options: LogWriterOptions
  readonly #segmentBytes: number
  readonly #spare: SpareSegment
  readonly #group = new FrameGroup()
  #file: DiskFile | undefined
  /** A file that lies beside the log as long as the directory is the same. */
  #companion: { readonly name: string; readonly file: DiskFile } | undefined
  #segment: number
  #offset = 0
  #size = 0
  #crc: number
  #appended: number
  #written: number
  #synced: number
  #released: number
  #regionTimeMs: number
  #bytesWritten = 0
  #owedBytes = 0
  #isMarked = true
  #lookAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  #failure: OperationError | undefined

  private constructor(options: LogWriterOptions) {
    const { end, disk, nowMs } = options
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES
    assert(
      this.#segmentBytes >= HEADER_BYTES + RESERVED_BYTES + FRAME_HEAD_BYTES,
      'a segment has room for a frame',
    )
    this.#spare = new SpareSegment(disk, nowMs)
    this.#segment = end.nextSegment - 1
    this.#crc = end.crc
    this.#appended = this.#written = this.#synced = end.nextLsn - 1
    this.#released = Math.min(end.releasedLsn, this.#appended)
    this.#regionTimeMs = end.regionTimeMs
  }

  /**
   * Goes on at `options.end`; all that comes before must be on disk. The first segment is made by the first batch, so
   * that a node starts, and reads, also while its disk is full.
   */
  static open(options: LogWriterOptions): LogWriter {
    return new LogWriter(options)
  }

  /** Makes the first segment now. Throws DISK_FULL. */
  begin(): void {
    this.#spare.need(this.#segmentBytes)
    this.#begin(this.#segment + 1)
  }

  /** From now on, the log fails also when the file `name`, which is there, is not any more. */
  stayBeside(name: string): void {
    this.#companion = { name, file: this.#options.disk.open(name, 'read') }
  }

  get epoch(): Epoch {
    return this.#options.epoch
  }

  /** Position of the last record that was accepted. */
  get appended(): number {
    return this.#appended
  }

  /** Everything up to here was handed to the kernel. */
  get written(): number {
    return this.#written
  }

  /** Everything up to here is on disk. */
  get synced(): number {
    return this.#synced
  }

  /** The file that is written to. */
  get segment(): number {
    return this.#segment
  }

  /** Bytes handed to the kernel since the writer was opened, heads included, zeros of new segments not. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  /** What made the log fail for good. */
  get failure(): OperationError | undefined {
    return this.#failure
  }

  /** Takes a batch into the group; returns the position of its last record. */
  append(batch: RecordBatch): number {
    this.#assertWorks()
    if (batch.count === 0) return this.#appended
    if (!this.#hasRoom(this.#group.byteLengthWith(batch))) this.#rotate(batch)
    this.#group.add(batch, this.#appended + 1)
    this.#appended += batch.count
    return this.#appended
  }

  /** Up to here everything is visible to readers; the next frame says so. */
  release(position: number): void {
    assert(position >= this.#released && position <= this.#appended, 'a release only advances')
    this.#released = position
  }

  /** Hands the group to the kernel; returns `written`. */
  write(): number {
    this.#assertWorks()
    if (this.#group.isEmpty) return this.#written
    const { bytes, crc } = this.#group.seal(this.#crc, this.#state())
    try {
      writeFully(this.#open(), bytes, this.#offset)
    } catch (error) {
      this.#takeBack(error)
    }
    this.#offset += bytes.length
    this.#bytesWritten += bytes.length
    this.#crc = crc
    this.#written = this.#appended
    this.#isMarked = false
    this.#group.clear()
    this.#owedBytes += FILL_FACTOR * bytes.length
    if (this.#owedBytes >= MOST_OWED_BYTES) this.prepare()
    this.look()
    return this.#written
  }

  /**
   * Sees to it, now and then, that nobody has taken the file away: what is written to one without a name is on no disk
   * that a start would find. Throws LOG_FAILED.
   */
  look(): void {
    const nowMs = this.#options.nowMs()
    if (this.#failure !== undefined || nowMs < this.#lookAtMs) return
    this.#lookAtMs = nowMs + LOOK_MS
    this.#assertNamed('the file of the log is gone', this.#file, segmentName(this.#segment))
    const { file, name } = this.#companion ?? {}
    this.#assertNamed('the directory of the log is another one', file, name ?? '')
  }

  #assertNamed(fault: string, file: DiskFile | undefined, name: string): void {
    let cause: unknown = `${name} was removed or replaced`
    try {
      if (file === undefined || file.isNamed(name)) return
    } catch (error) {
      cause = error
    }
    this.#fail(`${fault}; save what is in memory before the node is stopped`, cause)
  }

  /** Hands the group to the kernel and waits until it is on disk; returns `synced`. */
  sync(): number {
    this.write()
    if (this.#synced === this.#written) return this.#synced
    try {
      this.#open().sync()
    } catch (error) {
      this.#fail('a sync of the log failed', error)
    }
    this.#synced = this.#written
    return this.#synced
  }

  /**
   * Fills a part of the next segment, if some is due: work for after the replies. Who never calls this pays for
   * it in larger pieces.
   */
  prepare(): void {
    if (this.#failure !== undefined || this.#owedBytes < Math.min(LEAST_OWED_BYTES, this.#segmentBytes / 8))
      return
    this.#spare.fill(this.#owedBytes, this.#segmentBytes)
    this.#owedBytes = 0
  }

  /**
   * Writes down, by a frame without records, how far the log is synced and released now, and the region's time.
   * For when nothing else is to be written: the last frame alone has nobody to speak for it.
   */
  mark(): void {
    this.sync()
    if (this.#isMarked || this.#file === undefined || !this.#hasRoom(FRAME_HEAD_BYTES)) return
    this.#group.addMark(this.#appended + 1)
    this.#appended++
    this.sync()
    this.#isMarked = true
  }

  /** Syncs and ends in order; what the segment has left is given back. Also after a failure, then without a sync. */
  close(): void {
    const file = this.#file
    try {
      if (file !== undefined && this.#failure === undefined) this.#finish(file)
    } finally {
      this.#isClosed = true
      this.#file = undefined
      file?.close()
      this.#companion?.file.close()
      this.#companion = undefined
      this.#spare.discard()
    }
  }

  #finish(file: DiskFile): void {
    this.sync()
    this.#group.addMark(this.#appended + 1)
    this.#appended++
    this.sync()
    file.truncate(this.#offset)
    file.sync()
  }

  #assertWorks(): void {
    if (this.#failure !== undefined)
      throw new OperationError(
        'LOG_FAILED',
        `nothing is accepted until the log is opened again, since ${this.#failure.message}`,
        { outcome: 'not-applied', cause: this.#failure },
      )
    if (this.#isClosed) throw new OperationError('CLOSED', 'the log is closed')
  }

  #open(): DiskFile {
    assert(this.#file !== undefined, 'the log is open')
    return this.#file
  }

  #hasRoom(groupBytes: number): boolean {
    return this.#offset + groupBytes + RESERVED_BYTES <= this.#size
  }

  #state(): LogState {
    this.#regionTimeMs = Math.max(this.#regionTimeMs, this.#options.regionTimeMs())
    return {
      epoch: this.#options.epoch,
      syncedLsn: this.#synced,
      releasedLsn: Math.min(this.#released, this.#written),
      regionTimeMs: this.#regionTimeMs,
    }
  }

  /** Ends this segment, with all of it on disk, and begins one that has room for `batch`. */
  #rotate(batch: RecordBatch): void {
    const needed = HEADER_BYTES + new FrameGroup().byteLengthWith(batch) + RESERVED_BYTES
    // A file that is made in another directory would look like this log's.
    this.#lookAtMs = Number.NEGATIVE_INFINITY
    this.look()
    this.#spare.need(Math.max(this.#segmentBytes, needed))
    this.sync()
    const file = this.#file
    const before = file === undefined ? undefined : { file, offset: this.#offset, crc: this.#crc }
    this.#begin(this.#segment + 1)
    if (before !== undefined) endSegment(before, this.#appended + 1, this.#state())
    else endEarlierSegment(this.#options.disk, this.#options.end, this.#state())
  }

  /** Makes the spare the segment `number`. A failure here leaves a name of unknown fate: it is final. */
  #begin(number: number): void {
    const { epoch, logId } = this.#options
    const { regionTimeMs } = this.#state()
    const firstLsn = this.#appended + 1
    const header = { version: FORMAT_VERSION, logId, number, firstLsn, epoch, regionTimeMs }
    try {
      const made = this.#spare.become(
        segmentName(number),
        encodeSegmentHeader({ ...header, previousCrc: this.#crc }),
      )
      this.#file = made.file
      this.#size = made.size
    } catch (error) {
      this.#fail('the next segment of the log could not be begun', error)
    }
    this.#segment = number
    this.#offset = HEADER_BYTES
  }

  /** A write failed. A full disk: the group never was, if what there is of it can be cut off; else the end. */
  #takeBack(error: unknown): never {
    if (!isDiskFull(error)) this.#fail('a write to the log failed', error)
    try {
      const file = this.#open()
      file.truncate(this.#offset)
      file.sync()
    } catch (second) {
      this.#fail('a write to the log failed, and so did taking it back', second)
    }
    this.#synced = this.#written
    this.#appended = this.#written
    this.#group.clear()
    throw new OperationError(
      'DISK_FULL',
      `the log in ${this.#options.disk.path} takes no more bytes: ${String(error)}`,
      { cause: error },
    )
  }

  #fail(what: string, cause: unknown): never {
    this.#failure = new OperationError(
      'LOG_FAILED',
      `${what} (segment ${segmentName(this.#segment)} in ${this.#options.disk.path}): ${String(cause)}`,
      { cause },
    )
    throw this.#failure
  }
}
