/**
 * The C++ yardstick: compiles bench/striped-map.cpp into a temporary folder when there is a g++, and runs it.
 * Nothing of Hearth needs a compiler; without one this contender is left out with a line that says so.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PassResult } from './contender-process.js'
import { OPERATION_NAMES, type Operation, passOperations, type Workload } from './workload.js'

const run = promisify(execFile)

const SOURCE_PATH = fileURLToPath(new URL('../../bench/striped-map.cpp', import.meta.url))
const PROGRAM = 'striped-map'
const COMPILER = 'g++'
const COMPILER_FLAGS = ['-O2', '-std=c++17', '-pthread']

/** A line of the program's output. */
interface OutputLine {
  /** An operation by its {@link programName}, or `memory`. */
  readonly op: string
  readonly nsPerOp?: number
  readonly bytes?: number
}

/** The program, compiled when it is first asked for; `using` removes it. */
export class StripedMapProgram {
  #folder: string | undefined

  /** The path of the program; throws an error that says what is missing. */
  path(): string {
    this.#folder ??= compile()
    return join(this.#folder, PROGRAM)
  }

  [Symbol.dispose](): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}

/** Returns the folder with the program in it. */
function compile(): string {
  if (!existsSync(SOURCE_PATH)) throw new Error('its source is not part of the installed package')
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-'))
  try {
    execFileSync(COMPILER, [...COMPILER_FLAGS, SOURCE_PATH, '-o', join(folder, PROGRAM)], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new Error(missing ? `there is no ${COMPILER}` : `${COMPILER} could not compile it`, {
      cause: error,
    })
  }
  return folder
}

/** The program writes `mix:95` where this side writes `mix-95`. */
function programName(operation: Operation): string {
  return operation.replace(/^mix-/, 'mix:')
}

/** Runs all operations once, in the order of the JavaScript passes. */
export async function runStripedMap(
  path: string,
  threads: number,
  workload: Workload,
  timeoutMs: number,
): Promise<PassResult> {
  const options = {
    '--keys': workload.keys,
    '--value-bytes': workload.valueBytes,
    '--threads': threads,
    '--hot-keys': workload.hotKeys,
    '--hot-operations': workload.hotOperations,
    '--mix-operations': workload.mixOperations,
    '--most-operations': workload.mostOperations,
    '--distribution': workload.distribution,
    '--batch': workload.batch,
    '--rounds': 1,
    '--ops': passOperations(workload).map(programName).join(','),
  }
  const argv = Object.entries(options).flatMap(([name, value]) => [name, String(value)])
  const { stdout } = await run(path, argv, { timeout: timeoutMs }).catch((error: unknown) => {
    throw new Error(reasonOf(error), { cause: error })
  })
  const times: { [operation in Operation]?: number } = {}
  const byName = new Map(OPERATION_NAMES.map((operation) => [programName(operation), operation]))
  let memoryBytes = 0
  for (const text of stdout.trim().split('\n')) {
    const line: OutputLine = JSON.parse(text)
    if (line.op === 'memory') memoryBytes = line.bytes ?? 0
    const operation = byName.get(line.op)
    if (operation !== undefined && workload.operations.includes(operation))
      times[operation] = line.nsPerOp ?? 0
  }
  return memoryBytes > 0 ? { times, memoryBytes } : { times }
}

/** What went wrong, in one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('killed' in error && error.killed === true) return 'took longer than the limit for one pass'
  const told = 'stderr' in error ? String(error.stderr).split('\n')[0] : ''
  return told || (error.message.split('\n')[0] ?? error.name)
}
