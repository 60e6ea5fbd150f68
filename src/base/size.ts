/**
 * Sizes in bytes as people write them: `67108864`, `'64MiB'`, `'1.5 GiB'`, `'256kb'`. KiB, MiB, GiB and TiB are
 * powers of 1024, kB, MB, GB and TB powers of 1000; upper and lower case are one.
 */
import { GIB, KIB, MIB } from './limits.js'

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['tb', 1e12],
  ['kib', KIB],
  ['mib', MIB],
  ['gib', GIB],
  ['tib', 1024 * GIB],
])

const SIZE = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i

const ACCEPTED = "a whole number of bytes or a text such as '64MiB', '1.5GiB' or '256kB'"

/**
 * The bytes of `value`, a whole number of 0 or more; a fraction of a byte is cut off. `name` is what the caller
 * calls it. Throws a TypeError for a wrong type, a RangeError for anything else that is no size.
 */
export function parseSize(value: number | string, name: string): number {
  if (typeof value === 'number') return checkedBytes(value, value, name)
  if (typeof value === 'string') return checkedBytes(bytesOf(value), value, name)
  throw new TypeError(`${name} must be ${ACCEPTED}, not a value of the type ${typeof value}`)
}

function bytesOf(text: string): number {
  const [, amount = '', unit = ''] = SIZE.exec(text) ?? []
  const unitBytes = UNIT_BYTES.get(unit.toLowerCase())
  if (amount === '' || unitBytes === undefined) return Number.NaN
  const bytes = Number(amount) * unitBytes
  return unitBytes === 1 ? bytes : Math.floor(bytes)
}

function checkedBytes(bytes: number, given: number | string, name: string): number {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 40)) : given
  throw new RangeError(`${name} must be ${ACCEPTED}, not ${shown}`)
}

const SHOWN_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `bytes` in the largest binary unit that leaves at least 1, to two decimals: '64MiB', '1.5GiB', '999B'. */
export function formatSize(bytes: number): string {
  let amount = bytes
  let shown = `${amount}B`
  for (const unit of SHOWN_UNITS) {
    const rounded = Math.round(amount * 100) / 100
    shown = `${rounded}${unit}`
    if (rounded < 1024) break
    amount /= 1024
  }
  return shown
}
