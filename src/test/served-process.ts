/** Starts processes that serve a table or ask one, for tests. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { nextMessage } from './named-process.js'
import type { ServedTask } from './served-worker.js'

const WORKER = fileURLToPath(new URL('./served-worker.js', import.meta.url))

/** Ends with the test that starts it at the latest. */
export function startServed(task: ServedTask): ChildProcess {
  const child = fork(WORKER, [JSON.stringify(task)], { execArgv: [] })
  after(() => child.kill('SIGKILL'))
  return child
}

/** The same without a channel to its parent: a program as it would be run from a shell. */
export function runServed(task: ServedTask): ChildProcess {
  const stdio = ['ignore', 'inherit', 'inherit'] as const
  const child = spawn(process.execPath, [WORKER, JSON.stringify(task)], { stdio: [...stdio] })
  after(() => child.kill('SIGKILL'))
  return child
}

/** A thread of this process that stores until it is ended. */
export function startServedThread(name: string, way: 'sync' | 'promise' | 'windowed'): Worker {
  const task: ServedTask = { task: 'store', name, way }
  return new Worker(new URL('./served-worker.js', import.meta.url), { workerData: task })
}

/** A server in a process of its own, ready. */
export async function startServer(name: string, laneWorkers = 1): Promise<ChildProcess> {
  const child = startServed({ task: 'serve', name, laneWorkers })
  await nextMessage(child)
  return child
}
