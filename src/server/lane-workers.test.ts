import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Bell } from '../channel/bell.js'
import { LaneFile } from '../channel/lane-file.js'
import { DEFAULT_LANE_SHAPE } from '../channel/layout.js'
import { Ledger, WATCH } from '../channel/ledger.js'
import { DirectStore } from '../store/direct-store.js'
import { NodeCounters } from './counters.js'
import { LaneWorkers } from './lane-workers.js'

async function startWorkers(count: number) {
  const [ledger, bell] = [Ledger.create(1), Bell.create()]
  const store = DirectStore.create({ capacityBytes: 1 << 20 })
  const workers = await LaneWorkers.start({
    workers: count,
    bell,
    ledger,
    table: store.share(),
    facts: {
      version: '0',
      startedAtMs: 0,
      host: '',
      eviction: 'none',
      socketWorkers: 0,
      durability: 'off',
      counters: NodeCounters.create(0),
      log: undefined,
    },
    shutdown: () => {},
    dropped: () => {},
  })
  const watcher = () => Atomics.load(ledger.words, ledger.watchAt + WATCH.watcher)
  const rest = async () => {
    while (watcher() === 0) await delay(10)
  }
  return { ledger, bell, store, workers, rest, watcher }
}

test('workers that rest hear their main thread, go back to rest, and end when they are told', async () => {
  const { ledger, store, workers, rest, watcher } = await startWorkers(3)
  try {
    await rest()
    const shape = DEFAULT_LANE_SHAPE
    const file = LaneFile.create({
      shape,
      firstRow: ledger.open(shape.lanes),
      serverId: [1, 2, 3, 4],
      client: 1,
    })
    await workers.attach(file.share())
    await rest()
    await workers.detach(file.id)
    await rest()
  } finally {
    await workers.stop()
    store.close()
  }
  assert.equal(watcher(), 0, 'and who watched has handed that on')
})

test('however many servers a process has, it has no more listeners for its end', async () => {
  const before = process.listenerCount('exit')
  const { store, workers } = await startWorkers(1)
  try {
    assert.equal(process.listenerCount('exit'), before)
  } finally {
    await workers.stop()
    store.close()
  }
})
