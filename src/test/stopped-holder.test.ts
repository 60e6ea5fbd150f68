import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { isOperationError, SharedMap } from '../index.js'
import type { StoppedHolderData } from './stopped-holder-worker.js'

const LOCK_TIMEOUT_MS = 100
/** Of one who is to wait as long as it takes. */
const PATIENCE_MS = 60_000

/** A map with one stripe, and a thread that has stopped in the middle of replacing 'key'. */
class Stopped {
  readonly map = new SharedMap({ capacity: '1MiB', stripes: 1, lockTimeoutMs: LOCK_TIMEOUT_MS })
  readonly worker: Worker
  readonly done: Promise<unknown>
  readonly #gate = new Int32Array(new SharedArrayBuffer(4))

  constructor(stopsAt: 'whole' | 'busy') {
    this.map.set('key', 'old')
    this.map.set('other', 'as it was')
    const workerData: StoppedHolderData = {
      table: this.map.share(),
      gate: this.#gate.buffer as SharedArrayBuffer,
      key: 'key',
      value: 'new',
      stopsAt,
    }
    this.worker = new Worker(new URL('./stopped-holder-worker.js', import.meta.url), { workerData })
    this.done = once(this.worker, 'message')
    // One left over would keep the whole file waiting.
    after(() => this.worker.terminate())
    while (Atomics.load(this.#gate, 0) === 0) Atomics.wait(this.#gate, 0, 0, 50)
  }

  /** Lets it finish what it does. */
  async goOn(): Promise<void> {
    Atomics.store(this.#gate, 0, 2)
    Atomics.notify(this.#gate, 0)
    await this.done
  }

  isRefused(operation: () => unknown): void {
    assert.throws(operation, (error) => {
      assert.ok(isOperationError(error, 'TIMEOUT'), String(error))
      assert.equal(error.outcome, 'not-applied')
      assert.match(error.message, new RegExp(`process ${process.pid}, worker ${this.worker.threadId}`))
      return true
    })
  }
}

describe('a thread that stopped with a lock, and lives', () => {
  for (const stopsAt of ['whole', 'busy'] as const) {
    test(`is named to all who wait for it, and nothing has changed; its slot is ${stopsAt}`, async () => {
      const stopped = new Stopped(stopsAt)
      const { map } = stopped
      if (stopsAt === 'whole') assert.equal(map.get('key'), 'old')
      else stopped.isRefused(() => map.get('key'))
      stopped.isRefused(() => map.set('key', 'mine'))
      stopped.isRefused(() => map.set('a new key', 'mine'))
      stopped.isRefused(() => map.insert('a new key', 'mine', { ttlMs: 1000 }))
      stopped.isRefused(() => map.replace('other', 'mine'))
      stopped.isRefused(() => map.exchange('other', 'mine'))
      stopped.isRefused(() => map.compareAndSet('other', 'as it was', 'mine'))
      stopped.isRefused(() => map.compute('other', () => 'mine'))
      stopped.isRefused(() => map.delete('other'))
      stopped.isRefused(() => map.take('other'))
      stopped.isRefused(() => map.clear())
      stopped.isRefused(() => map.check())
      assert.equal(map.get('other'), 'as it was')
      assert.equal(map.get('a new key'), undefined)
      assert.equal(map.size, 2)
      await stopped.goOn()
      assert.equal(map.get('key'), 'new')
      assert.equal(map.get('other'), 'as it was')
      map.check()
      map.set('key', 'mine').set('a new key', 'mine')
      assert.equal(map.size, 3)
      map.check()
      await stopped.worker.terminate()
      map.close()
    })
  }

  test('and then dies is taken over from, and its entry is the old one or the new', async () => {
    for (const stopsAt of ['whole', 'busy'] as const) {
      const stopped = new Stopped(stopsAt)
      const { map } = stopped
      stopped.isRefused(() => map.set('other', 'mine'))
      await stopped.worker.terminate()
      // Its thread may not be quite gone when that is told: how long the system takes for it is no matter here.
      using patient = SharedMap.attach(map.share(), { lockTimeoutMs: PATIENCE_MS })
      patient.set('other', 'mine')
      map.check()
      assert.ok(['old', 'new'].includes(map.get('key') ?? ''))
      assert.equal(map.get('other'), 'mine')
      assert.equal(map.size, 2)
      map.close()
    }
  })

  test('and goes on in time is waited for', async () => {
    const stopped = new Stopped('busy')
    const patient = SharedMap.attach(stopped.map.share(), { lockTimeoutMs: PATIENCE_MS })
    const going = stopped.goOn()
    patient.set('key', 'mine')
    assert.equal(patient.get('key'), 'mine')
    await going
    patient.check()
    patient.close()
    stopped.map.close()
    await stopped.worker.terminate()
  })
})
