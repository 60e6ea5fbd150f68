import assert from 'node:assert/strict'
import { it } from 'node:test'
import { EVICTION } from '../memory/header.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { Victims } from './victims.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const FACTS = {
  capacityBytes: 2 ** 20,
  stripeBits: 2,
  eviction: EVICTION.CLOCK,
  maxEntries: 0,
  defaultTtlMs: 0,
  keyCodec: 'string',
  valueCodec: 'string',
}
/** Never comes to pass in a test. */
const FAR_MS = 8e15

/** A table of ten entries, whose rounds come to each of them twice. */
function tableOf(expiresAtMs: number): Table {
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  const table = Table.create(region, FACTS, { lockTimeoutMs: 1000 })
  for (let i = 0; i < 10; i++) {
    table.key.setText(`key ${i}`)
    table.value.setText('value')
    table.put(expiresAtMs, ALWAYS)
  }
  return table
}

it('what has expired is named once, however far the round goes', () => {
  const table = tableOf(FAR_MS)
  const victims = new Victims(table.space)
  const found = victims.expired(FAR_MS + 1, 16_384, 1024)
  assert.equal(found.length, 10)
  assert.equal(new Set(found).size, 10)
  table.close()
})

it('what was not used is named once, however many are wanted', () => {
  const table = tableOf(NO_EXPIRY)
  const victims = new Victims(table.space)
  const found = victims.unused(30, 100, 0)
  assert.equal(found.length, 10)
  assert.equal(new Set(found).size, 10)
  table.close()
})
