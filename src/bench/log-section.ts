/**
 * What the sections of the log's benchmark have in common: sizes, a folder on the disk that is measured, progress, and
 * where figures go. A section is a file that exports one `LogSection`; log.ts lists them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './figure.js'
import { type RunProgress, reasonOf } from './section.js'

export const LOG_SECTIONS = {
  groups: 'append and sync at the log, beside the machine’s bare write and fdatasync of as many bytes',
  durable: 'sets that are answered when they are on disk, by how many are in flight',
  replay: 'recovery and snapshots',
} as const

export type LogSectionName = keyof typeof LOG_SECTIONS
export type LogFigure = Figure<LogSectionName>

export interface LogScale {
  /** Where the measured disk is mounted. */
  readonly directory: string
  /** Records of the log that is recovered, entries of the snapshot. */
  readonly records: number
  /** Syncs of each size of group. */
  readonly syncs: number
  /** How long each durable measurement runs, for each of its rounds. */
  readonly durableMs: number
  readonly rounds: number
}

export interface LogSection {
  readonly name: LogSectionName
  /** How many steps it will tell of. */
  steps(scale: LogScale): number
  run(bench: LogRun): Promise<void>
}

export class LogRun {
  readonly scale: LogScale
  readonly #total: number
  readonly #onProgress: (progress: RunProgress) => void
  readonly #onFigure: (figure: LogFigure) => void
  #done = 0

  constructor(
    scale: LogScale,
    total: number,
    onProgress: (progress: RunProgress) => void,
    onFigure: (figure: LogFigure) => void,
  ) {
    this.scale = scale
    this.#total = total
    this.#onProgress = onProgress
    this.#onFigure = onFigure
  }

  add(figure: LogFigure): void {
    this.#onFigure(figure)
  }

  /** One step of a section: told when it begins and ends. */
  async step<T>(label: string, work: () => T | Promise<T>): Promise<T> {
    this.#onProgress({ done: this.#done, total: this.#total, fraction: 0, label })
    await new Promise((resolve) => setImmediate(resolve))
    let ended = label
    try {
      return await work()
    } catch (error) {
      ended = `${label}: ${reasonOf(error)}`
      throw error
    } finally {
      this.#done++
      this.#onProgress({ done: this.#done, total: this.#total, fraction: 0, label: ended })
    }
  }

  /** Runs `work` with a fresh folder on the measured disk, which then goes. */
  async withFolder<T>(work: (path: string) => T | Promise<T>): Promise<T> {
    const path = mkdtempSync(join(this.scale.directory, 'hearth-bench-'))
    try {
      return await work(path)
    } finally {
      rmSync(path, { recursive: true, force: true })
    }
  }
}
