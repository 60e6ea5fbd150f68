/** One process of a killing run: what a worker of a termination run does, on a named table. Data come as JSON. */
import { SharedMap } from '../index.js'
import { mapFile } from './named-scratch.js'
import { TerminateBoard } from './terminate-board.js'
import { type TerminateTask, TerminateWorker } from './terminate-worker.js'

export interface KillWorkerData extends TerminateTask {
  readonly table: string
  readonly boardPath: string
  readonly lockTimeoutMs: number
}

const data = JSON.parse(process.argv[2]!) as KillWorkerData
const parent = process.ppid
const board = mapFile(data.boardPath, TerminateBoard.bytes(data.places, data.keys))
const map = SharedMap.open(data.table, { mode: 'open', lockTimeoutMs: data.lockTimeoutMs })
const worker = new TerminateWorker(map, board, data)
worker.takeOver()
process.send?.('ready')
// Never longer than the run: a killed parent says no goodbye.
worker.run(() => process.ppid === parent)
process.disconnect?.()
