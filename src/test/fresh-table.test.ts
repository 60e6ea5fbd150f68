import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SharedMap } from '../index.js'

const TABLES = 200
const KEYS = 400

test('two threads that fill a fresh table at the same instant lose nothing', async () => {
  const shared = new SharedArrayBuffer(8)
  const line = new Int32Array(shared)
  const worker = new Worker(new URL('./fresh-table-worker.js', import.meta.url), { workerData: shared })
  await once(worker, 'message')
  try {
    for (let round = 1; round <= TABLES; round++) {
      using map = new SharedMap({ capacity: '4MiB' })
      const filled = once(worker, 'message')
      worker.postMessage({ handle: map.share(), keys: KEYS, round })
      while (Atomics.load(line, 0) < round) Atomics.wait(line, 0, round - 1, 1)
      Atomics.store(line, 1, round)
      for (let i = 0; i < KEYS; i += 2) map.set(`key ${i}`, `value ${i}`)
      await filled
      for (let i = 0; i < KEYS; i++) assert.equal(map.get(`key ${i}`), `value ${i}`)
      map.check()
    }
  } finally {
    await worker.terminate()
  }
})
