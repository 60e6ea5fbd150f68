/**
 * `hearth bench channel`: calls through shared memory beside those of two clients of a local redis-server, requests by
 * window, workers and client threads, and what an idle server takes. The report comes at the end; `--json` prints one
 * object instead. Pictures of a whole run go to `docs` where there is such a folder; others only where `--svg` says.
 */
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import type { ChannelSection } from '../bench/channel-scale.js'
import { BenchProgress } from './bench-progress.js'
import { UsageError } from './exit.js'
import { printJson, printLine } from './output.js'
import { wholeNumber } from './settings.js'

interface ChannelFlags {
  readonly only?: string
  readonly rounds?: number
  readonly calls?: number
  readonly requests?: number
  readonly idle?: number
  readonly timeout?: number
  readonly svg?: string | false
  readonly json?: true
}

const MOST_ROUNDS = 1000
const MOST_CALLS = 100_000_000
const MOST_IDLE_SECONDS = 3600
const MOST_TIMEOUT_SECONDS = 24 * 3600
const DEFAULT_PICTURE_FOLDER = 'docs'

async function benchChannel(flags: ChannelFlags): Promise<void> {
  const { CHANNEL_SECTION_NAMES, CHANNEL_SECTIONS } = await import('../bench/channel-scale.js')
  const { runChannelBench } = await import('../bench/channel.js')
  const { channelFigures } = await import('../bench/channel-figures.js')
  const { channelPictures, formatChannelStart, formatRows } = await import('../bench/channel-report.js')
  const { formatEnd, formatFigure } = await import('../bench/figures-report.js')
  const sections = sectionsOf(flags.only, CHANNEL_SECTION_NAMES)
  const isJson = flags.json === true
  const progress = new BenchProgress()
  const print = (text: string): void => {
    if (!isJson) progress.around(() => printLine(text))
  }
  try {
    const { rounds, calls, requests, idle, timeout } = flags
    const report = await runChannelBench({
      ...(rounds === undefined ? {} : { rounds }),
      ...(calls === undefined ? {} : { calls }),
      ...(requests === undefined ? {} : { requests }),
      ...(idle === undefined ? {} : { idleMs: 1000 * idle }),
      ...(timeout === undefined ? {} : { timeoutMs: 1000 * timeout }),
      sections,
      onStart: (machine, scale) => print(formatChannelStart(machine, scale)),
      onProgress: (state) => progress.update(state),
    })
    progress.done()
    const figures = channelFigures(report, sections)
    for (const section of sections) {
      print(`${section}: ${CHANNEL_SECTIONS[section]}`)
      for (const figure of figures) if (figure.section === section) print(formatFigure(figure))
    }
    print(`${formatEnd({ figures, seconds: report.seconds })}\n`)
    print(formatRows(report))
    const folder = pictureFolder(flags)
    if (folder !== undefined) {
      const { writePictures } = await import('../bench/pictures.js')
      for (const path of writePictures(folder, channelPictures(report, figures))) print(`wrote ${path}`)
    }
    if (isJson) printJson({ ...report, figures })
  } finally {
    progress.done()
  }
}

function sectionsOf(only: string | undefined, names: readonly ChannelSection[]): readonly ChannelSection[] {
  if (only === undefined) return names
  const wanted = only.split(',').map((text) => text.trim())
  const unknown = wanted.find((text) => !names.some((name) => name === text))
  if (unknown !== undefined) throw new UsageError(`--only is a list of ${names.join(', ')}, not '${unknown}'`)
  return names.filter((name) => wanted.includes(name))
}

function pictureFolder({ svg, only, calls, requests }: ChannelFlags): string | undefined {
  if (svg === false) return undefined
  if (svg !== undefined) return svg
  const isWhole = [only, calls, requests].every((part) => part === undefined)
  return isWhole && existsSync(DEFAULT_PICTURE_FOLDER) ? DEFAULT_PICTURE_FOLDER : undefined
}

export function channelCommand(): Command {
  return new Command('channel')
    .description('calls through shared memory, beside ioredis and node-redis on a local redis-server')
    .option('--only <list>', 'calls, pipelined, requests, idle; default: all')
    .option('--rounds <n>', 'rounds of fresh processes; default 3', wholeNumber(1, MOST_ROUNDS))
    .option(
      '--calls <n>',
      'calls of a caller a round, awaited ones a tenth; default 200000',
      wholeNumber(10, MOST_CALLS),
    )
    .option('--requests <n>', 'requests of a run of numbers; default 1000000', wholeNumber(4, MOST_CALLS))
    .option(
      '--idle <seconds>',
      'how long an idle server is watched; default 5',
      wholeNumber(1, MOST_IDLE_SECONDS),
    )
    .option('--timeout <seconds>', 'longest single step', wholeNumber(1, MOST_TIMEOUT_SECONDS))
    .option('--svg <folder>', 'where pictures go; default: docs, for a whole run')
    .option('--no-svg', 'no pictures')
    .option('--json', 'the report as JSON, at the end')
    .action(benchChannel)
}
