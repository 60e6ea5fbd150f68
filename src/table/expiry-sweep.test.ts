import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEADER } from '../memory/header.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { ExpirySweep } from './expiry-sweep.js'
import { READ_TEXT } from './reader.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const FACTS = tableFacts({ capacityBytes: 4 * 2 ** 20, stripeBits: 2 })
const NOW_MS = 1_000_000

function newTables() {
  const clock = { nowMs: NOW_MS }
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  const options = { lockTimeoutMs: 1000, clock: () => clock.nowMs }
  const table = Table.create(region, FACTS, options)
  return { clock, table, other: Table.attach(region, options) }
}

function put(table: Table, key: string, expiresAtMs: number): void {
  table.key.setText(key)
  table.value.setText('value of some length')
  table.put(expiresAtMs, ALWAYS)
}

test('expired entries leave without being touched, and no others', () => {
  const { clock, table, other } = newTables()
  for (let i = 0; i < 3000; i++) put(table, `short${i}`, NOW_MS + 10 + (i % 5))
  for (let i = 0; i < 3000; i++) put(table, `long${i}`, i % 2 === 0 ? NO_EXPIRY : NOW_MS + 1000)
  assert.equal(other.sweep(), 0)
  clock.nowMs = NOW_MS + 12
  let removed = 0
  for (let turns = 0; turns < 4; turns++) removed += turns % 2 === 0 ? table.sweep() : other.sweep()
  assert.equal(removed, 1800, 'those whose moment has come, that of the moment itself included')
  clock.nowMs = NOW_MS + 20
  for (let turns = 0; turns < 4; turns++) removed += table.sweep()
  assert.equal(removed, 3000)
  assert.equal(table.size, 3000)
  assert.equal(table.stats().expirations, 3000)
  for (let i = 0; i < 3000; i++) {
    table.key.setText(`long${i}`)
    assert.ok(table.find(READ_TEXT))
  }
  table.check()
  other.close()
  table.close()
})

test('a sweep is bounded, and the next one goes on where it ended', () => {
  const { clock, table, other } = newTables()
  for (let i = 0; i < 2000; i++) put(table, `k${i}`, NOW_MS + 10)
  clock.nowMs = NOW_MS + 20
  const sweeps = [table, other].map(({ space }) => new ExpirySweep(space, table.clock))
  const counts: number[] = []
  for (let turn = 0; table.size > 0; turn++) {
    const removed = sweeps[turn % 2]?.sweep(20) ?? 0
    assert.ok(removed <= 20 * 8 + 40, `${removed} entries of 20 lines`)
    counts.push(removed)
    assert.ok(counts.length < 200, 'every turn gets on')
  }
  assert.ok(counts.length > 20)
  table.check()
  other.close()
  table.close()
})

test('tables without expiries are left alone, and a turn is taken by one thread only', () => {
  const { table, other } = newTables()
  const [mine, theirs] = [table, other].map(({ space, clock }) => new ExpirySweep(space, clock))
  put(table, 'k', NO_EXPIRY)
  assert.equal(mine?.takeTurn(7), false)
  assert.equal(table.space.words[HEADER.hasExpiries], 0)
  put(table, 'k', NOW_MS + 10)
  assert.deepEqual([mine?.takeTurn(7), theirs?.takeTurn(7), mine?.takeTurn(7)], [true, false, false])
  assert.deepEqual([theirs?.takeTurn(8), mine?.takeTurn(8)], [true, false])
  other.close()
  table.close()
})

test('a stripe that somebody is busy with is left for the next round, and nobody waits', () => {
  const { clock, table, other } = newTables()
  for (let i = 0; i < 400; i++) put(table, `k${i}`, NOW_MS + 10)
  clock.nowMs = NOW_MS + 20
  const { words, shape, registry } = other.space
  const lockAt = shape.stripesAt
  words[lockAt] = registry.tag
  const removed = table.sweep()
  assert.equal(table.size, 400 - removed)
  assert.ok(removed > 0 && table.size > 0)
  words[lockAt] = 0
  assert.equal(table.sweep() + removed, 400)
  table.check()
  other.close()
  table.close()
})
