/**
 * What the log has accepted comes into the table, however long somebody else keeps a lock that this needs: a reader that was
 * held up with a stripe, or who checks the table and has every desk.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SimulatedDisk } from '../log/simulated-disk.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import { openOnDisk } from '../store/open-sequenced.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'
import { STRIPE } from '../table/layout.js'
import type { LockHolderData } from './lock-holder-worker.js'
import { liveAt, stateOf } from './sequenced-trial.js'

const LOCK_TIMEOUT_MS = 20
/** Several times that. */
const HOLDS_MS = 150
const NOW_MS = 1_700_000_000_000

function open(disk: SimulatedDisk): SequencedStore {
  return openOnDisk({
    disk,
    capacityBytes: 256 * 1024,
    eviction: 'clock',
    durability: 'always',
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    clock: () => NOW_MS,
    monotonicMs: () => 0,
  }).store
}

function write(store: SequencedStore, work: (store: Store) => void): void {
  store.evaluate(work)
  assert.equal(store.commit(0).refused, undefined)
}

function deskOf({ table }: SequencedStore): number[] {
  return [table.space.registry.at]
}

function stripesOf({ table }: SequencedStore): number[] {
  const { buckets } = table.writer.chain
  return Array.from({ length: buckets.stripes }, (_, index) => buckets.stripeNumber(index) + STRIPE.lock)
}

/** Does `work` while another thread has these locks, and a little longer. */
async function whileHeld(store: SequencedStore, locks: readonly number[], work: () => void): Promise<void> {
  const gate = new SharedArrayBuffer(8)
  const region = store.table.space.region.share() as SharedArrayHandle
  const workerData: LockHolderData = { region, locks, gate, holdsMs: HOLDS_MS }
  const worker = new Worker(new URL('./lock-holder-worker.js', import.meta.url), { workerData })
  const ended = once(worker, 'exit')
  const words = new Int32Array(gate)
  while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0, 1000)
  work()
  await ended
}

/** The table has what the log has. */
function assertSame(store: SequencedStore, disk: SimulatedDisk): void {
  store.table.check()
  assert.deepEqual(liveAt(stateOf(store), NOW_MS), liveAt(stateOf(open(disk.afterExit())), NOW_MS))
}

const set = (key: string, bytes: number) => (store: Store) =>
  void store.set(Buffer.from(key), Buffer.alloc(bytes, 'v'), 'none', 'always')

for (const locksOf of [deskOf, stripesOf]) {
  test(`sets, deletes, transactions and a clear wait for the locks of ${locksOf.name}`, async () => {
    const disk = new SimulatedDisk()
    const store = open(disk)
    for (let index = 0; index < 100; index++) write(store, set(`key ${index}`, 10))
    const works: ((store: Store) => void)[] = [
      set('key 1', 20),
      set('new', 20),
      (inner) => void inner.delete(Buffer.from('key 2')),
      (inner) => void inner.transact((all) => [set('key 3', 5)(all), set('key 4', 5)(all)]),
      (inner) => inner.clear(),
    ]
    for (const work of works) {
      store.evaluate(work)
      await whileHeld(store, locksOf(store), () => assert.equal(store.commit(0).refused, undefined))
      assertSame(store, disk)
    }
    store.close()
  })

  test(`what has to make room goes once it is logged, whoever has the locks of ${locksOf.name}`, async () => {
    const disk = new SimulatedDisk()
    const store = open(disk)
    for (let index = 0; index < 3000; index++) write(store, set(`small ${index}`, 40))
    await whileHeld(store, locksOf(store), () => write(store, set('large', 30_000)))
    assertSame(store, disk)
    store.close()
  })
}
