/**
 * A thread that stops in the middle of a write, with the lock of its stripe held, until it is told to go on. It stops
 * where the slot is still whole, or where it is busy.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { SharedMapHandle } from '../index.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'

export interface StoppedHolderData {
  readonly table: SharedMapHandle
  readonly gate: SharedArrayBuffer
  readonly key: string
  readonly value: string
  readonly stopsAt: 'whole' | 'busy'
}

const { table: handle, gate, key, value, stopsAt } = workerData as StoppedHolderData
const table = Table.attach(SharedArrayRegion.attach(handle.region), { lockTimeoutMs: 1000 })
const { chain } = table.writer
const words = new Int32Array(gate)

function stop(): void {
  Atomics.store(words, 0, 1)
  Atomics.notify(words, 0)
  while (Atomics.load(words, 0) === 1) Atomics.wait(words, 0, 1, 50)
}

const replace = chain.replace.bind(chain)
chain.replace = (stripeAt, reference) => {
  if (stopsAt === 'busy') chain.makeBusy()
  stop()
  replace(stripeAt, reference)
}
table.key.setText(key)
table.value.setText(value)
table.put(NO_EXPIRY, ALWAYS)
table.close()
parentPort?.postMessage('done')
