/**
 * `hearth bench log`: durable writes on this machine's disk. Rows are printed as soon as they are known; `--json` prints
 * one object at the end instead. Writes some hundred megabytes into a folder of `--dir`, which goes at the end.
 */
import { statSync } from 'node:fs'
import { Command } from 'commander'
import type { LogSectionName } from '../bench/log-section.js'
import { BenchProgress } from './bench-progress.js'
import { UsageError } from './exit.js'
import { printJson, printLine } from './output.js'
import { wholeNumber } from './settings.js'

interface LogFlags {
  readonly only?: string
  readonly dir?: string
  readonly records?: number
  readonly syncs?: number
  readonly seconds?: number
  readonly rounds?: number
  readonly json?: true
}

const MOST_RECORDS = 100_000_000
const MOST_SYNCS = 1_000_000
const MOST_SECONDS = 3600
const MOST_ROUNDS = 1000

async function benchLog(flags: LogFlags): Promise<void> {
  const { isMemory, LOG_SECTION_NAMES, runLogBench } = await import('../bench/log.js')
  const { LOG_SECTIONS } = await import('../bench/log-section.js')
  const { formatEnd, formatFigure } = await import('../bench/figures-report.js')
  const { machineLine } = await import('../bench/machine.js')
  const sections = sectionsOf(flags.only, LOG_SECTION_NAMES)
  if (flags.dir !== undefined && statSync(flags.dir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`--dir ${flags.dir} is no directory`)
  const progress = new BenchProgress()
  const print = (text: string): void => {
    if (flags.json !== true) progress.around(() => printLine(text))
  }
  let section: LogSectionName | undefined
  try {
    const report = await runLogBench({
      sections,
      ...(flags.dir === undefined ? {} : { directory: flags.dir }),
      ...(flags.records === undefined ? {} : { records: flags.records }),
      ...(flags.syncs === undefined ? {} : { syncs: flags.syncs }),
      ...(flags.seconds === undefined ? {} : { durableMs: 1000 * flags.seconds }),
      ...(flags.rounds === undefined ? {} : { rounds: flags.rounds }),
      onStart: (machine, { directory, rounds }) => {
        print(machineLine(machine))
        const kind = isMemory(directory) ? ', which is memory and no disk' : ''
        print(`keys of 16 B, values of 100 B; on ${directory}${kind}; medians of ${rounds} rounds`)
      },
      onProgress: (state) => progress.update(state),
      onFigure: (figure) => {
        if (figure.section !== section) print(`${figure.section}: ${LOG_SECTIONS[figure.section]}`)
        section = figure.section
        print(formatFigure(figure))
      },
    })
    print(formatEnd(report))
    if (flags.json === true) printJson(report)
  } finally {
    progress.done()
  }
}

function sectionsOf(only: string | undefined, names: readonly LogSectionName[]): readonly LogSectionName[] {
  if (only === undefined) return names
  return only.split(',').map((text) => {
    const found = names.find((name) => name === text.trim())
    if (found === undefined) throw new UsageError(`--only is a list of ${names.join(', ')}, not '${text}'`)
    return found
  })
}

export function logCommand(): Command {
  return new Command('log')
    .description('durable writes: the log, beside the bare disk, a local Redis and lmdb; recovery')
    .option('--only <list>', 'groups, durable, replay; default: all')
    .option('--dir <path>', 'a directory on the disk to measure; default: the one for temporary files')
    .option(
      '--records <n>',
      'records of the log that is read back; default 1000000',
      wholeNumber(1, MOST_RECORDS),
    )
    .option('--syncs <n>', 'syncs of each size of group; default 300', wholeNumber(1, MOST_SYNCS))
    .option('--seconds <n>', 'of each measurement of durable sets; default 2', wholeNumber(1, MOST_SECONDS))
    .option('--rounds <n>', 'default 3', wholeNumber(1, MOST_ROUNDS))
    .option('--json', 'the report as JSON, at the end')
    .action(benchLog)
}
