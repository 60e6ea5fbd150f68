/**
 * Walks the frames of one segment, checking each against the chain. No I/O, no judgement: it says how far the
 * segment is good and why it ends there; recovery.ts decides what that means.
 *
 * The walk needs two words of the chain: the CRC of the last good frame and the next position. A frame counts only
 * if its own CRC holds *and* it names that CRC, that position and the epoch of its segment, so that no frame of an
 * older or another log, or from elsewhere in this one, is ever taken for the next.
 */
import {
  checkFrame,
  decodeFrameHead,
  FRAME_HEAD_BYTES,
  FRAME_KIND,
  FRAME_MAGIC_BYTES,
  type FrameHead,
  frameCrc,
  frameLength,
  HEADER_BYTES,
  isZero,
  type SegmentHeader,
} from './format.js'
import { decodeRecords, type RecordSink } from './record-reader.js'

/** Where a log goes on. */
export interface ChainPoint {
  /** CRC of the last good frame. */
  readonly crc: number
  /** The position the next record has. */
  readonly nextLsn: number
  /** What the frames so far said: on disk, released, time of the region. */
  readonly syncedLsn: number
  readonly releasedLsn: number
  readonly regionTimeMs: number
}

/**
 * `zeros`: only zeros, or nothing, follow; `continued`: the log goes on in the next segment; `bad`: something
 * follows that is not the next frame.
 */
export type SegmentEnd = 'zeros' | 'continued' | 'bad'

export interface SegmentWalk {
  readonly chain: ChainPoint
  /** The first byte that belongs to no good frame. */
  readonly offset: number
  readonly end: SegmentEnd
  /** Why the walk ended, if `bad`. */
  readonly fault: string
  /** The frame there is whole and the next one of the chain, yet cannot be read: no write that was cut short leaves that. */
  readonly isWhole: boolean
  readonly frames: number
}

/** Whether the frame at `offset` with this head is the next one of the chain; otherwise why not. */
function followsChain(head: FrameHead, header: SegmentHeader, chain: ChainPoint): string | undefined {
  if (head.previousCrc !== chain.crc) return 'a frame is not chained to the one before it'
  if (head.firstLsn !== chain.nextLsn) return 'a frame has another position than the next one'
  if (head.epoch.number !== header.epoch.number || head.epoch.startId !== header.epoch.startId)
    return 'a frame is of another epoch than its segment'
  return undefined
}

/** Where the chain stands after this frame. */
function advance(chain: ChainPoint, head: FrameHead, crc: number): ChainPoint {
  return {
    crc,
    nextLsn: head.firstLsn + head.count,
    syncedLsn: Math.max(chain.syncedLsn, head.syncedLsn),
    releasedLsn: Math.max(chain.releasedLsn, head.releasedLsn),
    regionTimeMs: Math.max(chain.regionTimeMs, head.regionTimeMs),
  }
}

/**
 * Hands the records of all good frames in `bytes` (a whole segment) to `sink`, those from position `fromLsn` on.
 * `onFrame` sees each good frame before its records are handed over.
 */
export function walkSegment(
  bytes: Buffer,
  header: SegmentHeader,
  start: ChainPoint,
  from: { readonly offset: number; readonly lsn: number },
  sink: RecordSink,
  onFrame?: (head: FrameHead, offset: number, length: number) => void,
): SegmentWalk {
  let chain = start
  let offset = from.offset
  let frames = 0
  const stop = (end: SegmentEnd, fault = '', isWhole = false): SegmentWalk => {
    return { chain, offset, end, fault, isWhole, frames }
  }
  for (;;) {
    const length = checkFrame(bytes, offset)
    if (typeof length === 'string')
      return isZero(bytes, offset, bytes.length) ? stop('zeros') : stop('bad', length)
    const head = decodeFrameHead(bytes, offset)
    const stranger = followsChain(head, header, chain)
    if (stranger !== undefined) return stop('bad', stranger)
    if (head.kind === FRAME_KIND.continued) return stop('continued')
    const recordCount = head.kind === FRAME_KIND.records ? head.count : 0
    if (recordCount === 0 && !(head.kind === FRAME_KIND.mark && head.count === 1))
      return stop('bad', 'a frame has an unknown kind', true)
    onFrame?.(head, offset, length)
    const records = offset + FRAME_HEAD_BYTES
    const fault = decodeRecords(bytes, records, offset + length, recordCount, head.firstLsn, from.lsn, sink)
    if (fault !== undefined) return stop('bad', fault, true)
    chain = advance(chain, head, frameCrc(bytes, offset))
    offset += length
    frames++
  }
}

/** Where, in the good part of a segment, the frames begin that no other one says to be on disk. */
export function unsyncedOffset(bytes: Buffer, walk: SegmentWalk): number {
  let offset = HEADER_BYTES
  while (offset < walk.offset) {
    const { firstLsn, count } = decodeFrameHead(bytes, offset)
    if (firstLsn + count - 1 > walk.chain.syncedLsn) break
    offset += frameLength(bytes, offset)
  }
  return offset
}

/**
 * Looks behind a place that is not the next frame for one of the same epoch that was made when position `lsn` was
 * already on disk. If there is one, the place held something that must not be lost: it is damage, no torn tail.
 * Returns the offset of that frame.
 */
function findProofOfSync(
  bytes: Buffer,
  from: number,
  header: SegmentHeader,
  lsn: number,
): number | undefined {
  for (
    let at = bytes.indexOf(FRAME_MAGIC_BYTES, from);
    at >= 0;
    at = bytes.indexOf(FRAME_MAGIC_BYTES, at + 1)
  ) {
    if (at % 8 !== 0 || at + FRAME_HEAD_BYTES > bytes.length) continue
    const head = decodeFrameHead(bytes, at)
    // The start id comes first: nobody who can only store values can make one up, and a CRC over each of a
    // million forged frames would take days.
    const isOurs = head.epoch.number === header.epoch.number && head.epoch.startId === header.epoch.startId
    if (isOurs && head.syncedLsn >= lsn && typeof checkFrame(bytes, at) === 'number') return at
  }
  return undefined
}

/**
 * What is wrong where the frames of a last segment end and do not say that it is continued; `undefined`: nothing that was on
 * disk is missing there.
 */
export function faultAtEnd(bytes: Buffer, header: SegmentHeader, walk: SegmentWalk): string | undefined {
  if (walk.isWhole) return walk.fault
  const proof = findProofOfSync(bytes, walk.offset, header, walk.chain.nextLsn)
  if (proof === undefined) return undefined
  return `${walk.fault || 'the log ends'}, and the frame at byte ${proof} says that more was on disk`
}
