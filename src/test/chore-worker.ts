/** The other side of a {@link ChoreThread}: does one chore a message. */
import { parentPort, workerData } from 'node:worker_threads'
import { codecs } from '../codec/codecs.js'
import type { SharedMapHandle } from '../map/entry.js'
import { SharedMap } from '../map/shared-map.js'
import { type Chore, empty, fill } from './chores.js'

const { table, values } = workerData as { table: SharedMapHandle; values: 'bytes' | 'float64' }

/** However long a thread that holds a lock does not get its turn. */
const LOCK_TIMEOUT_MS = 60_000

function doBytesChore(map: SharedMap<string, Uint8Array>, chore: Chore): number {
  return chore.chore === 'fill' ? fill(map, chore.valueBytes) : empty(map)
}

function doNumberChore(map: SharedMap<string, number>, chore: Chore): number {
  if (chore.chore !== 'increment') return 0
  let last = 0
  for (let done = 0; done < chore.times; done++) last = map.increment(chore.key)
  return last
}

function serve<V>(
  map: SharedMap<string, V>,
  answer: (map: SharedMap<string, V>, chore: Chore) => number,
): void {
  parentPort?.on('message', (chore: Chore) => {
    if (chore.chore === 'leave') {
      map.close()
      parentPort?.close()
    } else parentPort?.postMessage(answer(map, chore))
  })
}

if (values === 'bytes')
  serve(
    SharedMap.attach<string, Uint8Array>(table, { values: codecs.bytes, lockTimeoutMs: LOCK_TIMEOUT_MS }),
    doBytesChore,
  )
else
  serve(
    SharedMap.attach<string, number>(table, { values: codecs.float64, lockTimeoutMs: LOCK_TIMEOUT_MS }),
    doNumberChore,
  )
