import assert from 'node:assert/strict'
import { it } from 'node:test'
import { MIB } from '../base/limits.js'
import { MapStore } from '../store/map-store.js'
import { NodeCounters } from './counters.js'
import { LaneCommands } from './lane-commands.js'

const FACTS = {
  version: '0.0.0',
  startedAtMs: 0,
  durability: 'off',
  host: '',
  eviction: 'none',
  socketWorkers: 1,
  counters: NodeCounters.create(1),
  log: undefined,
} as const

it('a reply beyond the limit is refused, and nothing of it is in the next one', () => {
  const store = new MapStore()
  store.set(Buffer.from('k'), Buffer.alloc(60 * MIB), 'none', 'always')
  const commands = new LaneCommands(store, FACTS, () => {})
  const mget = ['MGET', 'k', 'k', 'k', 'k', 'k'].map((word) => Buffer.from(word))
  assert.throws(() => commands.run(mget, 2), RangeError)
  assert.equal(Buffer.from(commands.run([Buffer.from('PING')], 2)).toString(), '+PONG\r\n')
})
