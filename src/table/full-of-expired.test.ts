import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const NOW_MS = 1_000_000
const VALUE = 'v'.repeat(200)

function newTable(maxEntries: number) {
  const clock = { nowMs: NOW_MS }
  const facts = tableFacts({ maxEntries })
  const region = SharedArrayRegion.create(Space.regionBytes(facts))
  return { clock, table: Table.create(region, facts, { lockTimeoutMs: 1000, clock: () => clock.nowMs }) }
}

function put(table: Table, key: string, value: string, expiresAtMs = NO_EXPIRY): void {
  table.key.setText(key)
  table.value.setText(value)
  table.put(expiresAtMs, ALWAYS)
}

/** Puts entries until the table says FULL, and returns how many went in. */
function fill(table: Table, prefix: string, expiresAtMs: number): number {
  for (let count = 0; ; count++) {
    try {
      put(table, prefix + String(count).padStart(6, '0'), VALUE, expiresAtMs)
    } catch (error) {
      if (isOperationError(error, 'FULL')) return count
      throw error
    }
  }
}

for (const [limit, maxEntries] of [
  ['its capacity', 0],
  ['its maxEntries', 100],
] as const) {
  test(`a table that is full by ${limit} takes new entries in the place of expired ones, untouched as they are`, () => {
    const { clock, table } = newTable(maxEntries)
    const count = fill(table, 'short', NOW_MS + 10)
    clock.nowMs += 20
    // Without a turn of housekeeping in between: this is one synchronous run.
    assert.ok(fill(table, 'long', NO_EXPIRY) >= 0.9 * count)
    assert.ok(table.stats().expirations >= 0.9 * count)
    table.check()
    table.close()
  })

  test(`a table that is full by ${limit} and in which nothing has expired is FULL, and loses nothing`, () => {
    const { table } = newTable(maxEntries)
    const count = fill(table, 'short', NOW_MS + 10)
    // Of the same size: a smaller one might still fit.
    assert.equal(fill(table, 'other', NOW_MS + 10), 0)
    assert.equal(table.size, count)
    assert.equal(table.stats().expirations, 0)
    table.check()
    table.close()
  })
}

test('a large value fits where many small entries have expired', () => {
  const { clock, table } = newTable(0)
  fill(table, 'short', NOW_MS + 10)
  clock.nowMs += 20
  put(table, 'large', 'x'.repeat(200_000))
  table.check()
  table.close()
})
