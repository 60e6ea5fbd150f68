/** What a client of the line protocol may ask for, in bytes; the config file of original 004 names the first three. */
import { KIB, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'

export interface TextLimits {
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  readonly maxConnections: number
}

export const DEFAULT_TEXT_LIMITS: TextLimits = {
  maxKeyBytes: KIB,
  maxValueBytes: 64 * KIB,
  maxConnections: 1000,
}

/** Escaped, a byte takes up to four. */
const ESCAPED_BYTES = 4
/** The command, blanks and quotes. */
const AROUND_BYTES = 256

/** The longest line that can be a request. */
export function maxLineBytes(limits: TextLimits): number {
  return ESCAPED_BYTES * (limits.maxKeyBytes + limits.maxValueBytes) + AROUND_BYTES
}

/** Throws `RangeError` for limits that cannot be. */
export function checkTextLimits(limits: TextLimits): TextLimits {
  checkRange('max key size', limits.maxKeyBytes, MAX_KEY_BYTES)
  checkRange('max value size', limits.maxValueBytes, MAX_VALUE_BYTES)
  checkRange('max connections', limits.maxConnections, 100_000)
  return limits
}

function checkRange(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw new RangeError(`${name} is a whole number from 1 to ${most}, not ${value}`)
}
