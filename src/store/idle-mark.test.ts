import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { DROP_ALL } from '../log/crash-plan.js'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { openTrial } from '../test/sequenced-trial.js'

const CLOCKS = { clock: () => 1_700_000_000_000, monotonicMs: () => 0 }
const KEY = Buffer.from('the-key')

for (const durability of ['always', 'interval'] as const)
  it(`a bit that flips in the last write of an idle store is damage, no torn tail, at level ${durability}`, () => {
    const disk = new SimulatedDisk()
    const store = openTrial(disk, { durability }, CLOCKS)
    store.evaluate((inner) => inner.set(KEY, KEY, 'none', 'always'))
    store.commit(0)
    store.tend(0)
    assert.ok(store.dueInMs(0) <= 200, 'the thread does not sleep over it')
    for (const nowMs of [100, 300, 500]) {
      store.commit(nowMs)
      store.tend(nowMs)
    }
    assert.equal(store.released, store.position)
    assert.equal(store.dueInMs(500), Infinity, 'one mark is enough')
    const idle = disk.crash(DROP_ALL)
    const name = '0000000000000001.log'
    const bytes = idle.contents(name)
    bytes[bytes.lastIndexOf(KEY)]! ^= 1
    idle.put(name, bytes)
    assert.throws(
      () => openTrial(idle, {}, CLOCKS),
      (error) => isOperationError(error, 'CORRUPT') && error.message.includes(name),
    )
  })
