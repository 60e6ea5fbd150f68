/**
 * One process of a killing run: what a worker of a termination run does, on a named table. It is born as a spare that has
 * loaded all it needs, says so, and opens the table when it is given a place. Data come as JSON.
 */
import { once } from 'node:events'
import { SharedMap } from '../map/shared-map.js'
import { Native } from '../memory/native.js'
import { mapFile } from './named-scratch.js'
import { type TerminateTask, TerminateWorker } from './terminate-worker.js'

export interface KillWorkerData {
  readonly table: string
  readonly boardPath: string
  readonly boardBytes: number
  readonly lockTimeoutMs: number
}

const data = JSON.parse(process.argv[2]!) as KillWorkerData
const parent = process.ppid
const board = mapFile(data.boardPath, data.boardBytes)
Native.load()
process.send?.('spare')
const [task] = (await once(process, 'message')) as [TerminateTask]
const map = SharedMap.open(data.table, { mode: 'open', lockTimeoutMs: data.lockTimeoutMs })
const worker = new TerminateWorker(map, board, task)
worker.takeOver()
process.send?.('ready')
// Never longer than the run: a killed parent says no goodbye.
worker.run(() => process.ppid === parent)
process.disconnect?.()
