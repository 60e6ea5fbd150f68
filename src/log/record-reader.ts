/**
 * Reads back the records that record-batch.ts has encoded, from a frame of the log or a block of a snapshot. No I/O.
 *
 * All of them are looked at before the first is handed over, so that of what is malformed nothing reaches the sink. Most of
 * a recovery goes through here: numbers are read by a DataView, which is one load each (a Buffer's methods take 20 to 30
 * instructions), and long loops call short functions, which are compiled as a whole (code that is replaced in the middle of
 * its loop was thrown out at every end of it).
 */
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { EXPIRY_BYTES, RECORD_FLAG, RECORD_HEAD_BYTES, RECORD_SHIFT, RECORD_TYPE } from './format.js'

// Local copies: a property of an imported object is loaded and checked at every use.
const { type: TYPE_SHIFT, flags: FLAGS_SHIFT } = RECORD_SHIFT
const KEY_LENGTH_MASK = (1 << FLAGS_SHIFT) - 1
const VALUE_LENGTH_MASK = (1 << TYPE_SHIFT) - 1
const { ascii: ASCII, expires: EXPIRES } = RECORD_FLAG
const KNOWN_FLAGS = ASCII | EXPIRES
const { set: SET, delete: DELETE, clear: CLEAR } = RECORD_TYPE
const HEAD_BYTES = RECORD_HEAD_BYTES
const LONGEST_KEY = MAX_KEY_BYTES
const LONGEST_VALUE = MAX_VALUE_BYTES
/** Records that one call looks at. */
const STRIDE = 64

/** Who takes decoded records, in the order of the log. The bytes are `bytes[start..end)`, valid until `flush` returns. */
export interface RecordSink {
  set(
    bytes: Buffer,
    keyStart: number,
    keyEnd: number,
    valueEnd: number,
    /** Bits of `RECORD_FLAG`. The value starts where the key ends. */
    flags: number,
    /** Milliseconds since 1970; Infinity: none. */
    expiresAtMs: number,
    lsn: number,
  ): void
  delete(bytes: Buffer, keyStart: number, keyEnd: number, lsn: number): void
  /** Removes every entry. */
  clear(lsn: number): void
  /** The bytes handed over since the last time are about to be used for others. Absent: they are copied at once. */
  flush?(): void
}

/** What is wrong with a record, as negative numbers: a good one has an end. */
const FAULTS = [
  '',
  'a frame holds fewer records than it says',
  'a record has an unknown type',
  'a record has unknown flags',
  'a record runs past its frame',
  'a record has a longer key or value than any can be',
] as const
const TOO_FEW = -1
const UNKNOWN_TYPE = -2
const UNKNOWN_FLAGS = -3
const TOO_LONG = -4
const TOO_LARGE = -5

/**
 * Hands the `count` records in `bytes[start..end)` to `sink`, those from position `fromLsn` on; `firstLsn` is that of
 * the first. Returns what is wrong, with nothing handed over, if they are not exactly that many well-formed records.
 */
export function decodeRecords(
  bytes: Buffer,
  start: number,
  end: number,
  count: number,
  firstLsn: number,
  fromLsn: number,
  sink: RecordSink,
): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const checked = checkRecords(view, start, end, count)
  if (checked < 0) return FAULTS[-checked]
  if (end - checked >= 8) return 'a frame holds more than its records'
  let at = start
  const behind = firstLsn + count
  for (let lsn = firstLsn; lsn < behind; lsn += STRIDE)
    at = handOver(bytes, view, at, lsn, Math.min(lsn + STRIDE, behind), fromLsn, sink)
  return undefined
}

/** Where the records end; negative: what is wrong with them. */
function checkRecords(view: DataView, start: number, end: number, count: number): number {
  let at = start
  for (let left = count; left > 0 && at >= 0; left -= STRIDE)
    at = checkSome(view, at, end, Math.min(left, STRIDE))
  return at
}

function checkSome(view: DataView, start: number, end: number, count: number): number {
  let at = start
  for (let left = count; left > 0; left--) {
    if (at + HEAD_BYTES > end) return TOO_FEW
    const word0 = view.getInt32(at, true)
    const word1 = view.getInt32(at + 4, true)
    const type = word0 >>> TYPE_SHIFT
    if (type < SET || type > CLEAR) return UNKNOWN_TYPE
    const flags = word1 >>> FLAGS_SHIFT
    if (flags > KNOWN_FLAGS) return UNKNOWN_FLAGS
    const keyLength = word1 & KEY_LENGTH_MASK
    const valueLength = word0 & VALUE_LENGTH_MASK
    at += HEAD_BYTES + keyLength + valueLength
    if ((flags & EXPIRES) !== 0) at += EXPIRY_BYTES
    if (at > end) return TOO_LONG
    if (keyLength > LONGEST_KEY || valueLength > LONGEST_VALUE) return TOO_LARGE
  }
  return at
}

/** Hands over the records of positions `firstLsn` to `endLsn`, the first of which lies at `start`; returns where they end. */
function handOver(
  bytes: Buffer,
  view: DataView,
  start: number,
  firstLsn: number,
  endLsn: number,
  fromLsn: number,
  sink: RecordSink,
): number {
  let at = start
  for (let lsn = firstLsn; lsn < endLsn; lsn++) {
    const word0 = view.getInt32(at, true)
    const word1 = view.getInt32(at + 4, true)
    const keyStart = at + HEAD_BYTES
    const keyEnd = keyStart + (word1 & KEY_LENGTH_MASK)
    const valueEnd = keyEnd + (word0 & VALUE_LENGTH_MASK)
    const flags = word1 >>> FLAGS_SHIFT
    const expires = (flags & EXPIRES) !== 0
    at = expires ? valueEnd + EXPIRY_BYTES : valueEnd
    if (lsn < fromLsn) continue
    const type = word0 >>> TYPE_SHIFT
    if (type === SET) {
      const expiresAtMs = expires ? view.getFloat64(valueEnd, true) : Infinity
      sink.set(bytes, keyStart, keyEnd, valueEnd, flags, expiresAtMs, lsn)
    } else if (type === DELETE) sink.delete(bytes, keyStart, keyEnd, lsn)
    else sink.clear(lsn)
  }
  return at
}
