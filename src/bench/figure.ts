/**
 * A figure: what was measured beside what was asked for, one row of the report. Pure.
 *
 * `SECTIONS` are those of the table's benchmark; other benchmarks name their own (`Figure<Name>`).
 */

export const SECTIONS = {
  get: 'look-ups in the large table',
  set: 'replaces in the large table',
  hot: 'a table of 1 000 keys, and decoded values',
  memory: 'bytes in use by live bytes',
  growth: 'growth from 16 buckets to ten times the keys',
  eviction: "hit ratio of eviction 'clock' beside exact LRU",
  flood: 'look-ups of keys made to flood the table',
} as const

export type Section = keyof typeof SECTIONS

export const SECTION_NAMES = Object.keys(SECTIONS) as readonly Section[]

export interface Bound {
  readonly kind: 'atLeast' | 'atMost'
  readonly value: number
}

export type FigureUnit = 'times' | 'points' | 'entries' | 'µs' | 'ms' | 'M/s' | '/s' | 'B' | '%'

export interface Figure<Name extends string = Section> {
  readonly section: Name
  readonly label: string
  readonly unit: FigureUnit
  /** Absent where a figure is reported only. */
  readonly asked?: Bound
  /** Absent where it could not be measured: `detail` says why. */
  readonly measured?: number
  /** The numbers behind it. */
  readonly detail: string
}

export type Verdict = 'met' | 'missed' | 'not measured' | 'reported'

export function atLeast(value: number): Bound {
  return { kind: 'atLeast', value }
}

export function atMost(value: number): Bound {
  return { kind: 'atMost', value }
}

export function verdictOf({ asked, measured }: Figure<string>): Verdict {
  if (measured === undefined) return 'not measured'
  if (asked === undefined) return 'reported'
  const isMet = asked.kind === 'atLeast' ? measured >= asked.value : measured <= asked.value
  return isMet ? 'met' : 'missed'
}

/**
 * How far a figure is: 1 meets what was asked exactly, more is better. Undefined where there is nothing to compare,
 * and for differences (points), which have no ratio.
 */
export function scoreOf({ asked, measured, unit }: Figure<string>): number | undefined {
  if (asked === undefined || measured === undefined || unit === 'points') return undefined
  return asked.kind === 'atLeast' ? measured / asked.value : asked.value / measured
}

const UNIT_TEXTS: { readonly [unit in FigureUnit]: string } = {
  times: 'x',
  points: ' points',
  entries: ' entries',
  µs: ' µs',
  ms: ' ms',
  'M/s': ' M/s',
  '/s': ' /s',
  B: ' B',
  '%': ' %',
}

function amountText(amount: number, unit: FigureUnit): string {
  const digits = unit === 'entries' || unit === '/s' ? 0 : unit === 'ms' || unit === 'B' ? 1 : 2
  return `${amount.toFixed(digits)}${UNIT_TEXTS[unit]}`
}

export function askedText({ asked, unit }: Figure<string>): string {
  if (asked === undefined) return '-'
  return `${asked.kind === 'atLeast' ? '>=' : '<='} ${amountText(asked.value, unit)}`
}

export function measuredText({ measured, unit }: Figure<string>): string {
  return measured === undefined ? '-' : amountText(measured, unit)
}
