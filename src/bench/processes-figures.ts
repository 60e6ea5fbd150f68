/** The figures of the benchmark of processes: which ratios were asked for, made from a run's results. Pure. */

import { type BarGroup, barChart, goalChart } from './charts.js'
import { atLeast, atMost, type Bound, type Figure } from './figure.js'
import { machineLine } from './machine.js'
import { rateText } from './passes.js'
import type { Picture } from './pictures.js'
import type { ProcessesReport, ProcessesScale, ProcessSection } from './processes.js'
import type { ProcessRate, ProcessResults } from './processes-results.js'
import { median, ratioOf } from './statistics.js'
import type { Operation } from './workload.js'

export type ProcessFigure = Figure<ProcessSection>

/** Whose time: contender, operation, the places of its processes. */
type Side = readonly [contender: string, operation: Operation, places: readonly number[]]

const OWN = [0]
const SECOND = [1]
const TWO = [0, 1]

const CONTENDER_LABELS: Readonly<Record<string, string>> = {
  named: 'Hearth, named table',
  threads: 'Hearth, map of threads',
  lmdb: 'lmdb',
  ioredis: 'ioredis, awaited',
  'node-redis': 'node-redis, awaited',
}

export function figuresOf({ results, scale }: ProcessesReport): readonly ProcessFigure[] {
  const ratio = (
    section: ProcessSection,
    label: string,
    asked: Bound | undefined,
    above: Side,
    below: Side,
  ): ProcessFigure[] => {
    const figure = ratioFigure(results, section, label, asked, above, below)
    return figure === undefined ? [] : [figure]
  }
  const counts = Array.from({ length: scale.processes - 2 }, (_, more) => more + 3)
  const named = (operation: Operation, places: readonly number[]): Side => ['named', operation, places]
  return [
    ...ratio(
      'get',
      'time of get from a second process by own',
      atMost(1.3),
      named('get', SECOND),
      named('get', OWN),
    ),
    ...ratio('get', 'time of get by that of a map of threads', undefined, named('get', OWN), [
      'threads',
      'get',
      OWN,
    ]),
    ...ratio(
      'get',
      'get from a second process by awaited ioredis',
      atLeast(100),
      ['ioredis', 'get', OWN],
      named('get', SECOND),
    ),
    ...ratio(
      'get',
      'get from a second process by node-redis',
      undefined,
      ['node-redis', 'get', OWN],
      named('get', SECOND),
    ),
    ...ratio(
      'get',
      'get from a second process by lmdb',
      undefined,
      ['lmdb', 'get', SECOND],
      named('get', SECOND),
    ),
    ...ratio('get', 'get of 2 processes by 1', undefined, named('get', OWN), named('get', TWO)),
    ...counts.flatMap((count) =>
      ratio(
        'get',
        `get of ${count} processes by 1`,
        undefined,
        named('get', OWN),
        named('get', first(count)),
      ),
    ),
    ...ratio(
      'set',
      'set (replace) of 2 processes by 1',
      atLeast(1.6),
      named('set-update', OWN),
      named('set-update', TWO),
    ),
    ...counts.flatMap((count) =>
      ratio(
        'set',
        `set (replace) of ${count} processes by 1`,
        undefined,
        named('set-update', OWN),
        named('set-update', first(count)),
      ),
    ),
    ...ratio(
      'set',
      'set of 2 processes by putSync of lmdb in 2',
      atLeast(10),
      ['lmdb', 'set-update', TWO],
      named('set-update', TWO),
    ),
    ...openFigure(results, 'existing', 'opening of one that is there', atMost(20)),
    ...openFigure(results, 'new', 'opening of a new one', atMost(50)),
  ]
}

function first(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place)
}

/** `above` by `below`; undefined where this run was not to measure either. */
function ratioFigure(
  results: ProcessResults,
  section: ProcessSection,
  label: string,
  asked: Bound | undefined,
  above: Side,
  below: Side,
): ProcessFigure | undefined {
  const row = { section, label, unit: 'times', ...(asked === undefined ? {} : { asked }) } as const
  const [own, other] = [results.nsPerOperation(...above), results.nsPerOperation(...below)]
  if (own.length === 0 && other.length === 0) return undefined
  const missing = own.length === 0 ? above[0] : other.length === 0 ? below[0] : undefined
  if (missing !== undefined) return { ...row, detail: `${missing} was left out: ${results.reason(missing)}` }
  const { value, range } = ratioOf(own, other)
  const times = `${timeText(median(own))} by ${timeText(median(other))}`
  const processor = [results.processorNs(...above), results.processorNs(...below)]
  const worked = processor.map((ns) => (ns === undefined ? '?' : ns.toFixed(0))).join(' by ')
  const byProcessor = processor.includes(undefined) ? '' : `; processor ${worked} ns`
  const detail = `${times} an operation; rounds ${range.map((end) => end.toFixed(2)).join('-')}${byProcessor}`
  return { ...row, measured: value, detail }
}

function timeText(ns: number): string {
  return ns < 10_000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} µs`
}

function openFigure(
  results: ProcessResults,
  kind: 'new' | 'existing',
  label: string,
  asked: Bound,
): ProcessFigure[] {
  const row = { section: 'open', label, unit: 'ms', asked } as const
  const openings = results.openings(kind)
  if (openings === undefined)
    return results.isLeftOut(`open ${kind}`) ? [{ ...row, detail: results.reason(`open ${kind}`) }] : []
  const { firstMs, laterMs, processorMs } = openings
  const detail =
    `the first of a process, loading koffi included; rounds ${Math.min(...firstMs).toFixed(1)}-${Math.max(...firstMs).toFixed(1)}; ` +
    `processor ${median(processorMs).toFixed(1)} ms; the next ones ${median(laterMs).toFixed(2)} ms`
  return [{ ...row, measured: median(firstMs), detail }]
}

/** The first lines of the report. */
export function formatProcessesStart(
  machine: ProcessesReport['machine'],
  { keys, valueBytes, rounds, processes }: ProcessesScale,
): string {
  return [
    machineLine(machine),
    `${keys} keys of 16 B, values of ${valueBytes} B, up to ${processes} processes; medians of ${rounds} rounds of fresh processes`,
    '',
  ].join('\n')
}

/** Million operations a second of everybody, by number of processes. */
export function formatRates({ results, redisVersion, scale }: ProcessesReport): string {
  const rows = results.rates.map((rate) => {
    const { contender, operation, places, nsPerOperation, medianNsPerOperation } = rate
    const processor = rate.processorNsPerOperation?.toFixed(0) ?? '-'
    const rates = nsPerOperation.map((ns) => rateText(ns))
    const who = placesText(places)
    const cells = `${rateText(medianNsPerOperation).padStart(9)}${medianNsPerOperation.toFixed(0).padStart(10)}${processor.padStart(11)}`
    return `  ${labelOf(contender).padEnd(24)}${operation.padEnd(12)}${who.padEnd(18)}${cells}   ${rates.join(' ')}`
  })
  const redis =
    redisVersion === undefined
      ? []
      : [
          `redis-server ${redisVersion} on 127.0.0.1, nothing on disk; one GET after the other, each awaited, ${scale.awaitedGets} a round`,
        ]
  return [
    `  ${'contender'.padEnd(24)}${'operation'.padEnd(12)}${'by'.padEnd(18)}${'M/s'.padStart(9)}${'ns/op'.padStart(10)}${'processor'.padStart(11)}   rounds, M/s`,
    ...rows,
    ...redis,
    ...notes(results),
    '',
  ].join('\n')
}

function notes(results: ProcessResults): string[] {
  const hasLmdb = results.rates.some(({ contender }) => contender === 'lmdb')
  return hasLmdb
    ? [
        'lmdb: one environment opened by each process, noSync, noMemInit, encoding string, no cache; timed with a tenth of the reads and one in 200 writes, on the full tree; putSync is a transaction each',
      ]
    : []
}

function labelOf(contender: string): string {
  return CONTENDER_LABELS[contender] ?? contender
}

function placesText(places: readonly number[]): string {
  if (places.length > 1) return `${places.length} processes`
  return places[0] === 0 ? 'own process' : 'a second process'
}

export function processesPictures(report: ProcessesReport, figures: readonly ProcessFigure[]): Picture[] {
  const { machine, scale, results } = report
  const { cpuModel, cores, node, commit, date } = machine
  const of = commit === undefined ? '' : `, commit ${commit}`
  const where = `${cpuModel}, ${cores} cores, Node ${node}${of}, ${date.slice(0, 10)}`
  const goals = `Hearth's named tables: measured by what was asked, ${scale.keys} keys`
  const rates = `Million operations a second by processes on one table, ${scale.keys} keys of 16 B, values of ${scale.valueBytes} B`
  return [
    {
      fileName: 'bench-processes.svg',
      svg: goalChart(
        goals,
        `dashed: what was asked for; longer is better, cut at twice that. ${where}`,
        figures,
      ),
    },
    { fileName: 'bench-processes-rates.svg', svg: barChart(rates, where, barsOf(results)) },
  ]
}

function barsOf(results: ProcessResults): BarGroup[] {
  const groups = new Map<string, ProcessRate[]>()
  for (const rate of results.rates) {
    const group = `${rate.operation === 'get' ? 'get' : 'replace'}, ${placesText(rate.places)}`
    groups.set(group, [...(groups.get(group) ?? []), rate])
  }
  return [...groups].map(([label, rates]) => ({
    label,
    bars: rates.map(({ contender, medianNsPerOperation }) => ({
      series: labelOf(contender),
      value: 1000 / medianNsPerOperation,
      text: rateText(medianNsPerOperation),
    })),
  }))
}
