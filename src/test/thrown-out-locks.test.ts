import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Space } from '../table/space.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'
import { tableFacts } from './table-facts.js'

const FACTS = tableFacts({ capacityBytes: 256 * 1024, stripeBits: 0 })
const LOCK_TIMEOUT_MS = 2000
/** Longer than a table's timer takes to come round. */
const HOUSEKEEPING_MS = 150

describe('locks left by an operation that was thrown out come free without another operation of that thread', () => {
  let thrown: Table
  let other: Table

  beforeEach(() => {
    const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
    thrown = Table.create(region, FACTS, { lockTimeoutMs: LOCK_TIMEOUT_MS })
    other = Table.attach(region, { lockTimeoutMs: LOCK_TIMEOUT_MS })
    for (let at = 0; at < 6; at++) put(thrown, `key ${at}`)
  })
  afterEach(() => {
    thrown.close()
    other.close()
  })

  function put(table: Table, key: string): void {
    table.key.setText(key)
    table.value.setText('value')
    table.put(NO_EXPIRY, ALWAYS)
  }

  /** What a full stack does to the first call that a writer makes under the lock of a stripe. */
  function overflow(): never {
    throw new RangeError('Maximum call stack size exceeded')
  }

  const operations = {
    put: () => put(thrown, 'key 1'),
    delete: () => thrown.delete(),
    expireAt: () => thrown.expireAt(1),
    clear: () => thrown.clear(),
  }
  for (const [name, operation] of Object.entries(operations)) {
    test(`${name}, by a full stack under the lock of a stripe`, async () => {
      const { chain } = thrown.writer
      const { find, countEntries } = chain
      chain.find = overflow
      chain.countEntries = overflow
      assert.throws(operation, RangeError)
      chain.find = find
      chain.countEntries = countEntries
      await delay(HOUSEKEEPING_MS)
      put(other, 'key 2')
      other.check()
      put(thrown, 'key 3')
      thrown.check()
      assert.equal(thrown.size, 6)
    })
  }

  test('check, with the desks of others', async () => {
    // As a timeout leaves it that struck after the first of the desks that a check has listed.
    const { registry, words } = thrown.space
    assert.ok([...registry.records()].includes(other.space.registry.at))
    assert.equal(Atomics.compareExchange(words, other.space.registry.at, 0, registry.tag), 0)
    await delay(HOUSEKEEPING_MS)
    put(other, 'key 2')
    other.check()
    assert.equal(other.size, 6)
  })
})
