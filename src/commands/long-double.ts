/**
 * The arithmetic of INCRBYFLOAT. Redis adds in C's `long double`, on x86-64 a float of 64 bits of mantissa, and writes
 * the sum with 17 digits after the point; JavaScript's 53 bits would give other digits. So numbers are kept here as
 * `mantissa * 2 ** exponent` in bigints, exact until they are rounded once, to the nearest with ties to even, as the
 * processor and the C library do. Texts are read as `strtold` reads them, hexadecimal and `inf` included.
 *
 * A few microseconds a sum: for counters that people look at, not for number crunching.
 */

/** Zero has a mantissa of 0; infinity has the exponent Infinity. */
export interface LongDouble {
  readonly negative: boolean
  readonly mantissa: bigint
  readonly exponent: number
}

const MANTISSA_BITS = 64
/** Below this exponent bits of the mantissa are lost (denormal numbers), above that one there is only infinity. */
const LEAST_EXPONENT = -16_445
const MOST_BITS = 16_384
/** Longest text that Redis looks at. */
const MAX_TEXT_BYTES = 5 * 1024 - 1
/** Decimal exponents beyond these give zero or infinity, whatever the digits. */
const LEAST_DECIMAL = -5000
const MOST_DECIMAL = 5000
const FRACTION_DIGITS = 17
const FRACTION_UNIT = 10n ** BigInt(FRACTION_DIGITS)

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)(?:\.([\da-f]*))?|\.([\da-f]+))(?:p([+-]?\d+))?$/i
const INFINITY = /^([+-]?)inf(?:inity)?$/i

export const ZERO: LongDouble = { negative: false, mantissa: 0n, exponent: 0 }

export function isInfinite(value: LongDouble): boolean {
  return value.exponent === Infinity
}

/** The number that `bytes` spell; `undefined` for what is no number, NaN, and what is too large or too near zero. */
export function parseLongDouble(bytes: Uint8Array): LongDouble | undefined {
  if (bytes.length > MAX_TEXT_BYTES) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  // `$` of a pattern is the very end only without a line feed before it; no alternative above can match one.
  const infinite = INFINITY.exec(text)
  if (infinite !== null) return { negative: infinite[1] === '-', mantissa: 1n, exponent: Infinity }
  const value = fromDecimal(DECIMAL.exec(text)) ?? fromHexadecimal(HEXADECIMAL.exec(text))
  return value === undefined || isInfinite(value) ? undefined : value
}

function fromDecimal(match: RegExpExecArray | null): LongDouble | undefined {
  if (match === null) return undefined
  const fraction = match[3] ?? match[4] ?? ''
  const digits = BigInt((match[2] ?? '') + fraction)
  const negative = match[1] === '-'
  if (digits === 0n) return { ...ZERO, negative }
  const power = Number(match[5] ?? 0) - fraction.length
  const magnitude = power + digits.toString().length
  if (magnitude < LEAST_DECIMAL || magnitude > MOST_DECIMAL) return undefined
  const scale = 10n ** BigInt(Math.abs(power))
  return nonZero(power < 0 ? round(negative, digits, scale, 0) : round(negative, digits * scale, 1n, 0))
}

function fromHexadecimal(match: RegExpExecArray | null): LongDouble | undefined {
  if (match === null) return undefined
  const fraction = match[3] ?? match[4] ?? ''
  const digits = BigInt(`0x${match[2] ?? ''}${fraction}`)
  const negative = match[1] === '-'
  if (digits === 0n) return { ...ZERO, negative }
  const power = Number(match[5] ?? 0) - 4 * fraction.length
  if (Math.abs(power + bitsOf(digits)) > 2 * MOST_BITS) return undefined
  return nonZero(round(negative, digits, 1n, power))
}

/** What was not zero and became it is out of range. */
function nonZero(value: LongDouble): LongDouble | undefined {
  return value.mantissa === 0n ? undefined : value
}

/** The sum of two finite numbers, rounded once; infinite beyond the range. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble {
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = signedAt(a, exponent) + signedAt(b, exponent)
  if (sum === 0n) return ZERO
  return round(sum < 0n, sum < 0n ? -sum : sum, 1n, exponent)
}

function signedAt(value: LongDouble, exponent: number): bigint {
  const scaled = value.mantissa << BigInt(value.exponent - exponent)
  return value.negative ? -scaled : scaled
}

/** The number as Redis writes it for people: 17 digits after the point, without the zeros at their end. */
export function formatLongDouble({ negative, mantissa, exponent }: LongDouble): string {
  const scaled = mantissa * FRACTION_UNIT
  const units = exponent >= 0 ? scaled << BigInt(exponent) : shiftRounded(scaled, BigInt(-exponent), false)
  const digits = units.toString().padStart(FRACTION_DIGITS + 1, '0')
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '')
  const text = digits.slice(0, -FRACTION_DIGITS) + (fraction === '' ? '' : `.${fraction}`)
  return negative && text !== '0' ? `-${text}` : text
}

/** The nearest number to `numerator / denominator * 2 ** exponent`; the numerator is positive. */
function round(negative: boolean, numerator: bigint, denominator: bigint, exponent: number): LongDouble {
  const shift = MANTISSA_BITS + 2 - (bitsOf(numerator) - bitsOf(denominator))
  const top = shift > 0 ? numerator << BigInt(shift) : numerator
  const bottom = shift < 0 ? denominator << BigInt(-shift) : denominator
  const quotient = top / bottom
  const drop = Math.max(bitsOf(quotient) - MANTISSA_BITS, LEAST_EXPONENT - (exponent - shift))
  const mantissa = shiftRounded(quotient, BigInt(drop), top % bottom !== 0n)
  const finalExponent = exponent - shift + drop
  if (mantissa !== 0n && bitsOf(mantissa) + finalExponent > MOST_BITS) {
    return { negative, mantissa: 1n, exponent: Infinity }
  }
  return { negative, mantissa, exponent: mantissa === 0n ? 0 : finalExponent }
}

/** `value / 2 ** by` to the nearest, ties to even; `hasMore` says that `value` itself was a little more. */
function shiftRounded(value: bigint, by: bigint, hasMore: boolean): bigint {
  const whole = value >> by
  const rest = value - (whole << by)
  const half = 1n << (by - 1n)
  const isUp = rest > half || (rest === half && (hasMore || (whole & 1n) === 1n))
  return isUp ? whole + 1n : whole
}

function bitsOf(value: bigint): number {
  const hex = value.toString(16)
  return 4 * hex.length - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28
}
