/** What every {@link Store} must do about expiry: a part of the contract's tests. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { WithStore } from './store-contract.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

export function describeExpiry(withStore: WithStore): void {
  const key = bytes('k')
  it(
    'forgets an entry when its time is up',
    withStore(async ({ store, advance }) => {
      store.set(key, bytes('1'), store.nowMs() + 30, 'always')
      assert.equal(store.has(key), true)
      await advance(31)
      assert.equal(store.has(key), false)
      assert.equal(store.get(key), undefined)
      assert.equal(store.expiresAt(key), undefined)
      assert.equal(store.expireAt(key, store.nowMs() + 1000), false)
      assert.equal(store.set(key, bytes('2'), 'none', 'present'), false)
      assert.equal(store.set(key, bytes('2'), 'none', 'absent'), true)
    }),
  )
  it(
    'removes, keeps or sets the expiry as a write says',
    withStore(({ store }) => {
      const atMs = store.nowMs() + 100_000
      store.set(key, bytes('1'), atMs, 'always')
      assert.equal(store.expiresAt(key), atMs)
      store.set(key, bytes('2'), 'keep', 'always')
      assert.equal(store.expiresAt(key), atMs)
      store.update(key, 'keep', () => bytes('3'))
      assert.equal(store.expiresAt(key), atMs)
      store.set(key, bytes('4'), 'none', 'always')
      assert.equal(store.expiresAt(key), Infinity)
      store.update(key, atMs, () => bytes('5'))
      assert.equal(store.expiresAt(key), atMs)
      store.delete(key)
      store.set(key, bytes('6'), 'keep', 'always')
      assert.equal(store.expiresAt(key), Infinity, 'a new key has nothing to keep')
    }),
  )
  it(
    'treats a write whose moment has passed as one that expired at once',
    withStore(({ store }) => {
      assert.equal(store.set(key, bytes('1'), store.nowMs() - 1000, 'always'), true)
      assert.equal(store.get(key), undefined)
    }),
  )
  it(
    'changes the expiry alone: expireAt, persist',
    withStore(({ store }) => {
      assert.equal(store.persist(key), false)
      store.set(key, bytes('1'), 'none', 'always')
      assert.equal(store.persist(key), false)
      const atMs = store.nowMs() + 100_000
      assert.equal(store.expireAt(key, atMs), true)
      assert.equal(store.expiresAt(key), atMs)
      assert.equal(store.persist(key), true)
      assert.equal(store.expiresAt(key), Infinity)
      assert.equal(store.expireAt(key, store.nowMs() - 1), true)
      assert.equal(store.has(key), false)
      assert.equal(store.expiresAt(key), undefined)
    }),
  )
  it(
    'changes the expiry only where the present one may go',
    withStore(({ store }) => {
      const atMs = store.nowMs() + 100_000
      assert.equal(
        store.expireAt(key, atMs, () => true),
        false,
        'absent',
      )
      store.set(key, bytes('value é'), 'none', 'always')
      assert.equal(
        store.expireAt(key, atMs, (presentMs) => presentMs !== Infinity),
        false,
      )
      assert.equal(store.expiresAt(key), Infinity)
      assert.equal(
        store.expireAt(key, atMs, (presentMs) => presentMs === Infinity),
        true,
      )
      assert.equal(
        store.expireAt(key, atMs + 1, (presentMs) => presentMs === atMs),
        true,
      )
      assert.equal(store.expiresAt(key), atMs + 1)
      assert.deepEqual(store.get(key), bytes('value é'))
      assert.equal(
        store.expireAt(key, store.nowMs() - 1, () => false),
        false,
      )
      assert.equal(
        store.expireAt(key, store.nowMs() - 1, () => true),
        true,
      )
      assert.equal(store.has(key), false)
    }),
  )
}
