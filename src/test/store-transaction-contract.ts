/** What every Store does with several keys at once; part of the contract. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { ABSENT, type Store } from '../store/store.js'
import type { OpenStore, WithStore } from './store-contract.js'

const TIGHT_BYTES = 64 * 1024
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1')

function put(store: Store, key: string, value: string): void {
  store.set(bytes(key), bytes(value), 'none', 'always')
}

function manyOf(store: Store, keys: readonly string[]): (string | undefined)[] {
  const values: (string | undefined)[] = []
  store.readMany(
    keys.map(bytes),
    () => values.splice(0),
    (value) => values.push(text(value)),
  )
  return values
}

export function describeTransactions(withStore: WithStore, open: OpenStore): void {
  it(
    'a transaction sees its own writes, and all of them are there afterwards',
    withStore(async ({ store, advance }) => {
      put(store, 'a', '1')
      put(store, 'gone', 'x')
      const isDone = store.transact((own) => {
        own.update(bytes('a'), 'keep', (value) => bytes(`${text(value)}2`))
        own.update(bytes('a'), 'keep', (value) => bytes(`${text(value)}3`))
        assert.equal(text(own.get(bytes('a'))), '123')
        assert.equal(own.delete(bytes('gone')), true)
        assert.equal(own.delete(bytes('gone')), false)
        assert.equal(own.set(bytes('new'), bytes('n'), own.nowMs() + 1000, 'absent'), true)
        assert.equal(own.set(bytes('new'), bytes('m'), 'none', 'absent'), false)
        assert.equal(own.size, 2)
        assert.deepEqual(own.scan(0, 100).keys.map(text).sort(), ['a', 'new'])
        assert.equal(own.expireAt(bytes('a'), own.nowMs() + 1000), true)
        assert.equal(own.persist(bytes('a')), true)
        assert.equal(own.persist(bytes('a')), false)
      })
      assert.equal(isDone, true)
      assert.deepEqual(manyOf(store, ['a', 'gone', 'new']), ['123', undefined, 'n'])
      await advance(1000)
      assert.deepEqual(manyOf(store, ['a', 'gone', 'new']), ['123', undefined, undefined])
    }),
  )

  it(
    'a transaction that throws changes nothing',
    withStore(({ store }) => {
      put(store, 'a', '1')
      assert.throws(
        () =>
          store.transact((own) => {
            own.clear()
            put(own, 'b', '2')
            throw new RangeError('thrown by the body')
          }),
        /thrown by the body/,
      )
      assert.deepEqual(manyOf(store, ['a', 'b']), ['1', undefined])
    }),
  )

  it(
    'a transaction does nothing once a watched key has changed, was set to the same value, or came',
    withStore(({ store }) => {
      put(store, 'a', '1')
      const { version } = store.entry(bytes('a')) ?? assert.fail('it is there')
      const watched = [
        { key: bytes('a'), version },
        { key: bytes('b'), version: ABSENT },
      ]
      const write = (own: Store): void => put(own, 'c', '3')
      assert.equal(store.transact(write, watched), true)
      put(store, 'b', 'x')
      store.delete(bytes('c'))
      assert.equal(store.transact(write, watched), false)
      store.delete(bytes('b'))
      assert.equal(store.transact(write, watched), true)
      put(store, 'a', '1')
      store.delete(bytes('c'))
      assert.equal(store.transact(write, watched), false)
      store.delete(bytes('a'))
      assert.equal(store.transact(write, watched), false)
      assert.equal(store.has(bytes('c')), false)
    }),
  )

  it(
    'a transaction that empties the store keeps what it puts after that',
    withStore(({ store }) => {
      for (let i = 0; i < 100; i++) put(store, `key ${i}`, 'x')
      store.transact((own) => {
        put(own, 'before', '1')
        own.clear()
        assert.equal(own.size, 0)
        assert.equal(own.get(bytes('key 5')), undefined)
        put(own, 'key 7', 'after')
        assert.deepEqual(own.scan(0, 10), { cursor: 0, keys: [bytes('key 7')] })
      })
      assert.equal(store.size, 1)
      assert.deepEqual(manyOf(store, ['before', 'key 5', 'key 7']), [undefined, undefined, 'after'])
    }),
  )

  it(
    'many keys are set at once, without expiry, and of one named twice the last value counts',
    withStore(({ store }) => {
      store.set(bytes('a'), bytes('old'), store.nowMs() + 1000, 'always')
      store.setMany(['a', 'b', 'a'].map(bytes), ['1', '2', '3'].map(bytes))
      assert.deepEqual(manyOf(store, ['a', 'b', 'c']), ['3', '2', undefined])
      assert.equal(store.expiresAt(bytes('a')), Number.POSITIVE_INFINITY)
    }),
  )

  it('many keys that do not fit are FULL, and none of them is there', () => {
    const { store, close } = open(TIGHT_BYTES)
    put(store, 'key 3', 'before')
    const keys = Array.from({ length: 100 }, (_, i) => bytes(`key ${i}`))
    const values = keys.map(() => Buffer.alloc(100 * 1024))
    assert.throws(
      () => store.setMany(keys, values),
      (error) => isOperationError(error, 'FULL'),
    )
    assert.equal(store.size, 1)
    assert.deepEqual(manyOf(store, ['key 3', 'key 99']), ['before', undefined])
    close()
  })
}
