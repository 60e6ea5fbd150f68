/** The table benchmark's report as text: one block an operation, ratios against the first contender. */
import { CONTENDERS, type ContenderName } from './contender-list.js'
import { machineLine } from './machine.js'
import type { Measurement } from './passes.js'
import type { Comparison, TableBenchReport } from './table.js'
import { OPERATION_NAMES, OPERATIONS } from './workload.js'

const LABEL_WIDTH = Math.max(...Object.values(CONTENDERS).map(({ label }) => label.length))

function columns(label: string, ...cells: readonly string[]): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${cells.map((cell) => cell.padStart(10)).join('')}`
}

function millionPerSecond(measurement: Measurement): string {
  return (1000 / measurement.medianNsPerOperation).toFixed(2)
}

function rangeOf(measurement: Measurement): string {
  const rates = measurement.nsPerOperation.map((ns) => 1000 / ns)
  return `${Math.min(...rates).toFixed(2)}-${Math.max(...rates).toFixed(2)}`
}

/** How many times as fast as this one the reference is; 1.00 for itself. */
function ratioTo(measurement: Measurement, reference: Measurement | undefined): string {
  if (reference === undefined) return '-'
  return `${(measurement.medianNsPerOperation / reference.medianNsPerOperation).toFixed(2)}x`
}

function blocksOf(report: Comparison, threads: number, reference: ContenderName): string[] {
  const ofThreads = report.measurements.filter((measurement) => measurement.threads === threads)
  return OPERATION_NAMES.flatMap((operation) => {
    const rows = ofThreads.filter((measurement) => measurement.operation === operation)
    const base = rows.find(({ contender }) => contender === reference)
    return rows.length === 0
      ? []
      : [
          `${operation}: ${OPERATIONS[operation]}`,
          ...rows.map((row) =>
            columns(
              CONTENDERS[row.contender].label,
              millionPerSecond(row),
              row.medianNsPerOperation.toFixed(0),
              ratioTo(row, base),
              `  ${rangeOf(row)}`.padStart(14),
            ),
          ),
        ]
  })
}

/** What several threads gain, of each contender measured with one and with more. */
function scalingOf(report: Comparison): string[] {
  const lines = report.measurements.flatMap((measurement) => {
    const single = report.measurements.find(
      ({ contender, operation, threads }) =>
        threads === 1 && contender === measurement.contender && operation === measurement.operation,
    )
    if (single === undefined || measurement.threads === 1) return []
    const gain = (single.medianNsPerOperation / measurement.medianNsPerOperation).toFixed(2)
    const label = CONTENDERS[measurement.contender].label.padEnd(LABEL_WIDTH)
    return [`  ${label}  ${measurement.operation.padEnd(14)}${measurement.threads} threads ${gain}x one`]
  })
  return lines.length === 0 ? [] : ['Gain by threads', ...lines, '']
}

function memoryLines(report: Comparison): string[] {
  if (report.memory.length === 0) return []
  const lines = report.memory.map(({ contender, bytes, bytesPerLiveByte }) =>
    columns(
      CONTENDERS[contender].label,
      (bytes / report.workload.keys).toFixed(0),
      bytesPerLiveByte.toFixed(2),
    ),
  )
  return [columns('Memory', 'B/key', ' B/live B'), ...lines, '']
}

/** The report for people; `reference` is the contender that ratios are of, Hearth unless it was left out. */
export function formatTableReport(report: TableBenchReport, reference: ContenderName = 'hearth'): string {
  return [machineLine(report.machine), formatComparison(report, reference)].join('\n')
}

/** Without the lines of the machine. */
export function formatComparison(report: Comparison, reference: ContenderName = 'hearth'): string {
  const { keys, valueBytes, hotKeys, batch } = report.workload
  const used = new Set(report.measurements.map(({ contender }) => contender))
  const threadCounts = [...new Set(report.measurements.map(({ threads }) => threads))]
  return [
    `${keys} keys of 16 B, values of ${valueBytes} B, ${hotKeys} hot keys, batches of ${batch}; medians of ${report.rounds} interleaved rounds`,
    `ratio: how many times as fast ${CONTENDERS[reference].label} is; range: slowest to fastest round, M/s`,
    '',
    ...threadCounts.flatMap((threads) => [
      columns(
        threads === 1 ? '1 thread' : `${threads} threads together`,
        'M/s',
        'ns/op',
        'ratio',
        '         range',
      ),
      ...blocksOf(report, threads, reference),
      '',
    ]),
    ...scalingOf(report),
    ...memoryLines(report),
    ...[...used].map((contender) => `${CONTENDERS[contender].label}: ${CONTENDERS[contender].note}`),
    ...report.leftOut.map(
      ({ contender, threads, reason }) =>
        `${CONTENDERS[contender].label}, ${threads} threads: left out, ${reason}`,
    ),
    '',
  ].join('\n')
}
