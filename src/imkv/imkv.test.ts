/**
 * The interface of imkv on one thread: its codes, and what the original left open. What several threads do to one table is
 * in src/test/imkv.test.ts.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { allChains, check, lookup } from '../test/imkv-view.js'
import {
  HT_RET,
  ht_count,
  ht_delete,
  ht_destroy,
  ht_init,
  ht_insert,
  ht_iterate,
  ht_lookup,
  ht_share,
} from './imkv.js'

afterEach(ht_destroy)

/** Inserts `prefix0`, `prefix1`, ... until one fails; returns how many went in. */
function fill(makeValue: (at: number) => string): number {
  for (let at = 0; ; at++) if (ht_insert(`key ${at}`, makeValue(at)) === HT_RET.INSERT_FAILED) return at
}

test('the numbers are those of the original', () => {
  assert.deepEqual(HT_RET, {
    INIT_OK: 0,
    INIT_FAILED: 1,
    INSERT_OK: 2,
    INSERT_FAILED: 3,
    FOUND: 4,
    NOTFOUND: 5,
    DELETE_OK: 6,
    DELETE_FAILED: 7,
  })
})

test('what is inserted is found, counted, deleted and gone', () => {
  assert.equal(ht_init(16), HT_RET.INIT_OK)
  assert.equal(ht_insert('a', 'one'), HT_RET.INSERT_OK)
  assert.equal(ht_insert('ä', ''), HT_RET.INSERT_OK)
  assert.equal(lookup('a'), 'one')
  assert.equal(lookup('ä'), '')
  assert.equal(ht_count(), 2)
  assert.deepEqual(allChains(16).flat().sort(), [
    ['a', 'one'],
    ['ä', ''],
  ])
  assert.equal(ht_delete('a'), HT_RET.DELETE_OK)
  assert.equal(ht_delete('a'), HT_RET.DELETE_FAILED)
  assert.equal(lookup('a'), undefined)
  assert.equal(ht_count(), 1)
  check()
})

describe('what the original left open', () => {
  test('a duplicate key is INSERT_FAILED and leaves value and place in the chain as they were', () => {
    ht_init(1)
    for (const key of ['a', 'b', 'c']) ht_insert(key, `value of ${key}`)
    assert.equal(ht_insert('a', 'another'), HT_RET.INSERT_FAILED)
    assert.deepEqual(
      ht_iterate(0).map(([key]) => key),
      ['a', 'b', 'c'],
    )
    assert.equal(lookup('a'), 'value of a')
    check()
  })

  test('a null or empty key and a null value fail with the code of each call, and change nothing', () => {
    ht_init(8)
    for (const key of [null, undefined, '']) {
      assert.equal(ht_insert(key, 'value'), HT_RET.INSERT_FAILED)
      assert.equal(ht_lookup(key, {}), HT_RET.NOTFOUND)
      assert.equal(ht_delete(key), HT_RET.DELETE_FAILED)
    }
    for (const val of [null, undefined]) assert.equal(ht_insert('key', val), HT_RET.INSERT_FAILED)
    assert.equal(ht_count(), 0)
    check()
  })

  test('a look-up returns a copy: it stays when the entry goes and its memory is used again', () => {
    ht_init(8)
    ht_insert('key', 'first value')
    const out: { val?: string } = {}
    ht_lookup('key', out)
    ht_delete('key')
    for (let at = 0; at < 100; at++) ht_insert(`k${at}`, 'other value')
    assert.equal(out.val, 'first value')
  })

  test('ht_init(0) and every other number of buckets that cannot be is INIT_FAILED', () => {
    for (const buckets of [
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 32,
      '16',
      null,
      undefined,
    ]) {
      assert.equal(ht_init(buckets as number), HT_RET.INIT_FAILED, String(buckets))
    }
    assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_FAILED)
    assert.equal(ht_init(2 ** 32 - 1), HT_RET.INIT_OK)
    assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_OK)
  })

  test('a second ht_init is INIT_FAILED and leaves the table alone', () => {
    assert.equal(ht_init(8), HT_RET.INIT_OK)
    ht_insert('a', 'b')
    assert.equal(ht_init(8), HT_RET.INIT_FAILED)
    assert.equal(lookup('a'), 'b')
  })

  test('before ht_init each call answers its failing code', () => {
    const out: { val?: string } = { val: 'untouched' }
    assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_FAILED)
    assert.equal(ht_lookup('a', out), HT_RET.NOTFOUND)
    assert.deepEqual(out, { val: 'untouched' })
    assert.equal(ht_delete('a'), HT_RET.DELETE_FAILED)
    assert.deepEqual(ht_iterate(0), [])
    assert.equal(ht_count(), 0)
    assert.equal(ht_share(), undefined)
    ht_destroy()
  })

  test('the size of the arena is an option: twice as much takes about twice as many', () => {
    const counts = [2 ** 18, 2 ** 19].map((arenaBytes) => {
      assert.equal(ht_init(64, { arenaBytes }), HT_RET.INIT_OK)
      const count = fill(() => 'x'.repeat(100))
      check()
      ht_destroy()
      return count
    })
    const [small = 0, large = 0] = counts
    assert.ok(small > 500 && large > small * 1.8 && large < small * 2.4, `${small}, ${large}`)
  })

  test('an arena that cannot be is INIT_FAILED', () => {
    for (const arenaBytes of [
      0,
      -1,
      1,
      65_535,
      100_000.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e15,
      '1MiB',
    ]) {
      assert.equal(ht_init(8, { arenaBytes: arenaBytes as number }), HT_RET.INIT_FAILED, String(arenaBytes))
    }
    assert.equal(ht_init(8, null), HT_RET.INIT_OK)
  })

  test('a full arena is INSERT_FAILED, keeps what it has, and takes more once something is deleted', () => {
    ht_init(64, { arenaBytes: 2 ** 17 })
    const count = fill((at) => `value ${at}`.padEnd(100))
    assert.equal(ht_count(), count)
    for (let at = 0; at < count; at++) assert.equal(lookup(`key ${at}`), `value ${at}`.padEnd(100))
    assert.equal(ht_delete('key 0'), HT_RET.DELETE_OK)
    // The same key, since another may belong to a bucket that is full: what it then needs is more than its own place.
    assert.equal(ht_insert('key 0', 'x'.padEnd(100)), HT_RET.INSERT_OK)
    assert.equal(lookup('key 0'), 'x'.padEnd(100))
    check()
    for (let at = 0; at < count; at++) assert.equal(ht_delete(`key ${at}`), HT_RET.DELETE_OK)
    assert.equal(ht_insert('key x', 'x'.padEnd(100)), HT_RET.INSERT_OK)
    check()
  })

  for (const [name, makeValue] of [
    ['one size', () => 'x'.repeat(100)],
    ['many sizes', (at: number) => 'x'.repeat((at * 7919) % 3000)],
    ['no bytes', () => ''],
  ] as const) {
    test(`filled with values of ${name}, emptied and filled again, it takes as many, every time`, () => {
      ht_init(512, { arenaBytes: 2 ** 20 })
      const first = fill(makeValue)
      assert.ok(first > 100)
      for (let round = 0; round < 4; round++) {
        for (let at = 0; at < first; at++) assert.equal(ht_delete(`key ${at}`), HT_RET.DELETE_OK)
        assert.equal(ht_count(), 0)
        assert.deepEqual(allChains(512).flat(), [])
        check()
        assert.equal(fill(makeValue), first)
        check()
      }
    })
  }

  test('ht_destroy ends the table, may be called again, and a new one starts empty', () => {
    ht_init(8)
    ht_insert('a', 'b')
    ht_destroy()
    ht_destroy()
    assert.equal(ht_lookup('a', {}), HT_RET.NOTFOUND)
    assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_FAILED)
    assert.equal(ht_delete('a'), HT_RET.DELETE_FAILED)
    assert.equal(ht_count(), 0)
    assert.equal(ht_init(8), HT_RET.INIT_OK)
    assert.equal(ht_count(), 0)
    assert.equal(ht_insert('a', 'c'), HT_RET.INSERT_OK)
  })
})
