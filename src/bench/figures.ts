/**
 * The figures of the table benchmark: every number that was asked of the table, measured, each beside what was
 * asked for. One run on one machine; a figure is told as soon as it is known. Prints nothing.
 */
import { type Figure, SECTION_NAMES, type Section } from './figure.js'
import { describeMachine, type Machine } from './machine.js'
import { type FiguresScale, type RunProgress, SectionRun } from './section.js'
import { hotSteps, runHot } from './sections/hot.js'
import { PROBED_STEPS, runEviction, runFlood, runGrowth, runMemory } from './sections/probed.js'
import { runThroughput, THROUGHPUT_PLAN } from './sections/throughput.js'
import { StripedMapProgram } from './striped-map.js'
import { type Comparison, DEFAULT_PASS_TIMEOUT_MS, requireCount } from './table.js'

export interface FiguresOptions {
  /** Default 1 000 000; everything else is scaled by it. */
  readonly keys?: number
  /** Default 100. */
  readonly valueBytes?: number
  /** Passes of each contender; default 3. */
  readonly rounds?: number
  /** Default: all. */
  readonly sections?: readonly Section[]
  /** A child process that takes longer is killed; default 180 000. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: RunProgress) => void
  /** Called with the machine before anything is measured. */
  readonly onStart?: (machine: Machine, scale: FiguresScale) => void
  /** Called with each figure when it is known, in the order of the report. */
  readonly onFigure?: (figure: Figure) => void
}

export interface FiguresReport {
  readonly machine: Machine
  readonly scale: FiguresScale
  readonly figures: readonly Figure[]
  /** What the sections `get` and `set` measured; absent without them. */
  readonly comparison?: Comparison
  readonly seconds: number
}

const THROUGHPUT: readonly Section[] = ['get', 'set']

function stepsOf(sections: readonly Section[], rounds: number): number {
  const throughput = sections.some((section) => THROUGHPUT.includes(section))
  return (
    (throughput ? THROUGHPUT_PLAN.length * rounds : 0) +
    (sections.includes('hot') ? hotSteps(rounds) : 0) +
    sections.reduce((sum, section) => sum + (PROBED_STEPS[section]?.(rounds) ?? 0), 0)
  )
}

/** Minutes at the default size. */
export async function runFigures(options: FiguresOptions = {}): Promise<FiguresReport> {
  const startMs = performance.now()
  const scale: FiguresScale = {
    keys: requireCount('keys', options.keys ?? 1_000_000),
    valueBytes: requireCount('valueBytes', options.valueBytes ?? 100),
    rounds: requireCount('rounds', options.rounds ?? 3),
    timeoutMs: requireCount('timeoutMs', options.timeoutMs ?? DEFAULT_PASS_TIMEOUT_MS),
  }
  const sections = SECTION_NAMES.filter((section) => options.sections?.includes(section) ?? true)
  const machine = describeMachine()
  options.onStart?.(machine, scale)
  const figures: Figure[] = []
  const run = new SectionRun(
    scale,
    stepsOf(sections, scale.rounds),
    options.onProgress ?? (() => {}),
    (figure) => {
      figures.push(figure)
      options.onFigure?.(figure)
    },
  )
  using stripedMap = new StripedMapProgram()
  const throughput = sections.filter((section) => THROUGHPUT.includes(section))
  const comparison = throughput.length === 0 ? undefined : await runThroughput(run, throughput, stripedMap)
  if (sections.includes('hot')) await runHot(run, stripedMap)
  if (sections.includes('memory')) await runMemory(run)
  if (sections.includes('growth')) await runGrowth(run)
  if (sections.includes('eviction')) await runEviction(run)
  if (sections.includes('flood')) await runFlood(run)
  const seconds = (performance.now() - startMs) / 1000
  return { machine, scale, figures, ...(comparison === undefined ? {} : { comparison }), seconds }
}
