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
import { OPERATION_NAMES, type Operation, type Workload } from './workload.js'

const run = promisify(execFile)

const SOURCE_PATH = fileURLToPath(new URL('../../bench/striped-map.cpp', import.meta.url))
const COMPILER = 'g++'
const COMPILER_FLAGS = ['-O2', '-std=c++17', '-pthread']

/** A line of the program's output. */
interface OutputLine {
  readonly op: Operation | 'memory'
  readonly nsPerOp?: number
  readonly bytes?: number
}

export interface CompiledStripedMap {
  readonly path: string
  remove(): void
}

/** Compiles the program; throws an error that says what is missing. */
export function compileStripedMap(): CompiledStripedMap {
  if (!existsSync(SOURCE_PATH)) throw new Error('its source is not part of the installed package')
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-'))
  const path = join(folder, 'striped-map')
  try {
    execFileSync(COMPILER, [...COMPILER_FLAGS, SOURCE_PATH, '-o', path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new Error(missing ? `there is no ${COMPILER}` : `${COMPILER} could not compile it`, {
      cause: error,
    })
  }
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
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
    '--batch': workload.batch,
    '--rounds': 1,
    '--ops': OPERATION_NAMES.join(','),
  }
  const argv = Object.entries(options).flatMap(([name, value]) => [name, String(value)])
  const { stdout } = await run(path, argv, { timeout: timeoutMs })
  const times: { [operation in Operation]?: number } = {}
  let memoryBytes = 0
  for (const text of stdout.trim().split('\n')) {
    const line: OutputLine = JSON.parse(text)
    if (line.op === 'memory') memoryBytes = line.bytes ?? 0
    else times[line.op] = line.nsPerOp ?? 0
  }
  return memoryBytes > 0 ? { times, memoryBytes } : { times }
}
