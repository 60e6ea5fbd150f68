import { SimulatedDisk } from '../log/simulated-disk.js'
import { evaluatedStore } from '../test/evaluated-store.js'
import { describeStore } from '../test/store-contract.js'
import { openOnDisk } from './open-sequenced.js'

/** How many calls make a group: each alone, a few, all. */
for (const calls of [1, 3, Infinity]) {
  describeStore(`SequencedStore, ${calls} calls a group`, (capacityBytes) => {
    let nowMs = 1_700_000_000_000
    let count = 0
    const { store } = openOnDisk({
      disk: new SimulatedDisk(),
      capacityBytes: Math.max(capacityBytes, 64 * 1024),
      durability: 'always',
      clock: () => nowMs,
      monotonicMs: () => 0,
      segmentBytes: 1 << 20,
    })
    return {
      store: evaluatedStore(store, () => ++count % calls === 0),
      advance: async (ms) => {
        nowMs += ms
      },
      close: () => {
        store.commit(0)
        store.table.check()
        store.close()
      },
    }
  })
}
