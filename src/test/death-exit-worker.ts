/** A worker that stops in the middle of an operation: it has its desk and a stripe, says so, and waits to be ended. */
import { parentPort, workerData } from 'node:worker_threads'
import { PARTICIPANT } from '../memory/participant.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Table } from '../table/table.js'

const table = Table.attach(SharedArrayRegion.attach(workerData), { lockTimeoutMs: 1000 })
const { space } = table
space.locks.acquire(space.registry.at)
space.words[space.registry.at + PARTICIPANT.holding] = space.shape.stripesAt
space.locks.acquire(space.shape.stripesAt)
parentPort?.postMessage('holding')
// No timer of the table may run: it would take the locks for those of an operation that was thrown out.
const never = new Int32Array(new SharedArrayBuffer(4))
for (;;) Atomics.wait(never, 0, 0, 20)
