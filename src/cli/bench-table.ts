/**
 * `hearth bench table`: the figures of the table, the comparison of contenders and the sweeps. Rows are printed as
 * soon as they are known; `--json` prints one object at the end instead. Pictures of a run of the full size go to
 * `docs` where there is such a folder; those of any other run only where `--svg` says.
 */
import { existsSync } from 'node:fs'
import type { ContenderName } from '../bench/contender-list.js'
import type { Section } from '../bench/figure.js'
import type { FiguresReport } from '../bench/figures.js'
import type { PassDone } from '../bench/passes.js'
import type { Picture } from '../bench/pictures.js'
import type { SweepName, SweepReport } from '../bench/sweep.js'
import type { TableBenchReport } from '../bench/table.js'
import { BenchProgress } from './bench-progress.js'
import { printJson, printLine } from './output.js'

export interface BenchTableOptions {
  readonly sections: readonly Section[]
  readonly sweeps: readonly SweepName[]
  readonly compare: boolean
  readonly keys?: number
  readonly valueBytes?: number
  readonly rounds?: number
  readonly threads?: readonly number[]
  readonly contenders?: readonly ContenderName[]
  readonly mostKeys?: number
  readonly payloadBytes?: number
  readonly timeoutMs?: number
  readonly json: boolean
  /** Where pictures go; undefined: the folder docs, for a run of the full size. */
  readonly pictureFolder?: string | false
}

interface BenchReports {
  figures?: FiguresReport
  comparison?: TableBenchReport
  readonly sweeps: SweepReport[]
}

const SWEEP_ROUNDS = 3
const COMPARE_ROUNDS = 3
const SWEEP_TIMEOUT_MS = 600_000
const DEFAULT_PICTURE_FOLDER = 'docs'

export async function benchTable(options: BenchTableOptions): Promise<void> {
  const progress = new BenchProgress()
  const print = (text: string): void => {
    if (!options.json) progress.around(() => printLine(text))
  }
  const reports: BenchReports = { sweeps: [] }
  const pictures: Picture[] = []
  try {
    if (options.sections.length > 0) await runFigures(options, reports, pictures, progress, print)
    if (options.compare) await runCompare(options, reports, pictures, progress, print)
    if (options.sweeps.length > 0) await runSweeps(options, reports, pictures, progress, print)
  } finally {
    progress.done()
  }
  const folder = pictureFolder(options)
  if (folder !== undefined) {
    const { writePictures } = await import('../bench/pictures.js')
    for (const path of writePictures(folder, pictures)) print(`wrote ${path}`)
  }
  if (options.json) printJson(reports)
}

function pictureFolder(options: BenchTableOptions): string | undefined {
  if (options.pictureFolder === false) return undefined
  if (options.pictureFolder !== undefined) return options.pictureFolder
  const isFull = [options.keys, options.valueBytes, options.mostKeys, options.contenders].every(
    (size) => size === undefined,
  )
  const isWhole = options.sections.length === 0 || options.sections.length === ALL_SECTIONS_COUNT
  return isFull && isWhole && existsSync(DEFAULT_PICTURE_FOLDER) ? DEFAULT_PICTURE_FOLDER : undefined
}

/** get, set, hot, memory, growth, eviction, flood. */
const ALL_SECTIONS_COUNT = 7

type Print = (text: string) => void

function sizesOf({ keys, valueBytes }: BenchTableOptions): { keys?: number; valueBytes?: number } {
  return {
    ...(keys === undefined ? {} : { keys }),
    ...(valueBytes === undefined ? {} : { valueBytes }),
  }
}

async function runFigures(
  options: BenchTableOptions,
  reports: BenchReports,
  pictures: Picture[],
  progress: BenchProgress,
  print: Print,
): Promise<void> {
  const { runFigures: run } = await import('../bench/figures.js')
  const { formatEnd, formatFigure, formatSection, formatStart } = await import('../bench/figures-report.js')
  const { comparisonPicture, figuresPicture } = await import('../bench/pictures.js')
  let section: Section | undefined
  const report = await run({
    ...sizesOf(options),
    ...(options.rounds === undefined ? {} : { rounds: options.rounds }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    sections: options.sections,
    onStart: (machine, scale) => print(formatStart(machine, scale)),
    onProgress: (state) => progress.update(state),
    onFigure: (figure) => {
      if (figure.section !== section) print(formatSection(figure.section))
      section = figure.section
      print(formatFigure(figure))
    },
  })
  print(`${formatEnd(report)}\n`)
  reports.figures = report
  pictures.push(figuresPicture(report))
  if (report.comparison !== undefined && !options.compare) {
    pictures.push(comparisonPicture(report.machine, report.comparison))
  }
}

async function runCompare(
  options: BenchTableOptions,
  reports: BenchReports,
  pictures: Picture[],
  progress: BenchProgress,
  print: Print,
): Promise<void> {
  const { runTableBench } = await import('../bench/table.js')
  const { passText, planOf } = await import('../bench/passes.js')
  const { COMPARED_NAMES } = await import('../bench/contender-list.js')
  const { formatTableReport } = await import('../bench/table-report.js')
  const { comparisonPicture } = await import('../bench/pictures.js')
  const rounds = options.rounds ?? COMPARE_ROUNDS
  const threads = options.threads ?? [1, 2]
  const contenders = options.contenders ?? COMPARED_NAMES
  const report = await runTableBench({
    ...sizesOf(options),
    ...(options.timeoutMs === undefined ? {} : { passTimeoutMs: options.timeoutMs }),
    rounds,
    threads,
    contenders,
    onPass: countPasses(passText, progress, planOf(contenders, threads).length * rounds, ''),
  })
  print(formatTableReport(report))
  reports.comparison = report
  pictures.push(comparisonPicture(report.machine, report))
}

async function runSweeps(
  options: BenchTableOptions,
  reports: BenchReports,
  pictures: Picture[],
  progress: BenchProgress,
  print: Print,
): Promise<void> {
  const { DEFAULT_SWEEP_LIMITS, runSweep, SWEPT_CONTENDERS, sweepPlan, sweepSteps } = await import(
    '../bench/sweep.js'
  )
  const { formatSweep } = await import('../bench/sweep-report.js')
  const { sweepPicture } = await import('../bench/pictures.js')
  const { passText } = await import('../bench/passes.js')
  const { StripedMapProgram } = await import('../bench/striped-map.js')
  const { describeMachine, machineLine } = await import('../bench/machine.js')
  const machine = describeMachine()
  const limits = {
    ...DEFAULT_SWEEP_LIMITS,
    ...sizesOf(options),
    ...(options.mostKeys === undefined ? {} : { mostKeys: options.mostKeys }),
    ...(options.payloadBytes === undefined ? {} : { payloadBytes: options.payloadBytes }),
    ...(options.threads === undefined ? {} : { mostThreads: Math.max(...options.threads) }),
  }
  const settings = {
    contenders: options.contenders ?? SWEPT_CONTENDERS,
    rounds: options.rounds ?? SWEEP_ROUNDS,
    passTimeoutMs: options.timeoutMs ?? SWEEP_TIMEOUT_MS,
    onPass: () => {},
  }
  print(machineLine(machine))
  using stripedMap = new StripedMapProgram()
  for (const name of options.sweeps) {
    const plan = sweepPlan(name, limits)
    const count = countPasses(passText, progress, sweepSteps(plan, settings), `sweep ${name}, `)
    const report = await runSweep(name, plan, stripedMap, {
      ...settings,
      onPass: (pass, point) => count(pass, `${point.label}: `),
    })
    print(formatSweep(report))
    reports.sweeps.push(report)
    pictures.push(sweepPicture(machine, report))
  }
}

function countPasses(
  passText: (pass: PassDone) => string,
  progress: BenchProgress,
  total: number,
  before: string,
): (pass: PassDone, where?: string) => void {
  let done = 0
  progress.update({ done, total, fraction: 0, label: `${before}begins` })
  return (pass, where = '') => {
    done += 1
    const label = `${before}${where}${passText(pass)}`
    progress.update({ done, total, fraction: 0, label })
  }
}
