import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOperationError, OperationError } from '../base/errors.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const FACTS = tableFacts()

/** A table whose `refusedTurn`th part (from 0) is locked by somebody who does not go on. */
function tableRefusedAt(refusedTurn: number): Table {
  const table = Table.create(SharedArrayRegion.create(Space.regionBytes(FACTS)), FACTS, {
    lockTimeoutMs: 1000,
  })
  for (let i = 0; i < 1000; i++) {
    table.key.setText(`key ${i}`)
    table.value.setText('value')
    table.put(NO_EXPIRY, ALWAYS)
  }
  const clearFrom = table.writer.clearFrom.bind(table.writer)
  let turn = 0
  table.writer.clearFrom = (stripeAt, start) => {
    if (turn++ === refusedTurn)
      throw new OperationError('TIMEOUT', 'a lock is held. Nothing was changed. Let it go on.', {
        outcome: 'not-applied',
      })
    return clearFrom(stripeAt, start)
  }
  return table
}

test('a clear that ends before anything is gone has changed nothing, and says so', () => {
  const table = tableRefusedAt(0)
  assert.throws(
    () => table.clear(),
    (error) => isOperationError(error, 'TIMEOUT') && error.outcome === 'not-applied',
  )
  assert.equal(table.size, 1000)
  table.close()
})

test('a clear that ends in the middle says that its outcome is unknown', () => {
  for (const turn of [1, 5]) {
    const table = tableRefusedAt(turn)
    assert.throws(
      () => table.clear(),
      (error) => {
        assert.ok(isOperationError(error, 'TIMEOUT'))
        assert.equal(error.outcome, 'unknown')
        assert.equal(error.message, 'TIMEOUT: a lock is held. A part of the table is cleared. Let it go on.')
        return true
      },
    )
    assert.ok(table.size > 0 && table.size < 1000)
    table.check()
    table.clear()
    assert.equal(table.size, 0)
    table.close()
  }
})
