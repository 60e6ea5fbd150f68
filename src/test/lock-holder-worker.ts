/** A thread that takes locks of a table, says so, and gives them back after a while: a reader that was held up, or one who checks. */
import { workerData } from 'node:worker_threads'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import { Table } from '../table/table.js'

export interface LockHolderData {
  readonly region: SharedArrayHandle
  /** Places of the locks. */
  readonly locks: readonly number[]
  /** Its first word becomes 1 when it has them. */
  readonly gate: SharedArrayBuffer
  readonly holdsMs: number
}

const { region, locks, gate, holdsMs } = workerData as LockHolderData
const table = Table.attach(SharedArrayRegion.attach(region), { lockTimeoutMs: 10_000, isSequenced: true })
const words = new Int32Array(gate)
for (const at of locks) table.space.locks.acquire(at)
Atomics.store(words, 0, 1)
Atomics.notify(words, 0)
Atomics.wait(words, 1, 0, holdsMs)
for (const at of locks) table.space.locks.release(at)
table.close()
