import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { tableFacts } from '../test/table-facts.js'
import { READ_BYTES } from './reader.js'
import { SeveralKeys } from './several-keys.js'
import { Space, type TableFacts } from './space.js'
import { Table } from './table.js'
import { ALWAYS, NO_EXPIRY } from './writer.js'

const NOW_MS = 1_000_000

interface World {
  readonly table: Table
  readonly several: SeveralKeys
  clock: number
}

function world(more: Partial<TableFacts> = {}): World {
  const facts = tableFacts({ stripeBits: 2, keyCodec: 'bytes', valueCodec: 'bytes', ...more })
  const made: { clock: number } = { clock: NOW_MS }
  const region = SharedArrayRegion.create(Space.regionBytes(facts))
  const table = Table.create(region, facts, { lockTimeoutMs: 1000, clock: () => made.clock })
  return Object.assign(made, { table, several: new SeveralKeys(table) })
}

const bytes = (text: string): Buffer => Buffer.from(text)

function put(table: Table, key: string, value: string, expiresAtMs = NO_EXPIRY): void {
  table.key.setBytes(bytes(key))
  table.value.setBytes(bytes(value))
  table.put(expiresAtMs, ALWAYS)
}

function get(table: Table, key: string): string | undefined {
  table.key.setBytes(bytes(key))
  return table.find(READ_BYTES) ? table.reader.bytes.toString() : undefined
}

function look(several: SeveralKeys, key: string): boolean {
  return several.see(several.touch(bytes(key)))
}

describe('a transaction over several keys', () => {
  it('puts, replaces and removes all its keys', () => {
    const { table, several } = world()
    put(table, 'old', '1')
    put(table, 'gone', '1')
    several.begin()
    several.put(several.touch(bytes('old')), bytes('2'), NO_EXPIRY)
    several.put(several.touch(bytes('new')), bytes('3'), NOW_MS + 5)
    several.remove(several.touch(bytes('gone')))
    several.remove(several.touch(bytes('never there')))
    assert.equal(several.commit(), true)
    assert.deepEqual(
      ['old', 'new', 'gone'].map((key) => get(table, key)),
      ['2', '3', undefined],
    )
    assert.equal(table.size, 2)
    table.check()
    table.close()
  })

  it('does nothing when a key that it has seen is another one by then', () => {
    for (const changed of ['a', 'b']) {
      const w = world()
      put(w.table, 'a', '1')
      w.several.begin()
      look(w.several, 'a')
      look(w.several, 'b')
      w.several.put(w.several.touch(bytes('c')), bytes('3'), NO_EXPIRY)
      put(w.table, changed, '1')
      assert.equal(w.several.commit(), false)
      assert.equal(get(w.table, 'c'), undefined)
      w.table.check()
      w.table.close()
    }
  })

  it('does nothing when a key that it has seen has expired by then', () => {
    const w = world()
    put(w.table, 'a', '1', NOW_MS + 10)
    w.several.begin()
    assert.equal(look(w.several, 'a'), true)
    w.several.put(w.several.touch(bytes('a')), bytes('2'), NO_EXPIRY)
    w.clock += 10
    assert.equal(w.several.commit(), false)
    w.several.begin()
    assert.equal(look(w.several, 'a'), false)
    w.several.put(w.several.touch(bytes('a')), bytes('2'), NO_EXPIRY)
    assert.equal(w.several.commit(), true)
    assert.equal(get(w.table, 'a'), '2')
    w.table.check()
    w.table.close()
  })

  it('depends on a version seen earlier', () => {
    const { table, several } = world()
    put(table, 'a', '1')
    several.begin()
    look(several, 'a')
    const { stamp } = several.touch(bytes('a'))
    several.begin()
    assert.equal(several.expect(several.touch(bytes('a')), stamp), true)
    assert.equal(several.expect(several.touch(bytes('b')), 0), true)
    put(table, 'a', '1')
    several.begin()
    assert.equal(several.expect(several.touch(bytes('a')), stamp), false)
    table.close()
  })

  it('empties the table but for what it puts after that', () => {
    const { table, several } = world()
    for (let i = 0; i < 2000; i++) put(table, `key ${i}`, 'x')
    several.begin()
    several.put(several.touch(bytes('key 5')), bytes('before'), NO_EXPIRY)
    several.clear()
    several.put(several.touch(bytes('key 7')), bytes('after'), NO_EXPIRY)
    several.put(several.touch(bytes('key new')), bytes('after'), NO_EXPIRY)
    assert.equal(several.commit(), true)
    assert.equal(table.size, 2)
    assert.deepEqual(
      ['key 5', 'key 7', 'key new'].map((key) => get(table, key)),
      [undefined, 'after', 'after'],
    )
    table.check()
    table.close()
  })

  it('is FULL before anything has changed, and leaves no memory behind', () => {
    const { table, several } = world({ capacityBytes: 64 * 1024 })
    put(table, 'a', 'before')
    const empty = table.stats().usedBytes
    for (let round = 0; round < 50; round++) {
      several.begin()
      several.put(several.touch(bytes('a')), bytes('after'), NO_EXPIRY)
      for (let i = 0; i < 1000; i++)
        several.put(several.touch(bytes(`key ${i}`)), Buffer.alloc(100), NO_EXPIRY)
      assert.throws(
        () => several.commit(),
        (error) => isOperationError(error, 'FULL'),
      )
      assert.equal(table.size, 1)
      assert.equal(get(table, 'a'), 'before')
    }
    table.check()
    put(table, 'b', 'x')
    assert.ok(table.stats().usedBytes <= 64 * 1024 && empty > 0)
    several.begin()
    for (let i = 0; i < 50; i++) several.put(several.touch(bytes(`key ${i}`)), Buffer.alloc(100), NO_EXPIRY)
    assert.equal(several.commit(), true)
    table.check()
    table.close()
  })

  it('keeps to the limit of entries', () => {
    const { table, several } = world({ maxEntries: 3 })
    put(table, 'a', '1')
    several.begin()
    for (const key of ['b', 'c', 'd']) several.put(several.touch(bytes(key)), bytes('2'), NO_EXPIRY)
    assert.throws(
      () => several.commit(),
      (error) => isOperationError(error, 'FULL'),
    )
    assert.equal(table.size, 1)
    several.begin()
    for (const key of ['a', 'b', 'c']) several.put(several.touch(bytes(key)), bytes('2'), NO_EXPIRY)
    assert.equal(several.commit(), true)
    table.check()
    table.close()
  })

  it('takes the places of expired entries where maxEntries leaves none', () => {
    const w = world({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) put(w.table, key, '1', NOW_MS + 10)
    w.clock += 10
    w.several.begin()
    for (const key of ['d', 'e']) w.several.put(w.several.touch(bytes(key)), bytes('2'), NO_EXPIRY)
    assert.equal(w.several.commit(), true)
    assert.equal(w.table.size, 2)
    w.table.check()
    w.table.close()
  })

  it('takes the place of an expired entry where only the bucket of its key has no room', () => {
    const w = world({ capacityBytes: 2 ** 18 })
    const takes = (key: string): boolean => {
      try {
        put(w.table, key, 'value', NOW_MS + 10)
        return true
      } catch (error) {
        if (isOperationError(error, 'FULL')) return false
        throw error
      }
    }
    const remove = (key: string): void => {
      w.table.key.setBytes(bytes(key))
      assert.ok(w.table.delete())
    }
    // All of one length: a key that cannot be put while there is a place for its value needs a bucket line.
    let next = 1_000_000
    while (takes(String(next))) next++
    remove('1000000')
    while (takes(String(next))) remove(String(next++))
    w.clock += 10
    w.several.begin()
    w.several.put(w.several.touch(bytes(String(next))), bytes('value'), NOW_MS + 100)
    assert.equal(w.several.commit(), true)
    assert.equal(get(w.table, String(next)), 'value')
    w.table.check()
    w.table.close()
  })

  it('takes the places of expired entries in several buckets at once, where no memory comes free for lines', () => {
    /** A table full of entries of which a third has expired, and keys for which only their buckets have no room. */
    const full = () => {
      const w = world({ capacityBytes: 2 ** 18, hashKey: [1, 2] })
      const takes = (key: number, expiresAtMs: number): boolean => {
        try {
          put(w.table, String(key), 'value', expiresAtMs)
          return true
        } catch (error) {
          if (isOperationError(error, 'FULL')) return false
          throw error
        }
      }
      const remove = (key: number): void => {
        w.table.key.setBytes(bytes(String(key)))
        assert.ok(w.table.delete())
      }
      // What stays lies between what expires, so that no page comes free.
      let next = 1_000_000
      while (takes(next, NOW_MS + (next % 3 === 0 ? 10 : 1000))) next++
      for (let key = 1_000_000; key < 1_000_030; key++) if (key % 3 !== 0) remove(key)
      const refused: number[] = []
      for (; refused.length < 12; next++) {
        if (takes(next, NOW_MS + 1000)) remove(next)
        else refused.push(next)
      }
      w.clock += 10
      return { ...w, takes, refused }
    }
    // What goes one by one goes together.
    const one = full()
    const fitting = one.refused.filter((key) => one.takes(key, NOW_MS + 1000))
    assert.ok(fitting.length > 4)
    one.table.close()
    const { table, several } = full()
    several.begin()
    for (const key of fitting) several.put(several.touch(bytes(String(key))), bytes('value'), NOW_MS + 1000)
    assert.equal(several.commit(), true)
    for (const key of fitting) assert.equal(get(table, String(key)), 'value')
    table.check()
    table.close()
  })

  it('reads many keys, those that are not there too', () => {
    const { table, several } = world()
    put(table, 'a', '1')
    put(table, 'c', '3')
    const found: (string | undefined)[] = []
    several.readMany(
      ['a', 'b', 'c', 'a'].map(bytes),
      () => found.splice(0),
      (value) => found.push(value === undefined ? undefined : Buffer.from(value).toString()),
    )
    assert.deepEqual(found, ['1', undefined, '3', '1'])
    table.close()
  })

  it('does what a Map does, whatever the keys and their number', () => {
    const key = fc.nat(60).map((n) => `k${n}`)
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constant('put' as const), key, fc.string({ maxLength: 300 })) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('remove' as const), key, fc.constant('')) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), key, fc.constant('')) },
    )
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 100 }), { maxLength: 5 }), (transactions) => {
        const { table, several } = world({ stripeBits: 1 })
        const model = new Map<string, string>()
        for (const steps of transactions) {
          several.begin()
          for (const [what, name, value] of steps) {
            const touched = several.touch(bytes(name))
            if (what === 'put') several.put(touched, bytes(value), NO_EXPIRY)
            else if (what === 'remove') several.remove(touched)
            else several.clear()
            if (what === 'put') model.set(name, value)
            else if (what === 'remove') model.delete(name)
            else model.clear()
          }
          assert.equal(several.commit(), true)
          for (let i = 0; i <= 60; i++) assert.equal(get(table, `k${i}`), model.get(`k${i}`))
          assert.equal(table.size, model.size)
          table.check()
        }
        table.close()
      }),
      { numRuns: 40 },
    )
  })
})
