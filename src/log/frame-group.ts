/**
 * The frames of one group, gathered in memory until they are written in one piece: each batch goes whole into one
 * frame, batches share a frame while it is short. Memory only; one thread.
 *
 * What a frame says of the rest of the log (synced, released, time) is filled in when it is sealed, which is when the
 * group is taken to be written.
 */
import {
  type Epoch,
  FRAME_HEAD_BYTES,
  FRAME_KIND,
  frameBytes,
  MAX_FRAME_RECORDS,
  sealFrame,
} from './format.js'
import type { RecordBatch } from './record-batch.js'

/** A frame of at least so many bytes of records takes no further batch. */
const LONG_ENOUGH_BYTES = 1024 * 1024
const FIRST_BYTES = 64 * 1024
/** A buffer that one huge batch has made larger is given back. */
const KEPT_BYTES = 8 * 1024 * 1024

/** What the frames of a group say of the log at the moment they are sealed. */
export interface LogState {
  readonly epoch: Epoch
  readonly syncedLsn: number
  readonly releasedLsn: number
  readonly regionTimeMs: number
}

interface OpenFrame {
  readonly kind: number
  readonly offset: number
  readonly firstLsn: number
  recordBytes: number
  count: number
}

export class FrameGroup {
  #bytes = Buffer.from(new ArrayBuffer(FIRST_BYTES))
  #view = new DataView(this.#bytes.buffer)
  #frames: OpenFrame[] = []
  #length = 0

  /** Bytes the group takes on disk. */
  get byteLength(): number {
    return this.#length
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  /** Bytes the group would take with one more batch. */
  byteLengthWith(batch: RecordBatch): number {
    const last = this.#openFrame(batch)
    return last === undefined
      ? this.#length + frameBytes(batch.byteLength)
      : last.offset + frameBytes(last.recordBytes + batch.byteLength)
  }

  /** Adds a batch whose first record has position `firstLsn`. */
  add(batch: RecordBatch, firstLsn: number): void {
    let frame = this.#openFrame(batch)
    this.#reserve(this.byteLengthWith(batch))
    if (frame === undefined) {
      frame = { kind: FRAME_KIND.records, offset: this.#length, firstLsn, recordBytes: 0, count: 0 }
      this.#frames.push(frame)
    }
    batch.copyTo(this.#bytes, frame.offset + FRAME_HEAD_BYTES + frame.recordBytes, this.#view)
    frame.recordBytes += batch.byteLength
    frame.count += batch.count
    this.#length = frame.offset + frameBytes(frame.recordBytes)
  }

  /** Adds a mark: a frame that takes position `lsn` and holds nothing. */
  addMark(lsn: number): void {
    const frame = { kind: FRAME_KIND.mark, offset: this.#length, firstLsn: lsn, recordBytes: 0, count: 1 }
    this.#reserve(this.#length + FRAME_HEAD_BYTES)
    this.#frames.push(frame)
    this.#length += FRAME_HEAD_BYTES
  }

  /** Seals all frames, chained on from `previousCrc`; the bytes are valid until `clear`. */
  seal(previousCrc: number, state: LogState): { readonly bytes: Buffer; readonly crc: number } {
    let crc = previousCrc
    for (const frame of this.#frames) {
      crc = sealFrame(this.#bytes, frame.offset, frame.recordBytes, { ...frame, ...state, previousCrc: crc })
    }
    return { bytes: this.#bytes.subarray(0, this.#length), crc }
  }

  clear(): void {
    this.#frames = []
    this.#length = 0
    if (this.#bytes.length > KEPT_BYTES) this.#use(FIRST_BYTES)
  }

  /** The last frame, if `batch` still goes into it. */
  #openFrame(batch: RecordBatch): OpenFrame | undefined {
    const last = this.#frames.at(-1)
    if (last === undefined || last.kind !== FRAME_KIND.records || last.recordBytes >= LONG_ENOUGH_BYTES)
      return undefined
    return last.count + batch.count <= MAX_FRAME_RECORDS ? last : undefined
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return
    const before = this.#bytes
    this.#use(Math.max(needed, 2 * before.length))
    before.copy(this.#bytes, 0, 0, this.#length)
  }

  #use(byteLength: number): void {
    this.#bytes = Buffer.from(new ArrayBuffer(byteLength))
    this.#view = new DataView(this.#bytes.buffer)
  }
}
