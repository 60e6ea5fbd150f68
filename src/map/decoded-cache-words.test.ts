/** The words by which a remembered value is known to hold still: its slot, the stamps of its stripe, the state of the region. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codecs } from '../codec/codecs.js'
import { EVICTION, HEADER, REGION_STATE } from '../memory/header.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { CLOCK_BIT, STRIPE } from '../table/layout.js'
import { Space } from '../table/space.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'
import { tableFacts } from '../test/table-facts.js'
import { MapAccess } from './access.js'
import { DecodedCache } from './decoded-cache.js'
import { Transcoder } from './transcoder.js'

/** A table whose words a test can reach, the access of a second participant, and the cache of the first. */
function openTable(eviction: number) {
  const facts = tableFacts({ stripeBits: 0, eviction, valueCodec: 'json' })
  const region = SharedArrayRegion.create(Space.regionBytes(facts))
  const accessTo = (table: Table) =>
    new MapAccess(table, new Transcoder(codecs.string), new Transcoder(codecs.json<{ readonly n: number }>()))
  const mine = accessTo(Table.create(region, facts, { lockTimeoutMs: 1000 }))
  const other = accessTo(Table.attach(region, { lockTimeoutMs: 1000 }))
  const { words, shape } = mine.openToWrite().space
  return {
    mine,
    other,
    cache: new DecodedCache(mine, 1024 * 1024),
    words,
    stampsAt: shape.stripesAt + STRIPE.stamps,
    write: (n: number) => other.stage('k', { n }).put(NO_EXPIRY, ALWAYS),
    [Symbol.dispose]() {
      mine.close()
      other.close()
    },
  }
}

test('a remembered entry that is used looks used to eviction', () => {
  using table = openTable(EVICTION.CLOCK)
  table.write(1)
  const first = table.cache.get('k')
  const { slotSegment, slotAt } = table.mine.table.reader
  const { words } = table.mine.openToWrite().space.region.segments[slotSegment]!
  Atomics.and(words, slotAt, ~CLOCK_BIT)
  assert.equal(table.cache.get('k'), first)
  assert.equal(Atomics.load(words, slotAt) & CLOCK_BIT, CLOCK_BIT)
})

describe('what is remembered no longer holds', () => {
  test('when its stripe has used up all stamps and gives them out anew', () => {
    using table = openTable(EVICTION.NONE)
    const { cache, words, stampsAt, other } = table
    table.write(1)
    const stamp = words[stampsAt]
    assert.deepEqual(cache.get('k'), { n: 1 })
    // As if the other one had written to the stripe 2^32 - 2 times more.
    words[stampsAt] = -1
    table.write(2)
    assert.deepEqual([words[stampsAt], other.openToWrite().writer.stamp], [stamp, stamp])
    assert.deepEqual(cache.get('k'), { n: 2 })
    other.table.check()
  })

  test('when the region is retired', () => {
    using table = openTable(EVICTION.NONE)
    table.write(1)
    const first = table.cache.get('k')
    assert.equal(table.cache.get('k'), first)
    Atomics.store(table.words, HEADER.state, REGION_STATE.RETIRED)
    assert.throws(() => table.cache.get('k'), { code: 'CLOSED' })
  })
})
