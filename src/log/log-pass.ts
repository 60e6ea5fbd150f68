/**
 * One reading of the log, segment by segment, into a sink: steps 2 to 5 of recovery.ts. It changes nothing. It ends
 * with the place where the log ends and with what is wrong there, if anything: a torn tail or damage.
 */
import type { Damage } from './damage.js'
import type { Disk } from './disk.js'
import { HEADER_BYTES, isZero, type SegmentHeader, segmentName } from './format.js'
import type { SegmentTail } from './log-end.js'
import type { RecordSink } from './record-reader.js'
import { indexOfPosition, type Segment } from './segment-list.js'
import {
  type ChainPoint,
  faultAtEnd,
  type SegmentWalk,
  unsyncedOffset,
  walkSegment,
} from './segment-reader.js'

/** What the snapshot, if one was loaded, says of the log. */
export interface SnapshotRange {
  /** Everything up to here is in it. */
  readonly startLsn: number
  /** Something up to here may be in it: the log must reach that far. */
  readonly endLsn: number
  readonly regionTimeMs: number
}

export interface PassOptions {
  readonly disk: Disk
  readonly sink: RecordSink
  readonly segments: readonly Segment[]
  readonly snapshot: SnapshotRange | undefined
  /** An empty directory has lost its log. */
  readonly expectsLog: boolean
  readonly onBytes?: (bytes: number) => void
}

/** A place in a file. */
export interface Place {
  readonly file: string
  readonly offset: number
}

export interface PassResult {
  readonly chain: ChainPoint
  /** Where the last good frame ends; `undefined`: nothing of the log is good. */
  readonly good: Place | undefined
  /** The last segment with frames, if nothing in it says that there is another one. */
  readonly before: SegmentTail | undefined
  /** Number of the first segment that was needed; 0: none. */
  readonly firstSegment: number
  /** Where the writer goes on. */
  readonly nextSegment: number
  readonly epochNumber: number
  readonly records: number
  /** Bytes behind `good` in its file, and whether any of them is not zero. */
  readonly tail: { readonly bytes: number; readonly isTorn: boolean }
  /** Bytes before `good` that nothing says to have been on disk. */
  readonly unsynced: Buffer
  readonly damage: Damage | undefined
}

/** Behind the bytes of a file, for who copies them by words. */
const SLACK_BYTES = 8

export function readLog(options: PassOptions): PassResult {
  return new LogPass(options).run()
}

class LogPass {
  readonly #options: PassOptions
  readonly #segments: readonly Segment[]
  readonly #fromLsn: number
  readonly #first: number
  #chain: ChainPoint
  #good: Place | undefined
  #tail = { bytes: 0, isTorn: false }
  #before: SegmentTail | undefined
  #records = 0
  #epochNumber = 0
  #nextSegment = 1
  #buffer: Buffer = Buffer.alloc(0)
  #unsynced: Buffer = this.#buffer

  constructor(options: PassOptions) {
    const { segments, snapshot } = options
    this.#options = options
    this.#fromLsn = (snapshot?.startLsn ?? 0) + 1
    this.#first = indexOfPosition(segments, this.#fromLsn)
    this.#segments = segments.slice(Math.max(0, this.#first))
    this.#chain = {
      crc: 0,
      nextLsn: this.#fromLsn,
      syncedLsn: 0,
      // A snapshot holds what was released; there need be no frame behind it that says so.
      releasedLsn: snapshot?.startLsn ?? 0,
      regionTimeMs: snapshot?.regionTimeMs ?? 0,
    }
  }

  run(): PassResult {
    const damage = this.#first < 0 ? this.#missingBeginning() : this.#readSegments()
    return {
      chain: this.#chain,
      good: this.#good,
      firstSegment: this.#first < 0 ? 0 : (this.#segments[0]?.number ?? 0),
      nextSegment: this.#nextSegment,
      epochNumber: this.#epochNumber,
      records: this.#records,
      tail: this.#tail,
      unsynced: this.#unsynced,
      before: this.#before,
      damage,
    }
  }

  #missingBeginning(): Damage | undefined {
    const [lowest] = this.#segments
    if (lowest === undefined) {
      const needed = this.#options.snapshot?.endLsn ?? 0
      if (needed < this.#fromLsn && !this.#options.expectsLog) return undefined
      return this.#damage(segmentName(1), 0, 'the log is gone: there is no segment')
    }
    const fault =
      typeof lowest.header === 'string' ? lowest.header : 'the segments before this one are missing'
    return this.#damage(lowest.name, 0, fault)
  }

  #readSegments(): Damage | undefined {
    for (const [index, segment] of this.#segments.entries()) {
      const damage = this.#readSegment(segment, this.#segments[index - 1], this.#segments[index + 1])
      if (damage !== undefined) return damage
    }
    return undefined
  }

  #readSegment(segment: Segment, before: Segment | undefined, next: Segment | undefined): Damage | undefined {
    if (before !== undefined && segment.number !== before.number + 1)
      return this.#damage(segmentName(before.number + 1), 0, 'the segment is missing')
    const { header, name } = segment
    if (typeof header === 'string') return this.#damage(name, 0, header)
    if (before === undefined)
      this.#chain = { ...this.#chain, crc: header.previousCrc, nextLsn: header.firstLsn }
    const regionTimeMs = Math.max(this.#chain.regionTimeMs, header.regionTimeMs)
    this.#chain = { ...this.#chain, regionTimeMs }
    this.#epochNumber = Math.max(this.#epochNumber, header.epoch.number)
    return this.#readFrames(name, header, next)
  }

  #readFrames(name: string, header: SegmentHeader, next: Segment | undefined): Damage | undefined {
    const bytes = this.#contentsOf(name)
    const from = { offset: HEADER_BYTES, lsn: this.#fromLsn }
    const walk = walkSegment(bytes, header, this.#chain, from, this.#options.sink)
    this.#options.sink.flush?.()
    this.#records += walk.chain.nextLsn - this.#chain.nextLsn
    this.#chain = walk.chain
    this.#good = { file: name, offset: walk.offset }
    const { epoch } = header
    if (walk.frames > 0)
      this.#before = walk.end === 'continued' ? undefined : { name, offset: walk.offset, epoch }
    // A segment without a frame gives its number to the next one, which takes its place by a rename.
    this.#nextSegment = walk.frames === 0 ? header.number : header.number + 1
    this.#tail = {
      bytes: bytes.length - walk.offset,
      isTorn: walk.end === 'bad' || !isZero(bytes, walk.offset, bytes.length),
    }
    this.#unsynced = bytes.subarray(unsyncedOffset(bytes, walk), walk.offset)
    this.#options.onBytes?.(bytes.length)
    return next === undefined
      ? this.#judgeEnd(name, bytes, header, walk)
      : this.#judgeLink(name, header, walk, next)
  }

  /** A segment that is followed by another one was whole on disk before that one began. */
  #judgeLink(name: string, header: SegmentHeader, walk: SegmentWalk, next: Segment): Damage | undefined {
    const isNext = typeof next.header !== 'string' && next.number === header.number + 1
    const isLinked =
      typeof next.header !== 'string' &&
      next.header.previousCrc === walk.chain.crc &&
      next.header.firstLsn === walk.chain.nextLsn
    if (isNext && isLinked) return undefined
    if (walk.end === 'bad') return this.#damage(name, walk.offset, walk.fault)
    // If the next one is absent or bad itself, reading it says so.
    return isNext ? this.#damage(name, walk.offset, 'the segment ends before the next one begins') : undefined
  }

  #judgeEnd(name: string, bytes: Buffer, header: SegmentHeader, walk: SegmentWalk): Damage | undefined {
    if (walk.end === 'continued')
      return this.#damage(segmentName(header.number + 1), 0, 'the segment is missing')
    const fault = faultAtEnd(bytes, header, walk)
    if (fault !== undefined) return this.#damage(name, walk.offset, fault)
    const { nextLsn } = walk.chain
    const needed = this.#options.snapshot?.endLsn ?? 0
    if (needed >= nextLsn)
      return this.#damage(
        name,
        walk.offset,
        `${walk.fault || 'the log ends'}, and the snapshot needs it up to position ${needed}`,
      )
    return undefined
  }

  #damage(file: string, offset: number, fault: string): Damage {
    return { file, offset, lsn: this.#chain.nextLsn, fault }
  }

  /** The whole file, in memory that the next one uses again: fresh memory costs more than reading into it. */
  #contentsOf(name: string): Buffer {
    const file = this.#options.disk.open(name, 'read')
    try {
      const size = file.size()
      if (size + SLACK_BYTES > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(size + SLACK_BYTES)
      const bytes = this.#buffer.subarray(0, size)
      return bytes.subarray(0, file.read(bytes, 0))
    } finally {
      file.close()
    }
  }
}
