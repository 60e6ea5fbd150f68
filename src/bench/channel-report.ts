/** The benchmark of the channel as text and as pictures. Pure. */
import type { ChannelReport } from './channel.js'
import { WARM_UP } from './channel-calls.js'
import type { ChannelFigure } from './channel-figures.js'
import { requestsKey, SETTLING_MS, WINDOWS, warmUpOf } from './channel-parts.js'
import type { ChannelRow } from './channel-results.js'
import type { ChannelScale, ChannelSection } from './channel-scale.js'
import { type BarGroup, barChart, goalChart, lineChart } from './charts.js'
import { type Machine, machineLine } from './machine.js'
import type { Picture } from './pictures.js'

const UNITS: Readonly<Record<ChannelSection, string>> = {
  calls: 'µs a call',
  pipelined: 'M/s',
  requests: 'M/s',
  idle: '% of a core',
}
const LABEL_WIDTH = 58

export function formatChannelStart(
  machine: Machine,
  { rounds, calls, requests, idleMs }: ChannelScale,
): string {
  return [
    machineLine(machine),
    `medians of ${rounds} rounds of fresh processes; ${calls} calls (awaited one by one: a tenth), ${requests} requests, ${idleMs} ms idle`,
    `warmed up before each measurement: ${100 * WARM_UP} % as many calls, ${warmUpOf(requests)} requests, ${SETTLING_MS} ms of rest`,
    '',
  ].join('\n')
}

/** Every row, with all its rounds. */
export function formatRows({ results, redisVersion }: ChannelReport): string {
  const head = `  ${'what'.padEnd(LABEL_WIDTH)}${'median'.padStart(10)}  unit          rounds`
  const rows = results.rows.map((row) => {
    const { section, label, samples, median } = row
    const rounds = samples.map(({ value }) => valueText(section, value)).join(' ')
    const cells = `${valueText(section, median.value).padStart(10)}  ${UNITS[section].padEnd(12)}`
    return `  ${`${section}: ${label}`.padEnd(LABEL_WIDTH)}${cells}  ${rounds}${quantileText(row)}${processorText(row)}`
  })
  const redis =
    redisVersion === undefined
      ? []
      : [
          `redis-server ${redisVersion} on 127.0.0.1, nothing on disk; ioredis pipelines by pipeline(), node-redis by itself`,
        ]
  const leftOut = results.leftOut.map(([key, reason]) => `left out: ${key}: ${reason}`)
  const note = 'processor: µs of a core a call, waiting awake included'
  return [head, ...rows, note, ...redis, ...leftOut, ''].join('\n')
}

function valueText(section: ChannelSection, value: number): string {
  return (section === 'calls' ? value / 1000 : value).toFixed(3)
}

function quantileText({ median: { p50Ns, p99Ns, p999Ns } }: ChannelRow): string {
  if (p50Ns === undefined || p99Ns === undefined || p999Ns === undefined) return ''
  const [p50, p99, p999] = [p50Ns, p99Ns, p999Ns].map((ns) => (ns / 1000).toFixed(2))
  return `   p50 ${p50}  p99 ${p99}  p99.9 ${p999}`
}

function processorText({ median: { clientNs, serverNs } }: ChannelRow): string {
  const text = (ns: number): string => (ns / 1000).toFixed(2)
  const server = serverNs === undefined ? '' : `, server ${text(serverNs)}`
  return clientNs === undefined ? '' : `   processor: client ${text(clientNs)}${server}`
}

export function channelPictures(report: ChannelReport, figures: readonly ChannelFigure[]): Picture[] {
  const { machine, results } = report
  const { cpuModel, cores, node, commit, date } = machine
  const of = commit === undefined ? '' : `, commit ${commit}`
  const where = `${cpuModel}, ${cores} cores, Node ${node}${of}, ${date.slice(0, 10)}`
  const goal = `dashed: what was asked for; longer is better, cut at twice that. ${where}`
  const panel = {
    title: 'one client thread, one lane worker',
    labels: WINDOWS.map(String),
    series: [
      {
        name: 'PUT and GET of uint32',
        values: WINDOWS.map((window) => results.row(requestsKey(window, 1, 1))?.median.value),
      },
    ],
  }
  const groups = callGroups(results.rows)
  return [
    {
      fileName: 'bench-channel.svg',
      svg: goalChart("Hearth's channel: measured by what was asked", goal, figures),
    },
    ...(groups.length === 0
      ? []
      : [
          {
            fileName: 'bench-channel-calls.svg',
            svg: barChart('Thousand sets a second, keys of 16 B, values of 100 B', where, groups),
          },
        ]),
    ...(panel.series[0]?.values.some((value) => value !== undefined) === true
      ? [
          {
            fileName: 'bench-channel-windows.svg',
            svg: lineChart('Million requests a second by requests in flight', where, [panel]),
          },
        ]
      : []),
  ]
}

function callGroups(rows: readonly ChannelRow[]): BarGroup[] {
  const barsOf = (section: ChannelSection, perSecond: (value: number) => number) =>
    rows
      .filter((row) => row.section === section)
      .map(({ label, median }) => {
        const value = perSecond(median.value)
        return { series: label, value, text: value.toFixed(0) }
      })
  const calls = barsOf('calls', (ns) => 1e6 / ns)
  const pipelined = barsOf('pipelined', (millions) => 1000 * millions)
  return [
    ...(calls.length === 0 ? [] : [{ label: 'one by one', bars: calls }]),
    ...(pipelined.length === 0 ? [] : [{ label: '64 in flight', bars: pipelined }]),
  ]
}
