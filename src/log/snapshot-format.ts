/**
 * Where the bytes of a snapshot lie. No I/O here.
 *
 * A snapshot is all entries as a walk over the table met them while writes went on: everything up to its *start*
 * position is in it, and of what came between start and *end* any part may be. The log from start on sets it right,
 * since records are absolute. **A snapshot exists once it has its name**, which it gets when it is whole and on disk
 * and so is the log up to its end.
 *
 *   | header 512 | block | block | ... | end block |
 *
 * Blocks are chained by their checksums like frames, the first one to that of the header. The last block says how many
 * entries there are, so that a file that is cut between blocks is not taken for a smaller snapshot.
 */
import { crc32 } from 'node:zlib'
import { MAX_VALUE_BYTES } from '../base/limits.js'
import { HEADER_BYTES, isZero, readUint53, writeUint53 } from './format.js'

export const SNAPSHOT_VERSION = 1
export const BLOCK_HEAD_BYTES = 24
export const BLOCK_KIND = { entries: 1, end: 2 } as const

const SNAPSHOT_MAGIC = Buffer.from('HEARTHSN')
const BLOCK_MAGIC = 0x4b4c_4248
const HEADER_CRC_AT = 48
const END_BODY_BYTES = 24
/** Longer than any block is: a little more than the largest entry. */
const MAX_BLOCK_BYTES = 2 * MAX_VALUE_BYTES
/** Bytes of the last block. */
export const END_BLOCK_BYTES = BLOCK_HEAD_BYTES + END_BODY_BYTES

/*
 *   0        8         12       16       24          32       36   40            48
 *   | magic  | version | header | log id | start LSN | epoch  | 0  | region time | crc | 0.. |
 *   | 8      | 4       | 4      | 8      | 8         | 4      | 4  | 8           | 4   |     |
 */
export interface SnapshotHeader {
  readonly version: number
  readonly logId: bigint
  /** Everything up to here is in the snapshot. */
  readonly startLsn: number
  readonly epochNumber: number
  readonly regionTimeMs: number
}

export function encodeSnapshotHeader(header: SnapshotHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  SNAPSHOT_MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(header.version, 8)
  bytes.writeUInt32LE(HEADER_BYTES, 12)
  bytes.writeBigUInt64LE(header.logId, 16)
  writeUint53(bytes, header.startLsn, 24)
  bytes.writeUInt32LE(header.epochNumber, 32)
  writeUint53(bytes, header.regionTimeMs, 40)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT)
  return bytes
}

/** The header, or what is wrong with it. */
export function decodeSnapshotHeader(bytes: Buffer): SnapshotHeader | string {
  if (bytes.length < HEADER_BYTES) return 'the header is cut off'
  if (!bytes.subarray(0, 8).equals(SNAPSHOT_MAGIC)) return 'this is no snapshot'
  if (headerCrc(bytes) !== crc32(bytes.subarray(0, HEADER_CRC_AT)))
    return 'the checksum of the header is wrong'
  if (!isZero(bytes, HEADER_CRC_AT + 4, HEADER_BYTES)) return 'the header ends in bytes that are not zero'
  return {
    version: bytes.readUInt32LE(8),
    logId: bytes.readBigUInt64LE(16),
    startLsn: readUint53(bytes, 24),
    epochNumber: bytes.readUInt32LE(32),
    regionTimeMs: readUint53(bytes, 40),
  }
}

/** What the first block is chained to. */
export function headerCrc(header: Buffer): number {
  return header.readUInt32LE(HEADER_CRC_AT)
}

/*
 * Block:
 *
 *   0       4     8        12         16      20         24
 *   | magic | crc | length | previous | kind  | count    | hashes 4 each, to 8 | records ... | 0.. |
 *   | 4     | 4   | 4      | CRC 4    | 4     | 4        |                     |             |     |
 *
 * crc: CRC-32 of bytes 8 to length. Records are those of record-batch.ts. The end block has instead: end LSN 8,
 * entries in all 8, region time 8.
 */
export interface Block {
  readonly kind: number
  readonly count: number
  readonly crc: number
  /** The body, padding included. */
  readonly body: Buffer
}

/** Bytes that the hashes of `count` entries take at the front of a block's body. */
export function hashBytes(count: number): number {
  return Math.ceil(count / 2) * 8
}

/** Writes the head of a block whose body lies behind it, zeros behind that; `bytes` is the whole block, padded to 8. */
export function sealBlock(
  bytes: Buffer,
  kind: number,
  count: number,
  bodyBytes: number,
  previousCrc: number,
): number {
  bytes.fill(0, BLOCK_HEAD_BYTES + bodyBytes)
  bytes.writeUInt32LE(BLOCK_MAGIC, 0)
  bytes.writeUInt32LE(bytes.length, 8)
  bytes.writeUInt32LE(previousCrc, 12)
  bytes.writeUInt32LE(kind, 16)
  bytes.writeUInt32LE(count, 20)
  const crc = crc32(bytes.subarray(8))
  bytes.writeUInt32LE(crc, 4)
  return crc
}

/** Length of the block that begins with `head`, or what is wrong with it. */
export function blockLength(head: Buffer, available: number): number | string {
  if (head.length < BLOCK_HEAD_BYTES) return 'the snapshot is cut off'
  if (head.readUInt32LE(0) !== BLOCK_MAGIC) return 'there is no block'
  const length = head.readUInt32LE(8)
  if (length < BLOCK_HEAD_BYTES || length > MAX_BLOCK_BYTES || length % 8 !== 0)
    return 'the length of a block is impossible'
  return length <= available ? length : 'a block runs past the end of the file'
}

/** What the head of a block says. */
export function blockFacts(head: Buffer): Omit<Block, 'body'> & { readonly previousCrc: number } {
  return {
    crc: head.readUInt32LE(4),
    previousCrc: head.readUInt32LE(12),
    kind: head.readUInt32LE(16),
    count: head.readUInt32LE(20),
  }
}

/** The block in `bytes`, or what is wrong with it; `previousCrc` undefined: whatever it is chained to. */
export function decodeBlock(bytes: Buffer, previousCrc: number | undefined): Block | string {
  const facts = blockFacts(bytes)
  if (facts.crc !== crc32(bytes.subarray(8))) return 'the checksum of a block is wrong'
  if (previousCrc !== undefined && facts.previousCrc !== previousCrc)
    return 'a block is not chained to the one before it'
  return { kind: facts.kind, count: facts.count, crc: facts.crc, body: bytes.subarray(BLOCK_HEAD_BYTES) }
}

/** What the last block says. */
export interface SnapshotEnd {
  /** Something up to here may be in the snapshot. */
  readonly endLsn: number
  readonly entries: number
  readonly regionTimeMs: number
}

export function encodeEnd(end: SnapshotEnd, previousCrc: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_HEAD_BYTES + END_BODY_BYTES)
  writeUint53(bytes, end.endLsn, BLOCK_HEAD_BYTES)
  writeUint53(bytes, end.entries, BLOCK_HEAD_BYTES + 8)
  writeUint53(bytes, end.regionTimeMs, BLOCK_HEAD_BYTES + 16)
  sealBlock(bytes, BLOCK_KIND.end, 0, END_BODY_BYTES, previousCrc)
  return bytes
}

export function decodeEnd(body: Buffer): SnapshotEnd | string {
  if (body.length !== END_BODY_BYTES) return 'the last block has a wrong length'
  const end = {
    endLsn: readUint53(body, 0),
    entries: readUint53(body, 8),
    regionTimeMs: readUint53(body, 16),
  }
  return Object.values(end).some(Number.isNaN) ? 'the last block has an impossible number' : end
}

/** `0000000000000123.snapshot`: named after its start position. */
export function snapshotName(startLsn: number): string {
  return `${String(startLsn).padStart(16, '0')}.snapshot`
}

/** The start position in a snapshot's name; `undefined` if it is no such name. */
export function snapshotLsn(name: string): number | undefined {
  return /^\d{16}\.snapshot$/.test(name) ? Number(name.slice(0, 16)) : undefined
}
