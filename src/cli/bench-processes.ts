/**
 * `hearth bench processes`: named tables by several processes, beside lmdb in as many and a local redis-server that is
 * asked and awaited. The report comes at the end; `--json` prints one object instead. Pictures of a run of the full size
 * go to `docs` where there is such a folder; those of any other run only where `--svg` says.
 */
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import type { ProcessSection } from '../bench/processes.js'
import { BenchProgress } from './bench-progress.js'
import { UsageError } from './exit.js'
import { printJson, printLine } from './output.js'
import { wholeNumber } from './settings.js'

interface ProcessesFlags {
  readonly only?: string
  readonly keys?: number
  readonly valueBytes?: number
  readonly rounds?: number
  readonly processes?: number
  readonly gets?: number
  readonly timeout?: number
  readonly svg?: string | false
  readonly json?: true
}

const MOST_KEYS = 10_000_000
const MOST_VALUE_BYTES = 64 * 1024
const MOST_ROUNDS = 1000
const MOST_PROCESSES = 16
const MOST_GETS = 10_000_000
const MOST_TIMEOUT_SECONDS = 24 * 3600
const DEFAULT_PICTURE_FOLDER = 'docs'
/** Ended by these it still gives memory and servers back. */
const ENDING_SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

async function benchProcesses(flags: ProcessesFlags): Promise<void> {
  const { runProcessesBench, PROCESS_SECTION_NAMES, PROCESS_SECTIONS } = await import('../bench/processes.js')
  const { figuresOf, formatProcessesStart, formatRates, processesPictures } = await import(
    '../bench/processes-figures.js'
  )
  const { formatEnd, formatFigure } = await import('../bench/figures-report.js')
  const sections = sectionsOf(flags.only, PROCESS_SECTION_NAMES)
  const isJson = flags.json === true
  for (const [signal, code] of ENDING_SIGNALS) process.once(signal, () => process.exit(code))
  const progress = new BenchProgress()
  const print = (text: string): void => {
    if (!isJson) progress.around(() => printLine(text))
  }
  try {
    const { keys, valueBytes, rounds, processes, gets, timeout } = flags
    const report = await runProcessesBench({
      ...(keys === undefined ? {} : { keys }),
      ...(valueBytes === undefined ? {} : { valueBytes }),
      ...(rounds === undefined ? {} : { rounds }),
      ...(processes === undefined ? {} : { processes }),
      ...(gets === undefined ? {} : { awaitedGets: gets }),
      ...(timeout === undefined ? {} : { timeoutMs: 1000 * timeout }),
      sections,
      onStart: (machine, scale) => print(formatProcessesStart(machine, scale)),
      onProgress: (state) => progress.update(state),
    })
    progress.done()
    const figures = figuresOf(report)
    for (const section of sections) {
      print(`${section}: ${PROCESS_SECTIONS[section]}`)
      for (const figure of figures) if (figure.section === section) print(formatFigure(figure))
    }
    print(`${formatEnd({ figures, seconds: report.seconds })}\n`)
    if (report.results.rates.length > 0) print(formatRates(report))
    const folder = pictureFolder(flags)
    if (folder !== undefined) {
      const { writePictures } = await import('../bench/pictures.js')
      for (const path of writePictures(folder, processesPictures(report, figures))) print(`wrote ${path}`)
    }
    if (isJson) printJson({ ...report, figures })
  } finally {
    progress.done()
  }
}

function sectionsOf(only: string | undefined, names: readonly ProcessSection[]): readonly ProcessSection[] {
  if (only === undefined) return names
  const wanted = only.split(',').map((text) => text.trim())
  const unknown = wanted.find((text) => !names.some((name) => name === text))
  if (unknown !== undefined) throw new UsageError(`--only is a list of ${names.join(', ')}, not '${unknown}'`)
  return names.filter((name) => wanted.includes(name))
}

function pictureFolder({ svg, only, keys, valueBytes, processes }: ProcessesFlags): string | undefined {
  if (svg === false) return undefined
  if (svg !== undefined) return svg
  const isFull = [only, keys, valueBytes, processes].every((size) => size === undefined)
  return isFull && existsSync(DEFAULT_PICTURE_FOLDER) ? DEFAULT_PICTURE_FOLDER : undefined
}

export function processesCommand(): Command {
  return new Command('processes')
    .description('named tables: several processes on one, beside lmdb and an awaited local Redis')
    .option('--only <list>', 'get, set, open; default: all')
    .option('--keys <n>', 'keys in the table; default 1000000', wholeNumber(1, MOST_KEYS))
    .option('--value-bytes <n>', 'characters of a value; default 100', wholeNumber(1, MOST_VALUE_BYTES))
    .option('--rounds <n>', 'rounds of fresh processes; default 3', wholeNumber(1, MOST_ROUNDS))
    .option('--processes <n>', 'the most processes on one table; default 4', wholeNumber(2, MOST_PROCESSES))
    .option(
      '--gets <n>',
      'awaited GETs of each Redis client a round; default 20000',
      wholeNumber(1, MOST_GETS),
    )
    .option('--timeout <seconds>', 'longest single step', wholeNumber(1, MOST_TIMEOUT_SECONDS))
    .option('--svg <folder>', 'where pictures go; default: docs, for a run of the full size')
    .option('--no-svg', 'no pictures')
    .option('--json', 'the report as JSON, at the end')
    .action(benchProcesses)
}
