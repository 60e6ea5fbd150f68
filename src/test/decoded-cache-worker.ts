/**
 * The writer of the test that a remembered value is never older than what another thread has finished writing: each
 * round writes a key in one of several ways, then says so.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { codecs } from '../codec/codecs.js'
import type { SharedMapHandle } from '../map/entry.js'
import { SharedMap } from '../map/shared-map.js'

export interface DecodedCacheWorkerData {
  readonly table: SharedMapHandle
  /** Round that is finished, and whether to stop. */
  readonly board: SharedArrayBuffer
  readonly rounds: number
}

const { table, board, rounds } = workerData as DecodedCacheWorkerData
const map = SharedMap.attach<string, { round: number }>(table, { values: codecs.json() })
const finished = new Int32Array(board)
for (let round = 1; round <= rounds; round++) {
  if (round % 7 === 0) map.delete('k')
  if (round % 11 === 0) map.clear()
  // Neighbours in the same stripe: slots and chunks change hands, buckets split.
  map.set(`other ${round % 500}`, { round: -round })
  if (round % 13 === 0) map.delete(`other ${(round * 3) % 500}`)
  if (round % 2 === 0) map.set('k', { round })
  else map.compute('k', () => ({ round }))
  Atomics.store(finished, 0, round)
}
map.close()
parentPort?.close()
