/**
 * What connects recovery and the writer: where a log ends, and how a finished segment says that there is more.
 */
import { type Disk, type DiskFile, writeFully } from './disk.js'
import { type Epoch, FRAME_HEAD_BYTES, FRAME_KIND, sealFrame } from './format.js'
import type { LogState } from './frame-group.js'

/** Where the frames of a segment end, and of which start they are. */
export interface SegmentTail {
  readonly name: string
  readonly offset: number
  readonly epoch: Epoch
}

/** Where a log goes on: what recovery found, or the beginning of a new log. */
export interface LogEnd {
  /** The segment that the writer makes first. */
  readonly nextSegment: number
  readonly nextLsn: number
  /** CRC of the last frame. */
  readonly crc: number
  readonly releasedLsn: number
  readonly regionTimeMs: number
  /** The last segment with frames, unless it says already that it is continued; undefined: there is none. */
  readonly before?: SegmentTail | undefined
}

/** A segment that is whole on disk, and its last frame. */
export interface FinishedSegment {
  readonly file: DiskFile
  readonly offset: number
  readonly crc: number
}

/**
 * Writes into a finished segment that the log is continued at position `nextLsn`, and closes it, so that the loss of
 * all later files is noticed. Only a hint: it is not synced, and a failure is of no consequence.
 */
export function endSegment(segment: FinishedSegment, nextLsn: number, state: LogState): void {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES)
  const chain = { previousCrc: segment.crc, firstLsn: nextLsn, count: 0 }
  sealFrame(frame, 0, 0, { ...state, ...chain, kind: FRAME_KIND.continued })
  try {
    writeFully(segment.file, frame, segment.offset)
  } catch {
    // Whoever reads the segment finds its end by the header of the next one.
  } finally {
    segment.file.close()
  }
}

/** The same for the segment that an earlier start has left, and recovery has brought to disk. */
export function endEarlierSegment(disk: Disk, { before, crc, nextLsn }: LogEnd, state: LogState): void {
  if (before === undefined) return
  const { name, offset, epoch } = before
  let file: DiskFile
  try {
    file = disk.open(name, 'write')
  } catch {
    // A hint only, as above: without it the loss of everything later would not be noticed, and nothing else changes.
    return
  }
  endSegment({ file, offset, crc }, nextLsn, { ...state, epoch })
}
