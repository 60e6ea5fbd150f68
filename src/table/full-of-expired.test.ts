import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { CLASS, CLASS_WORDS, CLASSES_AT } from '../memory/header.js'
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

/** Whether the table takes an entry, which is left there; it says FULL if not. */
function takes(table: Table, key: string, expiresAtMs: number): boolean {
  try {
    put(table, key, VALUE, expiresAtMs)
    return true
  } catch (error) {
    if (isOperationError(error, 'FULL')) return false
    throw error
  }
}

const keyOf = (prefix: string, index: number): string => prefix + String(index).padStart(6, '0')

/** Puts entries until the table says FULL, and returns how many went in. */
function fill(table: Table, prefix: string, expiresAtMs: number): number {
  let count = 0
  while (takes(table, keyOf(prefix, count), expiresAtMs)) count++
  return count
}

function remove(table: Table, key: string): boolean {
  table.key.setText(key)
  return table.delete()
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
    // The same key: another may belong to a bucket with room for it, where this one would need a line.
    assert.equal(takes(table, keyOf('short', count), NOW_MS + 10), false)
    assert.equal(table.size, count)
    for (let i = 0; i < count; i++) {
      table.key.setText(keyOf('short', i))
      assert.ok(table.has())
    }
    assert.equal(table.stats().expirations, 0)
    table.check()
    table.close()
  })
}

test('an entry for which only its bucket has no room takes the place of expired ones, too', () => {
  const { clock, table } = newTable(0)
  fill(table, 'short', NOW_MS + 10)
  assert.ok(remove(table, keyOf('short', 0)))
  // A value fits now; what is looked for is a key that needs a bucket line besides. Lines at hand are used up on the way.
  let other = 0
  while (takes(table, keyOf('other', other), NOW_MS + 10)) assert.ok(remove(table, keyOf('other', other++)))
  clock.nowMs += 20
  // Of the same size, so that there is a chunk for it without any sweep.
  assert.ok(takes(table, keyOf('other', other), NOW_MS + 100))
  table.check()
  table.close()
})

test('a large value fits where many small entries have expired', () => {
  const { clock, table } = newTable(0)
  fill(table, 'short', NOW_MS + 10)
  clock.nowMs += 20
  put(table, 'large', 'x'.repeat(200_000))
  table.check()
  table.close()
})

test('who gives up while it gathers free chunks of others does not keep their desks', () => {
  const { clock, table } = newTable(0)
  const join = (): Table =>
    Table.attach(table.space.region as SharedArrayRegion, { lockTimeoutMs: 20, clock: () => clock.nowMs })
  const [writer, owner, stopped] = [join(), join(), join()]
  const large = 'v'.repeat(1000)
  put(owner, 'large', large)
  fill(writer, 'short', NOW_MS + 10)
  assert.ok(remove(owner, 'large'))
  assert.ok(remove(writer, keyOf('short', 0)))
  let other = 0
  while (takes(writer, keyOf('other', other), NOW_MS + 10)) assert.ok(remove(writer, keyOf('other', other++)))
  clock.nowMs += 20
  const { slab, locks } = stopped.space
  const lockAt = CLASSES_AT + slab.classFor(large.length) * CLASS_WORDS + CLASS.lock
  assert.ok(locks.tryAcquire(lockAt))
  assert.throws(
    () => put(writer, keyOf('other', other), VALUE, NOW_MS + 100),
    (error) => isOperationError(error, 'TIMEOUT'),
  )
  locks.release(lockAt)
  // It settles what it was at before it does anything else.
  assert.ok(takes(writer, keyOf('other', other), NOW_MS + 100))
  put(owner, keyOf('short', 1), VALUE)
  table.check()
  for (const one of [writer, owner, stopped, table]) one.close()
})
