import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { HEADER } from '../memory/header.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { Space } from './space.js'
import { Table } from './table.js'

test('a hash that is equal to a word of the header is found nowhere while its stripe has no buckets', () => {
  const facts = tableFacts()
  const table = Table.create(SharedArrayRegion.create(Space.regionBytes(facts)), facts, {
    lockTimeoutMs: 1000,
  })
  const touch = table.newTouch(1)
  for (const word of [HEADER.maxEntries, HEADER.hashKey0]) {
    touch.hashes[0] = table.space.words[word]!
    touch.touch(1)
    assert.equal(touch.slots[0], 0)
  }
  table.close()
})
