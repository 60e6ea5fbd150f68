/** The pictures of a run: which chart shows what, under which file name. Pure but for the writing at the end. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BarGroup, barChart, goalChart, lineChart } from './charts.js'
import { CONTENDERS } from './contender-list.js'
import type { FiguresReport } from './figures.js'
import type { Machine } from './machine.js'
import { SWEEPS, type SweepReport } from './sweep.js'
import type { Comparison } from './table.js'
import { OPERATION_NAMES } from './workload.js'

export interface Picture {
  readonly fileName: string
  readonly svg: string
}

function machineText({ cpuModel, cores, node, commit, date }: Machine): string {
  const of = commit === undefined ? '' : `, commit ${commit}`
  return `${cpuModel}, ${cores} cores, Node ${node}${of}, ${date.slice(0, 10)}`
}

export function figuresPicture({ machine, scale, figures }: FiguresReport): Picture {
  const title = `Hearth's table: measured by what was asked, ${scale.keys} keys`
  const subtitle = `dashed: what was asked for; longer is better, cut at twice that. ${machineText(machine)}`
  return { fileName: 'bench-figures.svg', svg: goalChart(title, subtitle, figures) }
}

export function comparisonPicture(machine: Machine, { workload, measurements }: Comparison): Picture {
  const groups = OPERATION_NAMES.flatMap((operation): BarGroup[] => {
    const ofOperation = measurements.filter((measurement) => measurement.operation === operation)
    if (ofOperation.length === 0) return []
    const bars = ofOperation.map(({ contender, threads, medianNsPerOperation }) => {
      const value = 1000 / medianNsPerOperation
      const series = `${CONTENDERS[contender].label}${threads === 1 ? '' : `, ${threads} threads`}`
      return { series, value, text: value < 0.1 ? value.toFixed(3) : value.toFixed(2) }
    })
    return [{ label: operation, bars }]
  })
  const title = `Million operations a second, ${workload.keys} keys of 16 B, values of ${workload.valueBytes} B`
  const svg = barChart(title, machineText(machine), groups)
  return { fileName: 'bench-contenders.svg', svg }
}

export function sweepPicture(machine: Machine, report: SweepReport): Picture {
  const panels = report.panels.map(({ title, labels, series }) => ({
    title,
    labels,
    series: series.map(({ contender, millionPerSecond }) => ({
      name: CONTENDERS[contender].label,
      values: millionPerSecond.map((value) => value ?? undefined),
    })),
  }))
  const title = `Million operations a second: ${SWEEPS[report.sweep]}`
  return {
    fileName: `bench-sweep-${report.sweep}.svg`,
    svg: lineChart(title, machineText(machine), panels),
  }
}

/** Writes pictures into `folder`, made if need be; returns their paths. */
export function writePictures(folder: string, pictures: readonly Picture[]): string[] {
  mkdirSync(folder, { recursive: true })
  return pictures.map(({ fileName, svg }) => {
    const path = join(folder, fileName)
    writeFileSync(path, svg)
    return path
  })
}
