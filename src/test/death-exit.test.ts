/** The end of a worker as its parent hears of it, on a system that says nothing else about threads. */
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { OperationError } from '../base/errors.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Space } from '../table/space.js'
import { Table } from '../table/table.js'
import { tableFacts } from './table-facts.js'

const FACTS = tableFacts({ capacityBytes: 256 * 1024, stripeBits: 0 })

function put(table: Table): void {
  table.key.setText('key')
  table.value.setText('value')
  table.put(Number.POSITIVE_INFINITY, 0)
}

async function holder(region: SharedArrayRegion): Promise<Worker> {
  const worker = new Worker(new URL('./death-exit-worker.js', import.meta.url), {
    workerData: region.share(),
  })
  await once(worker, 'message')
  return worker
}

test('where the system does not tell, the exit event of a worker frees what it held', async () => {
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  const table = Table.create(region, FACTS, { lockTimeoutMs: 100, isAlive: () => true })
  const worker = await holder(region)
  const isTimeout = (error: unknown) => error instanceof OperationError && error.code === 'TIMEOUT'
  assert.throws(() => put(table), isTimeout, 'it holds the stripe and counts as alive')
  await worker.terminate()
  put(table)
  assert.equal(table.has(), true)
  assert.equal(table.stats().participants, 1)
  table.check()
  table.close()
})

test('without a lock to wait for, housekeeping settles a worker soon after its exit', async () => {
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  const table = Table.create(region, FACTS, { lockTimeoutMs: 100, isAlive: () => true })
  const worker = await holder(region)
  assert.equal(table.stats().participants, 2)
  await worker.terminate()
  for (let tries = 0; table.stats().participants > 1 && tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.equal(table.stats().participants, 1)
  table.close()
})
