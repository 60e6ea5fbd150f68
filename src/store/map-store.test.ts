import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeStore } from '../test/store-contract.js'
import { MapStore } from './map-store.js'

describeStore('MapStore', (capacityBytes) => {
  let nowMs = 1_700_000_000_000
  return {
    store: new MapStore({ clock: () => nowMs, capacityBytes }),
    advance: async (ms) => {
      nowMs += ms
    },
    close: () => {},
  }
})

it('what has expired does not return when the clock of a MapStore steps back', () => {
  let nowMs = 1000
  const store = new MapStore({ clock: () => nowMs })
  store.set(Buffer.from('k'), Buffer.from('v'), 2000, 'always')
  nowMs = 2000
  assert.equal(store.has(Buffer.from('k')), false)
  store.set(Buffer.from('k'), Buffer.from('v'), 2001, 'always')
  nowMs = 3000
  assert.equal(store.nowMs(), 3000)
  nowMs = 1500
  assert.equal(store.has(Buffer.from('k')), false)
  assert.equal(store.nowMs(), 3000)
})
