/**
 * The benchmark of the log: what the disk gives, what the log makes of it, what others make of it, and how fast all is
 * read back. Minutes at the default size. Prints nothing.
 */
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { durableSection } from './log-durable.js'
import { groupsSection } from './log-groups.js'
import { replaySection } from './log-replay.js'
import { LOG_SECTIONS, type LogFigure, LogRun, type LogScale, type LogSectionName } from './log-section.js'
import { describeMachine, type Machine } from './machine.js'
import type { RunProgress } from './section.js'
import { requireCount } from './table.js'

export const LOG_SECTION_NAMES = Object.keys(LOG_SECTIONS) as readonly LogSectionName[]

export interface LogBenchOptions extends Partial<LogScale> {
  /** Default: all. */
  readonly sections?: readonly LogSectionName[]
  readonly onStart?: (machine: Machine, scale: LogScale) => void
  readonly onProgress?: (progress: RunProgress) => void
  readonly onFigure?: (figure: LogFigure) => void
}

export interface LogReport {
  readonly machine: Machine
  readonly scale: LogScale
  readonly figures: readonly LogFigure[]
  readonly seconds: number
}

const SECTIONS = [groupsSection, durableSection, replaySection]
const TMPFS_TYPE = 0x01021994

/** Whether what is in `directory` is in memory only: nothing to measure a disk on. */
export function isMemory(directory: string): boolean {
  return statfsSync(directory).type === TMPFS_TYPE
}

export async function runLogBench(options: LogBenchOptions = {}): Promise<LogReport> {
  const startMs = performance.now()
  const scale: LogScale = {
    directory: options.directory ?? tmpdir(),
    records: requireCount('records', options.records ?? 1_000_000),
    syncs: requireCount('syncs', options.syncs ?? 300),
    durableMs: requireCount('durableMs', options.durableMs ?? 2000),
    rounds: requireCount('rounds', options.rounds ?? 3),
  }
  const machine = describeMachine()
  options.onStart?.(machine, scale)
  const sections = SECTIONS.filter(({ name }) => options.sections?.includes(name) ?? true)
  const total = sections.reduce((sum, section) => sum + section.steps(scale), 0)
  const figures: LogFigure[] = []
  const run = new LogRun(scale, total, options.onProgress ?? (() => {}), (figure) => {
    figures.push(figure)
    options.onFigure?.(figure)
  })
  for (const section of sections) await section.run(run)
  return { machine, scale, figures, seconds: (performance.now() - startMs) / 1000 }
}
