/**
 * A storm over lanes: clients in threads or in processes, several workers, all kinds of requests at once; every answer
 * checked by its client, every request's place by the workers. Workers can be ended at random meanwhile, and are replaced.
 */
import { strict as assert } from 'node:assert'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import { LaneFile } from '../channel/lane-file.js'
import type { LaneShape } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import type { StormClientData, StormReport } from './lane-storm-client.js'
import { STORM, STORM_WORDS } from './lane-storm-message.js'
import type { StormServerData } from './lane-storm-server.js'
import { SeededRandom } from './seeded-random.js'

export interface LaneStormShape {
  readonly seed: number
  readonly clients: number
  readonly workers: number
  /** Of each client. */
  readonly requests: number
  readonly lane: LaneShape
  /** Where files are made; left out: clients are threads. */
  readonly directory?: string
  /** Workers ended at random and replaced. */
  readonly ends?: number
  readonly keepsLanes?: boolean
}

export interface LaneStormCounts {
  readonly answered: number
  readonly executed: number
  readonly lost: number
  readonly givenUp: number
}

const SERVER = new URL('./lane-storm-server.js', import.meta.url)
const CLIENT = new URL('./lane-storm-client.js', import.meta.url)

export async function runLaneStorm(shape: LaneStormShape): Promise<LaneStormCounts> {
  const random = new SeededRandom(shape.seed)
  const { directory } = shape
  const bellPath = directory === undefined ? undefined : join(directory, 'lane-storm-bell')
  const ledger = Ledger.create(shape.clients)
  const bell = Bell.create(bellPath)
  const board = new SharedArrayBuffer(STORM_WORDS * 4)
  const files = Array.from({ length: shape.clients }, (_, client) =>
    LaneFile.create({
      shape: shape.lane,
      firstRow: ledger.open(1),
      serverId: [1, 2, 3, 4],
      client,
      ...(directory === undefined ? {} : { path: join(directory, `lane-storm-${client}`) }),
    }),
  )
  const hire = async (number: number): Promise<Worker> => {
    const data: StormServerData = {
      number,
      ledger: ledger.share(),
      bell: bell.share(),
      board,
      files: files.map((file) => file.share()),
      keepsLanes: shape.keepsLanes ?? false,
    }
    const worker = new Worker(SERVER, { workerData: data })
    await once(worker, 'message')
    return worker
  }
  const workers = await Promise.all(Array.from({ length: shape.workers }, (_, number) => hire(number)))
  const reports = files.map((file, client) =>
    startClient({
      client,
      seed: random.below(1_000_000),
      requests: shape.requests,
      bell: bell.share(),
      file: file.path ?? file.share(),
      mayLose: shape.ends !== undefined,
    }),
  )
  const all = Promise.all(reports)
  let isOver = false
  all.finally(() => {
    isOver = true
  })
  for (let end = 0; end < (shape.ends ?? 0) && !isOver; end++) {
    await new Promise((resolve) => setTimeout(resolve, 20 + random.below(60)))
    const number = random.below(shape.workers)
    await workers[number]!.terminate()
    workers[number] = await hire(number)
  }
  try {
    return sum(await all, new Int32Array(board))
  } finally {
    await Promise.all(workers.map((worker) => endWorker(worker, bell)))
    for (const file of files) {
      file.close()
      ledger.close(file.firstRow, 1)
      file.remove()
    }
    if (bellPath !== undefined) rmSync(bellPath, { force: true })
    assert.equal(ledger.used, 0)
  }
}

async function endWorker(worker: Worker, bell: Bell): Promise<void> {
  const exit = once(worker, 'exit')
  worker.postMessage('end')
  for (let number = 0; number < 4; number++) bell.wake(number)
  await exit
}

async function startClient(data: StormClientData): Promise<StormReport> {
  if (typeof data.file !== 'string') {
    const worker = new Worker(CLIENT, { workerData: data })
    return (await once(worker, 'message'))[0] as StormReport
  }
  const child = fork(CLIENT, { stdio: 'inherit' })
  child.send(data)
  const [report] = (await once(child, 'message')) as [StormReport]
  child.disconnect()
  await once(child, 'exit')
  return report
}

function sum(reports: readonly StormReport[], board: Int32Array): LaneStormCounts {
  const counts = { answered: 0, executed: board[STORM.executed]!, lost: 0, givenUp: 0 }
  for (const report of reports) {
    assert.equal(report.error, undefined)
    counts.answered += report.answered
    counts.lost += report.lost
    counts.givenUp += report.givenUp
  }
  assert.equal(board[STORM.disorder], 0, 'every request is carried out once, in its order')
  assert.equal(board[STORM.faults], 0)
  const most = counts.answered + counts.givenUp + counts.lost
  assert.ok(
    counts.executed >= counts.answered && counts.executed <= most,
    'nothing is answered that was not done',
  )
  return counts
}
