/** Client processes that ask one server all at once; used by tests and by long runs. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client, codecs, Server } from '../index.js'
import { ending, nextMessage } from './named-process.js'
import type { CrowdTask } from './served-crowd-worker.js'

const WORKER = fileURLToPath(new URL('./served-crowd-worker.js', import.meta.url))

export interface CrowdOptions {
  readonly processes: number
  readonly threads: number
  /** Of each thread. */
  readonly requests: number
  readonly laneWorkers: number
  readonly seed: number
}

interface Report {
  readonly requests: number
  readonly counted: number
}

/** Returns how many requests were answered, each rightly. Throws at the first wrong one. */
export async function runCrowd(options: CrowdOptions): Promise<number> {
  const { processes, threads, requests, laneWorkers, seed } = options
  const name = `crowd ${seed}`
  await using server = await Server.start({ name, capacity: '64MiB', laneWorkers })
  const children = Array.from({ length: processes }, (_, i) =>
    startMember({ name, threads, requests, seed: seed * 1000 + i * threads }),
  )
  const reports = await reportsOf(children)
  await using client = await Client.connect(name, { values: codecs.int32 })
  const counted = sum(reports.map((report) => report.counted))
  const counter = await client.get('counter')
  if (counter !== counted) throw new Error(`the counter is ${counter} after ${counted} increments`)
  server.check()
  return sum(reports.map((report) => report.requests))
}

async function reportsOf(children: readonly ChildProcess[]): Promise<Report[]> {
  try {
    const reports = (await Promise.all(children.map(nextMessage))) as Report[]
    for (const child of children) {
      const end = await ending(child)
      if (end !== 0) throw new Error(`a client process ended with ${end}`)
    }
    return reports
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

function startMember(task: CrowdTask): ChildProcess {
  const stdio = ['inherit', 'inherit', 'pipe', 'ipc'] as const
  return fork(WORKER, [JSON.stringify(task)], { execArgv: [], stdio: [...stdio] })
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, some) => total + some, 0)
