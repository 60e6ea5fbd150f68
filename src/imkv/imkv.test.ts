/**
 * The interface of imkv on one thread: codes, bad input, what the original left open, and a model.
 * What several threads do to one table is in src/test/imkv.test.ts.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
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
import { ImkvTable } from './imkv-table.js'

afterEach(ht_destroy)

/** Walks the table and throws on a broken invariant, as one more user of it. */
function check(): void {
  const table = ImkvTable.attach(ht_share())
  table.check()
  table.close()
}

function lookup(key: string): string | undefined {
  const out: { val?: string } = {}
  return ht_lookup(key, out) === HT_RET.FOUND ? out.val : undefined
}

function allChains(buckets: number): (readonly [string, string])[][] {
  return Array.from({ length: buckets }, (_, bucket) => ht_iterate(bucket))
}

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

/** What imkv should be: entries in the order of insertion, and for each key the bucket it was first seen in. */
class Model {
  readonly entries = new Map<string, string>()
  readonly #buckets = new Map<string, number>()

  /** Compares every chain with the model's entries of that bucket, in the model's order. */
  compare(buckets: number): void {
    const chains = allChains(buckets)
    for (const [bucket, chain] of chains.entries()) {
      for (const [key] of chain) {
        assert.equal(this.#buckets.get(key) ?? bucket, bucket, 'a key stays in its bucket')
        this.#buckets.set(key, bucket)
      }
    }
    const expected: [string, string][][] = chains.map(() => [])
    for (const [key, value] of this.entries) expected[this.#buckets.get(key) ?? -1]?.push([key, value])
    assert.deepEqual(chains, expected)
    assert.equal(ht_count(), this.entries.size)
  }
}

describe('any sequence of calls', () => {
  const step = fc.record({
    call: fc.constantFrom('insert', 'insert', 'insert', 'delete', 'lookup'),
    key: fc.integer({ min: 0, max: 60 }).map((key) => `key ${key}`),
    value: fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 300 })),
  })

  test('does what a Map in the order of insertion does, chain by chain', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 8, 20, 1000),
        fc.array(step, { maxLength: 400 }),
        (buckets, steps) => {
          assert.equal(ht_init(buckets, { arenaBytes: 2 ** 18 }), HT_RET.INIT_OK)
          const model = new Model()
          for (const [at, { call, key, value }] of steps.entries()) {
            const present = model.entries.has(key)
            if (call === 'insert') {
              assert.equal(ht_insert(key, value), present ? HT_RET.INSERT_FAILED : HT_RET.INSERT_OK)
              if (!present) model.entries.set(key, value)
            } else if (call === 'delete') {
              assert.equal(ht_delete(key), present ? HT_RET.DELETE_OK : HT_RET.DELETE_FAILED)
              model.entries.delete(key)
            } else {
              assert.equal(lookup(key), model.entries.get(key))
            }
            if (at % 37 === 0) model.compare(buckets)
          }
          model.compare(buckets)
          check()
          ht_destroy()
        },
      ),
      { numRuns: 60, afterEach: ht_destroy } as object,
    )
  })

  test('long chains keep the order of insertion while the table below grows and shrinks', () => {
    ht_init(3, { arenaBytes: 2 ** 22 })
    const model = new Model()
    const insert = (key: string) => {
      assert.equal(ht_insert(key, `value of ${key}`), HT_RET.INSERT_OK)
      model.entries.set(key, `value of ${key}`)
    }
    for (let at = 0; at < 5000; at++) insert(`first ${at}`)
    model.compare(3)
    for (let at = 0; at < 5000; at += 3) {
      ht_delete(`first ${at}`)
      model.entries.delete(`first ${at}`)
    }
    for (let at = 0; at < 5000; at += 9) insert(`first ${at}`)
    for (let at = 0; at < 3000; at++) insert(`second ${at}`)
    model.compare(3)
    check()
  })
})
