/** The other thread of fresh-table.test.ts: fills its half of each table it is sent, from the same instant on. */
import { parentPort, workerData } from 'node:worker_threads'
import type { SharedMapHandle } from '../map/entry.js'
import { SharedMap } from '../map/shared-map.js'

const line = new Int32Array(workerData as SharedArrayBuffer)

parentPort?.on(
  'message',
  ({ handle, keys, round }: { handle: SharedMapHandle; keys: number; round: number }) => {
    using map = SharedMap.attach(handle)
    Atomics.store(line, 0, round)
    while (Atomics.load(line, 1) < round) Atomics.wait(line, 1, round - 1, 1)
    for (let i = 1; i < keys; i += 2) map.set(`key ${i}`, `value ${i}`)
    parentPort?.postMessage('filled')
  },
)
parentPort?.postMessage('ready')
