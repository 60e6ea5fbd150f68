/**
 * What every section of the figures is given: the sizes of the run, where to tell of progress, and where to put a
 * figure as soon as it is known.
 */
import type { Figure, Section } from './figure.js'
import { type PassDone, passText } from './passes.js'
import type { ProbeName, ProbeRequests, ProbeResults } from './probe.js'
import { runProbe } from './probe.js'

export interface FiguresScale {
  /** Keys of the large table; growth goes to ten times as many. */
  readonly keys: number
  readonly valueBytes: number
  readonly rounds: number
  readonly timeoutMs: number
}

/** Told while a run goes on. `done` of `total` are child processes; `fraction` is how far the present one is. */
export interface RunProgress {
  readonly done: number
  readonly total: number
  readonly fraction: number
  /** What has just ended, or is under way. */
  readonly label: string
}

export class SectionRun {
  readonly scale: FiguresScale
  readonly #total: number
  readonly #onProgress: (progress: RunProgress) => void
  readonly #onFigure: (figure: Figure) => void
  #done = 0

  constructor(
    scale: FiguresScale,
    total: number,
    onProgress: (progress: RunProgress) => void,
    onFigure: (figure: Figure) => void,
  ) {
    this.scale = scale
    this.#total = total
    this.#onProgress = onProgress
    this.#onFigure = onFigure
    this.#tell('begins', 0)
  }

  /** Publishes a figure. */
  add(figure: Figure): void {
    this.#onFigure(figure)
  }

  /** Publishes figures that could not be measured, for a reason. */
  skip(section: Section, figures: readonly Omit<Figure, 'section' | 'detail'>[], reason: string): void {
    for (const figure of figures) this.add({ ...figure, section, detail: reason })
  }

  passDone(pass: PassDone): void {
    this.#step(passText(pass))
  }

  /** Runs a probe in a process of its own; `label` is what it is called in progress. */
  async probe<Name extends ProbeName>(
    name: Name,
    label: string,
    request: ProbeRequests[Name],
  ): Promise<ProbeResults[Name]> {
    const startMs = performance.now()
    let ended = 'failed'
    try {
      const result = await runProbe(name, request, {
        timeoutMs: this.scale.timeoutMs,
        onProgress: (fraction) => this.#tell(label, fraction),
      })
      ended = `${((performance.now() - startMs) / 1000).toFixed(1)} s`
      return result
    } finally {
      this.#step(`${label}: ${ended}`)
    }
  }

  #step(label: string): void {
    this.#done++
    this.#tell(label, 0)
  }

  #tell(label: string, fraction: number): void {
    this.#onProgress({ done: this.#done, total: this.#total, fraction, label })
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
