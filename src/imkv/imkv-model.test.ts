/** Any sequence of imkv's calls against a Map in the order of insertion, chain by chain. */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { allChains, check, lookup } from '../test/imkv-view.js'
import { HT_RET, ht_count, ht_delete, ht_destroy, ht_init, ht_insert } from './imkv.js'

afterEach(ht_destroy)

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
