/**
 * Writes a generated workload and its solution to their files, a block of text at a time, so that neither is ever in
 * memory as a whole. A file is complete once `writeWorkload` has returned; one that was broken off ends anywhere.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { FileFault } from './file-fault.js'
import {
  checkWorkloadOptions,
  generateWorkload,
  type WorkloadCounts,
  type WorkloadOptions,
} from './generator.js'

const BLOCK_LINES = 8192

export interface WorkloadPaths {
  readonly workload: string
  readonly solution: string
}

/** Throws RangeError for options that cannot be, FileFault for a file that cannot be written. */
export function writeWorkload(
  options: WorkloadOptions,
  paths: WorkloadPaths,
  onBlock: (requests: number) => void = () => {},
): WorkloadCounts {
  // Before files that are there are emptied.
  checkWorkloadOptions(options)
  using workload = new LineFile(paths.workload)
  using solution = new LineFile(paths.solution)
  const counts = generateWorkload(options, {
    put(key, value) {
      if (workload.add(`put ${key} ${value}\n`)) onBlock(workload.lines)
    },
    get(key, value) {
      if (workload.add(`get ${key}\n`)) onBlock(workload.lines)
      solution.add(`${value}\n`)
    },
  })
  workload.flush()
  solution.flush()
  return counts
}

/** A file that is written anew, line by line. */
class LineFile {
  readonly #path: string
  readonly #file: number
  #block: string[] = []
  lines = 0

  constructor(path: string) {
    this.#path = path
    this.#file = this.#named(() => openSync(path, 'w'))
  }

  /** Whether this line filled a block. */
  add(line: string): boolean {
    this.#block.push(line)
    this.lines++
    if (this.#block.length < BLOCK_LINES) return false
    this.flush()
    return true
  }

  flush(): void {
    const bytes = Buffer.from(this.#block.join(''), 'latin1')
    this.#block = []
    this.#named(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done)
    })
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #named<Result>(action: () => Result): Result {
    try {
      return action()
    } catch (error) {
      throw new FileFault(this.#path, error instanceof Error ? error.message : String(error))
    }
  }
}
