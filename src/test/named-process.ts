/** Starts processes that do a task on a named table, and waits for what they say. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { NamedTask } from './named-worker.js'

const WORKER = fileURLToPath(new URL('./named-worker.js', import.meta.url))
const SLEEPER = new Int32Array(new SharedArrayBuffer(4))
/** A PID namespace of its own; what runs in it dies with the program that made it. */
const UNSHARE = ['--pid', '--fork', '--kill-child=SIGKILL']

export interface StartOptions {
  /** In a PID namespace of its own. */
  readonly isApart?: boolean
  readonly env?: NodeJS.ProcessEnv
}

/** Ends with the test that starts it at the latest: one left over would keep the whole file waiting. */
export function start(task: NamedTask, { isApart = false, env = {} }: StartOptions = {}): ChildProcess {
  const child = fork(WORKER, [JSON.stringify(task)], {
    env: { ...process.env, ...env },
    ...(isApart ? { execPath: 'unshare', execArgv: [...UNSHARE, process.execPath] } : { execArgv: [] }),
  })
  after(() => child.kill('SIGKILL'))
  return child
}

/** Why there can be no PID namespace here; false if there can. */
export function noNamespaces(): string | false {
  const { status } = spawnSync('unshare', [...UNSHARE, 'true'])
  return status === 0 ? false : 'this user may not make PID namespaces'
}

/** The next message; rejects if the process ends without one, with what it wrote to its standard error if that is a pipe. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  let complaint = ''
  child.stderr?.on('data', (text) => {
    complaint += text
  })
  // Not 'exit': then some of what it wrote may still be under way.
  const ended = once(child, 'close').then(([code, signal]) => {
    throw new Error(`the process ended with ${code ?? signal} and said nothing\n${complaint}`.trimEnd())
  })
  // Whichever comes second is of no interest.
  ended.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
  return message
}

/** How it ended: its exit code, or the signal. */
export async function ending(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode ?? 'unknown'
}

/** Where the number of threads stands in /proc/PID/stat, counted from the state. */
const STAT_THREADS = 17

/**
 * Blocks until the system says that the process is in `state`: T is stopped, Z a zombie. One whose first thread alone is a
 * zombie still has its files and their locks.
 */
export function awaitState(child: ChildProcess, state: 'T' | 'Z'): void {
  for (;;) {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === state && (state === 'T' || fields[STAT_THREADS] === '1')) return
    Atomics.wait(SLEEPER, 0, 0, 0.2)
  }
}

/** Kills it and blocks until it is dead but not reaped: a zombie. */
export function killAtOnce(child: ChildProcess): void {
  child.kill('SIGKILL')
  awaitState(child, 'Z')
}
