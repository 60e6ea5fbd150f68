import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { READ_TEXT } from './reader.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { NO_EXPIRY } from './writer.js'

const FACTS = tableFacts({ capacityBytes: 4 * 2 ** 20, stripeBits: 2 })
/** Never comes to pass in a test. */
const FAR_MS = 8e15

interface Change {
  readonly key: number
  /** Of the value; -1: the key is deleted. */
  readonly length: number
  readonly expires: boolean
  /** Whether its hash comes along. */
  readonly isHashed: boolean
}

const change: fc.Arbitrary<Change> = fc.record({
  key: fc.nat(400),
  length: fc.oneof(fc.constantFrom(-1, 0, 5, 100), fc.nat(700)),
  expires: fc.boolean(),
  isHashed: fc.boolean(),
})

function newTable(): Table {
  return Table.create(SharedArrayRegion.create(Space.regionBytes(FACTS)), FACTS, { lockTimeoutMs: 1000 })
}

test('a bulk load leaves what a map of the same changes has, whatever their lengths and expiries', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 1500 }), fc.nat(2000), (changes, expected) => {
      const table = newTable()
      const bulk = table.bulkLoad({ full: () => assert.fail('there is room'), settled() {} })
      if (expected > 0) bulk.expect(expected)
      const model = new Map<string, string>()
      const buffer = Buffer.alloc(changes.length * 740 + 8)
      let at = 0
      changes.forEach((each, index) => {
        const name = `key ${each.key}`
        const keyEnd = at + buffer.write(name, at, 'latin1')
        if (each.length < 0) {
          bulk.delete(buffer, at, keyEnd)
          model.delete(name)
          at = keyEnd
          return
        }
        const value = String.fromCharCode(97 + (index % 26)).repeat(each.length)
        const valueEnd = keyEnd + buffer.write(value, keyEnd, 'latin1')
        table.key.setText(name)
        bulk.set(
          buffer,
          at,
          keyEnd,
          valueEnd,
          true,
          each.expires ? FAR_MS : NO_EXPIRY,
          each.isHashed ? table.key.hash : undefined,
        )
        model.set(name, value)
        at = valueEnd
      })
      bulk.end()
      table.check()
      assert.equal(table.size, model.size)
      for (const [name, value] of model) {
        table.key.setText(name)
        assert.equal(table.find(READ_TEXT), true)
        assert.equal(table.reader.text, value)
      }
      table.close()
    }),
    { numRuns: 40 },
  )
})

test('another key under the same hash is another entry', () => {
  const table = newTable()
  const bulk = table.bulkLoad({ full: () => assert.fail('there is room'), settled() {} })
  const buffer = Buffer.from('aaaa1111bbbb2222cccc3333aaaa4444        ', 'latin1')
  for (let at = 0; at < 32; at += 8) bulk.set(buffer, at, at + 4, at + 8, true, NO_EXPIRY, 77)
  bulk.end()
  assert.equal(table.size, 3)
  for (const [name, value] of [
    ['aaaa', '4444'],
    ['bbbb', '2222'],
    ['cccc', '3333'],
  ] as const) {
    table.key.setText(name)
    table.key.hash = 77
    assert.equal(table.findKey(table.key, READ_TEXT), true)
    assert.equal(table.reader.text, value)
  }
  table.close()
})
