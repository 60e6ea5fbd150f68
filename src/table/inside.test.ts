/** What tells housekeeping that an operation of its thread was thrown out: locks and repairs that bear its tag. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { Space } from './space.js'
import { Table } from './table.js'

const FACTS = tableFacts()

function newTables(): { readonly tables: Table[]; readonly own: Table } {
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  const own = Table.create(region, FACTS, { lockTimeoutMs: 1000 })
  const others = [1, 2, 3].map(() => Table.attach(region, { lockTimeoutMs: 1000 }))
  return { tables: [own, ...others], own }
}

describe('a thread is inside', () => {
  test('while it holds its own desk', () => {
    const { tables, own } = newTables()
    const { locks, registry } = own.space
    assert.equal(registry.isInside(), false)
    locks.acquire(registry.at)
    assert.equal(registry.isInside(), true)
    locks.release(registry.at)
    assert.equal(registry.isInside(), false)
    for (const table of tables) table.close()
  })

  test("while it holds another's desk, whichever it came upon, also when asked again", () => {
    const { tables, own } = newTables()
    const { locks, registry } = own.space
    for (const { space } of tables.slice(1)) {
      assert.equal(registry.isInside(), false)
      for (const at of registry.records()) if (at === space.registry.at) locks.acquire(at)
      assert.equal(registry.isInside(), true)
      assert.equal(registry.isInside(), true)
      locks.release(space.registry.at)
    }
    assert.equal(registry.isInside(), false)
    for (const table of tables) table.close()
  })

  test('while it repairs itself or another, and was thrown out of that', () => {
    const { tables, own } = newTables()
    const { registry } = own.space
    registry.setSettler(() => {
      throw new Error('thrown out')
    })
    assert.throws(() => registry.settle(registry.tag, false), /thrown out/)
    registry.forgetThrownOut()
    assert.equal(registry.isInside(), true)
    registry.setSettler(() => true)
    assert.equal(registry.settle(registry.tag, false), true)
    assert.equal(registry.isInside(), false)
    for (const table of tables) table.close()
  })
})
