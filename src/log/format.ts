/**
 * Where the bytes of a log lie. No I/O here.
 *
 * A log is a row of segments, files named by their number; a segment is one header sector and then frames, each
 * chained to the one before it by its checksum; the first frame of a segment is chained to the last of the segment
 * before. A frame holds whole batches of records, so what is in one frame happens whole or not at all.
 *
 * **A frame exists once all its bytes are there**: magic, length, CRC, and the CRC of the frame before. Zero is no
 * magic, no kind, no record type: fresh space can't pass for data.
 *
 * Positions (LSN) count records from 1 over the whole life of the log. All numbers are little-endian; frames begin
 * at multiples of 8 and end padded with zeros to the next.
 *
 * What a frame says about others: up to which position the log was on disk (`synced`) and up to which it was
 * released when the frame was made. Recovery tells a torn tail from damage by the first of them.
 *
 * Assumptions: a sector of 512 bytes is written wholly or not at all; CRC-32 finds what changes by accident (every
 * burst of up to 32 bits, others but for 1 in 2^32), not what somebody changes on purpose.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../base/assert.js'

export const FORMAT_VERSION = 1
export const HEADER_BYTES = 512
export const FRAME_HEAD_BYTES = 56
export const RECORD_HEAD_BYTES = 8
export const EXPIRY_BYTES = 8
/** A record's first word: type above the value's length; its second: flags above the key's length. */
export const RECORD_SHIFT = { type: 27, flags: 17 } as const
/** Most records of one frame. */
export const MAX_FRAME_RECORDS = 2 ** 24 - 1
/** Longest frame; a batch must fit one. A segment with nothing else in it is a file below 2 GiB, which is read in one piece. */
export const MAX_FRAME_BYTES = 2 ** 31 - 4096

const SEGMENT_MAGIC = Buffer.from('HEARTHWL')
export const FRAME_MAGIC = 0x4d52_4648
/** The magic as bytes, to search for. */
export const FRAME_MAGIC_BYTES = Buffer.from('HFRM')

/** `records`: a group of batches; `mark`: takes one position and holds nothing; `continued`: the log goes on in the
 * next segment (takes no position, and nothing is chained to it). */
export const FRAME_KIND = { records: 1, mark: 2, continued: 3 } as const
export const RECORD_TYPE = { set: 1, delete: 2, clear: 3 } as const
/** Flags of a record. The value is ASCII text; the value is followed by an expiry. */
export const RECORD_FLAG = { ascii: 1, expires: 2 } as const

/** Which start of which node wrote a frame: numbers grow, ids are random. */
export interface Epoch {
  readonly number: number
  readonly startId: bigint
}

/*
 * Segment header, one sector:
 *
 *   0        8         12        16       24        32          40       44        48         56
 *   | magic  | version | headers | log id | number  | first LSN | epoch  | previous| start id | region time | crc | 0.. |
 *   | 8      | 4       | 4       | 8      | 8       | 8         | 4      | CRC 4   | 8        | 8           | 4   |     |
 */
export interface SegmentHeader {
  readonly version: number
  /** Random, the same in all files of one data directory. */
  readonly logId: bigint
  readonly number: number
  /** Position of the first record. */
  readonly firstLsn: number
  readonly epoch: Epoch
  /** CRC of the last frame of the segment before, 0 for the first segment. */
  readonly previousCrc: number
  readonly regionTimeMs: number
}

const HEADER_CRC_AT = 64

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  SEGMENT_MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(header.version, 8)
  bytes.writeUInt32LE(HEADER_BYTES, 12)
  bytes.writeBigUInt64LE(header.logId, 16)
  writeUint53(bytes, header.number, 24)
  writeUint53(bytes, header.firstLsn, 32)
  bytes.writeUInt32LE(header.epoch.number, 40)
  bytes.writeUInt32LE(header.previousCrc, 44)
  bytes.writeBigUInt64LE(header.epoch.startId, 48)
  writeUint53(bytes, header.regionTimeMs, 56)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT)
  return bytes
}

/** The header, or what is wrong with it. A newer version comes back as it is: nothing else in it is to be trusted. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | string {
  if (bytes.length < HEADER_BYTES) return 'the header is cut off'
  if (!bytes.subarray(0, 8).equals(SEGMENT_MAGIC)) return 'this is no log segment'
  if (bytes.readUInt32LE(HEADER_CRC_AT) !== crc32(bytes.subarray(0, HEADER_CRC_AT)))
    return 'the checksum of the header is wrong'
  if (!isZero(bytes, HEADER_CRC_AT + 4, HEADER_BYTES)) return 'the header ends in bytes that are not zero'
  return {
    version: bytes.readUInt32LE(8),
    logId: bytes.readBigUInt64LE(16),
    number: readUint53(bytes, 24),
    firstLsn: readUint53(bytes, 32),
    epoch: { number: bytes.readUInt32LE(40), startId: bytes.readBigUInt64LE(48) },
    previousCrc: bytes.readUInt32LE(44),
    regionTimeMs: readUint53(bytes, 56),
  }
}

/*
 * Frame:
 *
 *   0       4     8        12         16      19     20      24         32          40            48        52         56
 *   | magic | crc | length | previous | count | kind | epoch | start id | first LSN | region time | unsynced| unreleas.| records | 0.. |
 *   | 4     | 4   | 4      | CRC 4    | 3     | 1    | 4     | 8        | 8         | 8           | 4       | 4        |         |     |
 *
 * crc: CRC-32 of bytes 8 to length. length: with head and padding. unsynced, unreleased: how many positions before
 * the first one of this frame were not yet on disk, not yet released, when it was made.
 */
export interface FrameHead {
  readonly kind: number
  readonly epoch: Epoch
  readonly previousCrc: number
  readonly firstLsn: number
  /** How many positions the frame takes. */
  readonly count: number
  /** Everything up to here was on disk when this frame was made. */
  readonly syncedLsn: number
  readonly releasedLsn: number
  readonly regionTimeMs: number
}

/** Bytes a frame takes whose records take `recordBytes`. */
export function frameBytes(recordBytes: number): number {
  return FRAME_HEAD_BYTES + Math.ceil(recordBytes / 8) * 8
}

/**
 * Writes the head of a frame whose records already lie at `offset + FRAME_HEAD_BYTES`, and zeros behind them.
 * Returns the frame's CRC.
 */
export function sealFrame(bytes: Buffer, offset: number, recordBytes: number, head: FrameHead): number {
  const length = frameBytes(recordBytes)
  assert(head.count <= MAX_FRAME_RECORDS && length <= MAX_FRAME_BYTES, 'a frame within its limits')
  assert(head.syncedLsn < head.firstLsn && head.releasedLsn < head.firstLsn, 'a frame speaks of earlier ones')
  bytes.fill(0, offset + FRAME_HEAD_BYTES + recordBytes, offset + length)
  bytes.writeUInt32LE(FRAME_MAGIC, offset)
  bytes.writeUInt32LE(length, offset + 8)
  bytes.writeUInt32LE(head.previousCrc, offset + 12)
  bytes.writeUInt32LE(head.count + head.kind * 2 ** 24, offset + 16)
  bytes.writeUInt32LE(head.epoch.number, offset + 20)
  bytes.writeBigUInt64LE(head.epoch.startId, offset + 24)
  writeUint53(bytes, head.firstLsn, offset + 32)
  writeUint53(bytes, head.regionTimeMs, offset + 40)
  bytes.writeUInt32LE(head.firstLsn - 1 - head.syncedLsn, offset + 48)
  bytes.writeUInt32LE(head.firstLsn - 1 - head.releasedLsn, offset + 52)
  const crc = crc32(bytes.subarray(offset + 8, offset + length))
  bytes.writeUInt32LE(crc, offset + 4)
  return crc
}

/** Length of the whole frame at `offset` if its bytes are all there and its own CRC holds; otherwise what is wrong. */
export function checkFrame(bytes: Buffer, offset: number): number | string {
  if (offset + FRAME_HEAD_BYTES > bytes.length) return 'the head of a frame is cut off'
  if (bytes.readUInt32LE(offset) !== FRAME_MAGIC) return 'there is no frame'
  const length = bytes.readUInt32LE(offset + 8)
  if (length < FRAME_HEAD_BYTES || length % 8 !== 0) return 'the length of a frame is impossible'
  if (offset + length > bytes.length) return 'a frame runs past the end of the file'
  const crc = crc32(bytes.subarray(offset + 8, offset + length))
  return crc === frameCrc(bytes, offset) ? length : 'the checksum of a frame is wrong'
}

/** With head and padding; of a frame that has passed {@link checkFrame}. */
export function frameLength(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 8)
}

export function frameCrc(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 4)
}

/** The head of a frame that has passed {@link checkFrame}. */
export function decodeFrameHead(bytes: Buffer, offset: number): FrameHead {
  const counted = bytes.readUInt32LE(offset + 16)
  const firstLsn = readUint53(bytes, offset + 32)
  return {
    kind: counted >>> 24,
    epoch: { number: bytes.readUInt32LE(offset + 20), startId: bytes.readBigUInt64LE(offset + 24) },
    previousCrc: bytes.readUInt32LE(offset + 12),
    firstLsn,
    count: counted & MAX_FRAME_RECORDS,
    syncedLsn: firstLsn - 1 - bytes.readUInt32LE(offset + 48),
    releasedLsn: firstLsn - 1 - bytes.readUInt32LE(offset + 52),
    regionTimeMs: readUint53(bytes, offset + 40),
  }
}

/** `0000000000000007.log`: the decimal number first, so that names sort as numbers do. */
export function segmentName(number: number): string {
  return `${String(number).padStart(16, '0')}.log`
}

/** The number in a segment's name; `undefined` if it is no such name. */
export function segmentNumber(name: string): number | undefined {
  return /^\d{16}\.log$/.test(name) ? Number(name.slice(0, 16)) : undefined
}

export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false
  return true
}

/** A whole number below 2^53 as 8 bytes. */
export function writeUint53(bytes: Buffer, value: number, at: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a whole number below 2^53')
  bytes.writeUInt32LE(value % 2 ** 32, at)
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4)
}

/** NaN if it is 2^53 or more, which nothing valid is. */
export function readUint53(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
  return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
}
