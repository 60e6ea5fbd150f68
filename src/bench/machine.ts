/** What belongs beside every measured number: on which machine, with what, when, of which commit, by which command. */
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { GIB } from '../base/limits.js'

export interface Machine {
  readonly cpuModel: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly date: string
  /** One-minute load before the run: above a fraction of a core, somebody else was working too. */
  readonly loadBefore: number
  /** The commit of the checkout, with a + where its sources are changed; undefined for an installed package. */
  readonly commit: string | undefined
  /** What was asked for, as typed after `hearth`. */
  readonly command: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

function git(...argv: string[]): string {
  return execFileSync('git', argv, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

function commitOf(): string | undefined {
  try {
    const isOwn = git('rev-parse', '--show-prefix') === ''
    return isOwn
      ? `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src', 'bench') === '' ? '' : '+'}`
      : undefined
  } catch {
    return undefined
  }
}

export function describeMachine(): Machine {
  return {
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / GIB),
    kernel: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
    loadBefore: loadavg()[0] ?? 0,
    commit: commitOf(),
    command: ['hearth', ...process.argv.slice(2)].join(' '),
  }
}

/** Two lines: the machine, the run. */
export function machineLine(machine: Machine): string {
  const { cpuModel, cores, memoryGib, kernel, node, date, loadBefore, commit, command } = machine
  return [
    `${cpuModel}, ${cores} cores, ${memoryGib} GiB, ${kernel}, Node ${node}, load ${loadBefore.toFixed(2)}, ${date}`,
    `${commit === undefined ? '' : `commit ${commit}: `}${command}`,
  ].join('\n')
}
