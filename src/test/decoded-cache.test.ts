import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { codecs, SharedMap } from '../index.js'
import type { DecodedCacheWorkerData } from './decoded-cache-worker.js'

const ROUNDS = 30_000

test('what a thread remembers is never older than what another has finished writing', async () => {
  using map = new SharedMap<string, { round: number }>({
    capacity: '4MiB',
    stripes: 1,
    values: codecs.json(),
    decodedCache: '1MiB',
  })
  map.set('k', { round: 0 })
  const data: DecodedCacheWorkerData = {
    table: map.share(),
    board: new SharedArrayBuffer(4),
    rounds: ROUNDS,
  }
  const finished = new Int32Array(data.board)
  const worker = new Worker(new URL('./decoded-cache-worker.js', import.meta.url), { workerData: data })
  const exited = once(worker, 'exit')
  await once(worker, 'online')
  for (let done = 0; done < ROUNDS; ) {
    done = Atomics.load(finished, 0)
    const value = map.get('k')
    // Absent only while the next round is under way.
    if (value === undefined) continue
    assert.ok(value.round >= done, `found round ${value.round} when ${done} was finished`)
    for (let other = 0; other < 500; other += 125) {
      const neighbour = map.get(`other ${other}`)
      if (neighbour !== undefined) assert.equal(-neighbour.round % 500, other)
    }
  }
  await exited
  // It does remember. While the other one writes, that may never show: nobody says how often who has a processor.
  assert.equal(map.get('k'), map.get('k'))
  map.check()
})
