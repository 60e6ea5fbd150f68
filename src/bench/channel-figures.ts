/** The figures of the benchmark of the channel: what was asked for, and what else there is, from a run's results. Pure. */
import type { ChannelReport } from './channel.js'
import { CALLERS, type CallerName } from './channel-callers.js'
import {
  callsKey,
  IDLE_KEY,
  IDLE_WORKERS,
  PIPELINED,
  pipelinedKey,
  requestsKey,
  ZIPF,
} from './channel-parts.js'
import type { ChannelResults, ChannelRow } from './channel-results.js'
import type { ChannelSection } from './channel-scale.js'
import { atLeast, atMost, type Bound, type Figure, type FigureUnit } from './figure.js'
import { ratioOf } from './statistics.js'

export type ChannelFigure = Figure<ChannelSection>

const WINDOW = 64
const NS_A_MICROSECOND = 1000

/** What the C original was measured at, elsewhere: a mark, not a contender of this run. */
const ORIGINAL = 'the C original, measured on another day: 9.5 M/s'

export function channelFigures(
  { results }: ChannelReport,
  sections: readonly ChannelSection[],
): readonly ChannelFigure[] {
  const figures: readonly ChannelFigure[] = [
    p50Figure(results, 'blocking', atMost(1)),
    p50Ratio(results, 'promise', 'ioredis', atMost(0.5)),
    p50Ratio(results, 'promise', 'node-redis', undefined),
    p50Ratio(results, 'blocking', 'ioredis', undefined),
    rateRatio(results, 'windowed', 'ioredis'),
    rateRatio(results, 'promise', 'ioredis'),
    rateRatio(results, 'promise', 'node-redis'),
    requestsFigure(results, 0),
    requestsFigure(results, ZIPF),
    requestsRatio(results, 'a second lane worker by one', atLeast(0.8), [2, 1]),
    requestsRatio(results, 'four lane workers by one', undefined, [4, 1]),
    requestsRatio(results, 'two client threads by one', undefined, [1, 2]),
    idleFigure(results),
  ]
  return figures.filter(({ section }) => sections.includes(section))
}

/** A figure of one row, or why there is none. */
function figureOf(
  results: ChannelResults,
  about: { section: ChannelSection; label: string; unit: FigureUnit; asked: Bound | undefined },
  keys: readonly string[],
  measure: (rows: readonly ChannelRow[]) => { measured: number; detail: string },
): ChannelFigure {
  const { asked, ...rest } = about
  const common = { ...rest, ...(asked === undefined ? {} : { asked }) }
  const rows = keys.map((key) => results.row(key))
  const missing = rows.indexOf(undefined)
  if (missing >= 0) return { ...common, detail: results.reason(keys[missing] ?? '') }
  return { ...common, ...measure(rows.filter((row) => row !== undefined)) }
}

const valuesOf = (row: ChannelRow | undefined): number[] => row?.samples.map(({ value }) => value) ?? []
const p50sOf = (row: ChannelRow | undefined): number[] =>
  row?.samples.flatMap(({ p50Ns }) => p50Ns ?? []) ?? []

const micro = (ns: number): string => `${(ns / NS_A_MICROSECOND).toFixed(2)} µs`

function rangeText(values: readonly number[], text: (value: number) => string): string {
  return `rounds ${text(Math.min(...values))} to ${text(Math.max(...values))}`
}

function p50Figure(results: ChannelResults, caller: CallerName, asked: Bound): ChannelFigure {
  const label = `p50 of a ${CALLERS[caller].replace('Hearth, ', '')} set, worker awake`
  return figureOf(results, { section: 'calls', label, unit: 'µs', asked }, [callsKey(caller)], ([row]) => {
    const { p50Ns = 0, p99Ns = 0, p999Ns = 0 } = row?.median ?? {}
    const detail = `p99 ${micro(p99Ns)}, p99.9 ${micro(p999Ns)}; ${rangeText(p50sOf(row), micro)}`
    return { measured: p50Ns / NS_A_MICROSECOND, detail }
  })
}

function p50Ratio(
  results: ChannelResults,
  above: CallerName,
  below: CallerName,
  asked: Bound | undefined,
): ChannelFigure {
  const label = `p50 of ${CALLERS[above]} by ${CALLERS[below]}`
  const about = { section: 'calls', label, unit: 'times', asked } as const
  return figureOf(results, about, [callsKey(above), callsKey(below)], ([first, second]) => {
    const ratio = ratioOf(p50sOf(first), p50sOf(second))
    const sides = `${micro(first?.median.p50Ns ?? 0)} and ${micro(second?.median.p50Ns ?? 0)}`
    return {
      measured: ratio.value,
      detail: `${sides}; ${rangeText(ratio.range, (value) => value.toFixed(2))}`,
    }
  })
}

function rateRatio(results: ChannelResults, above: CallerName, below: CallerName): ChannelFigure {
  const label = `sets/s, ${PIPELINED} in flight: ${shortName(above)} by ${shortName(below)}`
  const about = { section: 'pipelined', label, unit: 'times', asked: undefined } as const
  return figureOf(results, about, [pipelinedKey(above), pipelinedKey(below)], ([first, second]) =>
    ratioFigure(first, second),
  )
}

const shortName = (caller: CallerName): string => CALLERS[caller].replace(', await', '')

function ratioFigure(first: ChannelRow | undefined, second: ChannelRow | undefined) {
  const ratio = ratioOf(valuesOf(first), valuesOf(second))
  const sides = `${(first?.median.value ?? 0).toFixed(3)} and ${(second?.median.value ?? 0).toFixed(3)} M/s`
  return { measured: ratio.value, detail: `${sides}; ${rangeText(ratio.range, (value) => value.toFixed(2))}` }
}

function requestsFigure(results: ChannelResults, skew: number): ChannelFigure {
  const on = skew === 0 ? '' : `, Zipf ${skew}`
  const label = `requests a second, window ${WINDOW}, one worker${on}`
  const about = {
    section: 'requests',
    label,
    unit: 'M/s',
    asked: skew === 0 ? atLeast(3) : undefined,
  } as const
  return figureOf(results, about, [requestsKey(WINDOW, 1, 1, skew)], ([row]) => ({
    measured: row?.median.value ?? 0,
    detail: `${rangeText(valuesOf(row), (value) => value.toFixed(2))}${skew === 0 ? `; ${ORIGINAL}` : ''}`,
  }))
}

/** `[workers, clients]` beside one of each. */
function requestsRatio(
  results: ChannelResults,
  label: string,
  asked: Bound | undefined,
  [workers, clients]: readonly [workers: number, clients: number],
): ChannelFigure {
  const about = { section: 'requests', label: `requests a second: ${label}`, unit: 'times', asked } as const
  const keys = [requestsKey(WINDOW, workers, clients), requestsKey(WINDOW, 1, 1)]
  return figureOf(results, about, keys, ([first, second]) => ratioFigure(first, second))
}

function idleFigure(results: ChannelResults): ChannelFigure {
  const label = `processor time, idle, ${IDLE_WORKERS} lane workers`
  const about = { section: 'idle', label, unit: '%', asked: atMost(1) } as const
  return figureOf(results, about, [IDLE_KEY], ([row]) => ({
    measured: row?.median.value ?? 0,
    detail: `of one core; ${rangeText(valuesOf(row), (value) => value.toFixed(2))}`,
  }))
}
