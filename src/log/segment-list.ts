/**
 * Which segments a directory holds, judged by their names and headers alone.
 */
import { OperationError } from '../base/errors.js'
import { type Disk, readFully } from './disk.js'
import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  HEADER_BYTES,
  type SegmentHeader,
  segmentNumber,
} from './format.js'

export interface Segment {
  readonly name: string
  /** The number in its name. */
  readonly number: number
  readonly sizeBytes: number
  /** The header, or why it is none that belongs here. */
  readonly header: SegmentHeader | string
}

/** The segments that are there, by number. Throws MISMATCH if one is of a newer format. */
export function listSegments(disk: Disk, logId: bigint): Segment[] {
  return disk.list().flatMap((name) => {
    const number = segmentNumber(name)
    if (number === undefined) return []
    const file = disk.open(name, 'read')
    try {
      const header = checkedHeader(readFully(file, 0, HEADER_BYTES), number, logId, name)
      return [{ name, number, sizeBytes: file.size(), header }]
    } finally {
      file.close()
    }
  })
}

/**
 * Index of the segment that a read from position `lsn` begins with: the last one that begins at or before it.
 * -1: there is none.
 */
export function indexOfPosition(segments: readonly Segment[], lsn: number): number {
  return segments.findLastIndex(({ header }) => typeof header !== 'string' && header.firstLsn <= lsn)
}

function checkedHeader(bytes: Buffer, number: number, logId: bigint, name: string): SegmentHeader | string {
  const header = decodeSegmentHeader(bytes)
  if (typeof header === 'string') return header
  if (header.version > FORMAT_VERSION)
    throw new OperationError(
      'MISMATCH',
      `${name} has format version ${header.version}; this release reads up to ${FORMAT_VERSION}`,
    )
  if (header.version !== FORMAT_VERSION) return `there never was a format version ${header.version}`
  if (header.logId !== logId) return 'the segment belongs to another log'
  if (header.number !== number) return `the segment calls itself number ${header.number}`
  return header
}
