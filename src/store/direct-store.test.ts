import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeStore } from '../test/store-contract.js'
import { DirectStore } from './direct-store.js'

describeStore('DirectStore', (capacityBytes) => {
  let nowMs = 1_700_000_000_000
  const store = DirectStore.create({ clock: () => nowMs, capacityBytes: Math.max(capacityBytes, 64 * 1024) })
  return {
    store,
    advance: async (ms) => {
      nowMs += ms
    },
    close: () => {
      store.check()
      store.close()
    },
  }
})

it('what has expired does not return when the clock of a DirectStore steps back', () => {
  let nowMs = 1000
  const store = DirectStore.create({ clock: () => nowMs, capacityBytes: 1 << 20 })
  store.set(Buffer.from('k'), Buffer.from('v'), 2000, 'always')
  nowMs = 2500
  assert.equal(store.has(Buffer.from('k')), false)
  store.set(Buffer.from('k'), Buffer.from('v'), 2400, 'always')
  nowMs = 1500
  assert.equal(store.has(Buffer.from('k')), false)
  assert.equal(store.nowMs(), 2500)
  store.close()
})
