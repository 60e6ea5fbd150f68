import assert from 'node:assert/strict'
import { it } from 'node:test'
import { InvariantError } from '../base/assert.js'
import { isOperationError } from '../base/errors.js'
import { COUNTERS } from '../memory/participant.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { READ_BYTES } from './reader.js'
import { SeveralKeys } from './several-keys.js'
import { Space } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const FACTS = tableFacts({ keyCodec: 'bytes', valueCodec: 'bytes' })
const KEYS = Array.from({ length: 6 }, (_, i) => Buffer.from(`key ${i}`))

function put(table: Table, key: Buffer, value: string): void {
  table.key.setBytes(key)
  table.value.setBytes(Buffer.from(value))
  table.put(NO_EXPIRY, ALWAYS)
}

function get(table: Table, key: Buffer): string | undefined {
  table.key.setBytes(key)
  return table.find(READ_BYTES) ? table.reader.bytes.toString() : undefined
}

/** How often a transaction of all keys can be stopped while it publishes: after each of them. */
for (let published = 1; published < KEYS.length; published++) {
  it(`of a thread that dies after ${published} of ${KEYS.length} keys, nobody ever sees an old value behind a new one`, () => {
    const dead = new Set<number>()
    const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
    const as = (thread: number) => ({
      lockTimeoutMs: 20,
      thread: { thread, startTime: 1 },
      isAlive: (who: { readonly thread: number }) => !dead.has(who.thread),
    })
    const victim = Table.create(region, FACTS, as(1))
    const other = Table.attach(region, as(2))
    for (const key of KEYS) put(victim, key, 'old')
    const several = new SeveralKeys(victim)
    several.begin()
    for (const key of KEYS) several.put(several.touch(key), Buffer.from('new'), NO_EXPIRY)
    let left = published
    // Counted with every key that is published.
    victim.space.count = (counter) => {
      if (counter === COUNTERS.sets && --left === 0) throw new Error('dies here')
    }
    assert.throws(() => several.commit(), InvariantError)
    dead.add(1)
    // The first look settles what can be settled; what it says stays so.
    for (let round = 0; round < 2; round++) {
      const seen = KEYS.map((key) => {
        try {
          return get(other, key)
        } catch (error) {
          assert.ok(isOperationError(error, 'TIMEOUT'))
          return 'locked'
        }
      })
      assert.equal(seen.filter((value) => value === 'new').length, published)
      assert.equal(seen.filter((value) => value === 'locked').length, KEYS.length - published)
      for (const key of KEYS)
        assert.throws(
          () => put(other, key, 'later'),
          (error) => isOperationError(error, 'TIMEOUT'),
        )
      other.space.registry.settleDead()
    }
    other.close()
  })
}

it('what stops a transaction before it is decided, and is none of the expected, ends the node', () => {
  const region = SharedArrayRegion.create(Space.regionBytes(FACTS))
  let isBroken = false
  const clock = (): number => {
    if (isBroken) throw new Error('out of stack')
    return 1000
  }
  const table = Table.create(region, FACTS, { lockTimeoutMs: 20, clock })
  const several = new SeveralKeys(table)
  const [key = Buffer.alloc(0)] = KEYS
  several.begin()
  several.put(several.touch(key), Buffer.from('1'), 5000)
  assert.equal(several.commit(), true)
  several.begin()
  several.see(several.touch(key))
  several.put(several.touch(key), Buffer.from('2'), NO_EXPIRY)
  isBroken = true
  assert.throws(() => several.commit(), InvariantError)
  // The table's own turns look at the clock, too.
  isBroken = false
  table.close()
})
