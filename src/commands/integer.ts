/**
 * Numbers of the served table: decimal text in the range of int64, read as strictly as Redis reads them (no sign
 * but minus, no leading zero, no blank). Small ones are JavaScript numbers; a bigint appears only where a number
 * would lose digits, so `typeof` tells them apart and the usual counter never allocates one.
 */

/** A number when it is a safe integer, else a bigint within int64. */
export type Integer = number | bigint

export const MAX_INT64 = 2n ** 63n - 1n
export const MIN_INT64 = -(2n ** 63n)

const ZERO = 0x30
const NINE = 0x39
const MINUS = 0x2d
/** This many digits always fit a safe integer. */
const SAFE_DIGITS = 15
const MAX_DIGITS = 19

/** The integer that `bytes` spell, or `undefined`. */
export function parseInteger(bytes: Uint8Array): Integer | undefined {
  const negative = bytes[0] === MINUS
  const start = negative ? 1 : 0
  const digits = bytes.length - start
  if (digits < 1 || digits > MAX_DIGITS) return undefined
  if (bytes[start] === ZERO && (digits > 1 || negative)) return undefined
  let value = 0
  for (let i = start; i < bytes.length; i += 1) {
    const digit = bytes[i] ?? 0
    if (digit < ZERO || digit > NINE) return undefined
    value = value * 10 + (digit - ZERO)
  }
  if (digits <= SAFE_DIGITS) return negative ? -value : value
  return inRange(BigInt(Buffer.from(bytes).toString('latin1')))
}

/** `a + b`, or `undefined` beyond int64. */
export function addIntegers(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return inRange(BigInt(a) + BigInt(b))
}

/** `-a`, or `undefined` for the one int64 that has no opposite. */
export function negateInteger(a: Integer): Integer | undefined {
  return typeof a === 'number' ? 0 - a : inRange(-a)
}

function inRange(value: bigint): Integer | undefined {
  if (value < MIN_INT64 || value > MAX_INT64) return undefined
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}
