/** Arguments of imkv that cannot be: each call answers its failing code, and nothing has changed. */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { allChains, check, lookup } from '../test/imkv-view.js'
import {
  HT_RET,
  ht_attach,
  ht_count,
  ht_delete,
  ht_destroy,
  ht_init,
  ht_insert,
  ht_iterate,
  ht_lookup,
  ht_share,
  type ImkvHandle,
} from './imkv.js'

afterEach(ht_destroy)

describe('bad input', () => {
  test('keys and values that are no strings fail as null does', () => {
    ht_init(8)
    for (const other of [
      1,
      true,
      {},
      ['a'],
      Symbol('a'),
      Buffer.from('a'),
      new String('a'),
    ] as unknown as string[]) {
      assert.equal(ht_insert(other, 'value'), HT_RET.INSERT_FAILED)
      assert.equal(ht_insert('key', other), HT_RET.INSERT_FAILED)
      assert.equal(ht_lookup(other, {}), HT_RET.NOTFOUND)
      assert.equal(ht_delete(other), HT_RET.DELETE_FAILED)
    }
    assert.equal(ht_count(), 0)
    check()
  })

  test('text that is too long or has no UTF-8 form fails, and the longest that fits does not', () => {
    ht_init(8, { arenaBytes: 2 ** 20 })
    const longest = 'k'.repeat(65_536)
    for (const key of [`${longest}k`, 'é'.repeat(32_769), 'lone \ud800']) {
      assert.equal(ht_insert(key, 'value'), HT_RET.INSERT_FAILED)
      assert.equal(ht_lookup(key, {}), HT_RET.NOTFOUND)
      assert.equal(ht_delete(key), HT_RET.DELETE_FAILED)
    }
    for (const val of ['\udc00', 'x'.repeat(2 ** 26 + 1), 'x'.repeat(2 ** 21)]) {
      assert.equal(ht_insert('key', val), HT_RET.INSERT_FAILED)
    }
    assert.equal(ht_insert(longest, 'value'), HT_RET.INSERT_OK)
    assert.equal(lookup(longest), 'value')
    check()
  })

  test('a look-up without a place for the value still says whether the key is there', () => {
    ht_init(8)
    ht_insert('a', 'b')
    assert.equal(ht_lookup('a'), HT_RET.FOUND)
    assert.equal(ht_lookup('a', null), HT_RET.FOUND)
    assert.equal(ht_lookup('b'), HT_RET.NOTFOUND)
  })

  test('a bucket that does not exist has no entries', () => {
    ht_init(4)
    for (let at = 0; at < 100; at++) ht_insert(`k${at}`, 'v')
    for (const bucket of [-1, 4, 1.5, Number.NaN, 2 ** 40, '0', null]) {
      assert.deepEqual(ht_iterate(bucket as number), [])
    }
    assert.equal(allChains(4).flat().length, 100)
  })

  test('ht_attach refuses every handle that is none, and leaves no table', () => {
    ht_init(8)
    const handle = ht_share()
    assert.ok(handle !== undefined)
    assert.equal(ht_attach(handle), HT_RET.INIT_FAILED, 'this thread has a table')
    const { region } = handle
    const big = new SharedArrayBuffer(2 ** 20)
    const empty = { kind: 'threads', buffers: [] }
    const cutOff = new SharedArrayBuffer(2 ** 20)
    new Uint8Array(cutOff).set(new Uint8Array(region.buffers[0] as SharedArrayBuffer, 0, 2 ** 20))
    ht_destroy()
    for (const wrong of [
      undefined,
      null,
      7,
      'handle',
      {},
      { hearth: 'imkv' },
      { hearth: 'shared-map', region },
      { hearth: 'imkv', region: empty },
      { hearth: 'imkv', region: { kind: 'threads', buffers: [new ArrayBuffer(2 ** 20)] } },
      { hearth: 'imkv', region: { kind: 'threads', buffers: [new SharedArrayBuffer(8)] } },
      { hearth: 'imkv', region: { kind: 'threads', buffers: [big] } },
      { hearth: 'imkv', region: { kind: 'threads', buffers: [cutOff] } },
      { hearth: 'imkv', region: { kind: 'threads', buffers: null } },
      handle,
    ]) {
      assert.equal(ht_attach(wrong as ImkvHandle), HT_RET.INIT_FAILED)
      assert.equal(ht_count(), 0)
      assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_FAILED)
    }
    assert.equal(ht_init(8), HT_RET.INIT_OK)
  })
})
