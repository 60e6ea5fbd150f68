import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { BATCH_KEYS } from './batch.js'
import { READ_TEXT } from './reader.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const FACTS = tableFacts({ capacityBytes: 4 * 2 ** 20, stripeBits: 2 })

function newTable(): Table {
  return Table.create(SharedArrayRegion.create(Space.regionBytes(FACTS)), FACTS, { lockTimeoutMs: 1000 })
}

test('a batch finds what single look-ups find, present or absent, in every size', () => {
  const table = newTable()
  for (let i = 0; i < 5000; i += 2) {
    table.key.setText(`key ${i}`)
    table.value.setText(`value ${i}`)
    table.put(NO_EXPIRY, ALWAYS)
  }
  const { batch } = table
  for (const count of [1, 2, 63, BATCH_KEYS]) {
    for (let start = 0; start + count < 5000; start += 997) {
      for (let i = 0; i < count; i++) batch.keys[i]?.setText(`key ${start + i}`)
      batch.touch(count)
      for (let i = 0; i < count; i++) {
        const key = batch.keys[i]
        assert.ok(key)
        const expected = (start + i) % 2 === 0 ? `value ${start + i}` : undefined
        assert.equal(table.findText(key), expected)
      }
    }
  }
  table.close()
})

test('touching finds nothing wrong with an empty table, long keys, or two entries of one hash', () => {
  const table = newTable()
  const { batch } = table
  for (const key of batch.keys) key.setText('absent')
  batch.touch(BATCH_KEYS)
  const long = 'k'.repeat(60_000)
  table.key.setText(long)
  table.value.setText('long')
  table.put(NO_EXPIRY, ALWAYS)
  // Another key under the same hash, as chance may have it.
  const { hash } = table.key
  table.key.setText('other')
  table.key.hash = hash
  table.put(NO_EXPIRY, ALWAYS)
  batch.keys[0]?.setText(long)
  batch.touch(1)
  assert.equal(table.findKey(batch.keys[0] ?? table.key, READ_TEXT), true)
  assert.equal(table.reader.text, 'long')
  table.close()
})

test('a batch in use is not given out a second time', () => {
  const { batch } = newTable()
  assert.equal(batch.begin(), true)
  assert.equal(batch.begin(), false)
  batch.end()
  assert.equal(batch.begin(), true)
})
