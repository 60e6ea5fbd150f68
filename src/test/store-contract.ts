/**
 * What every {@link Store} must do, as tests: run by each implementation's own test file. The last one drives a
 * store and a plain model of it with the same random calls.
 *
 * Time is the harness's: `advance` lets `ms` pass for the store, by a clock in its hand or by waiting.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { MAX_KEY_BYTES } from '../base/limits.js'
import { ABSENT, type Store, UNCHANGED } from '../store/store.js'
import { describeExpiry } from './store-expiry-contract.js'
import { followsModel } from './store-model.js'
import { describeTransactions } from './store-transaction-contract.js'
import { describeWalk } from './store-walk-contract.js'

export interface StoreHarness {
  readonly store: Store
  advance(ms: number): Promise<void>
  close(): void
}

/** `open` makes an empty store that holds at least `capacityBytes`, and not more than some hundred times as much. */
export type OpenStore = (capacityBytes: number) => StoreHarness

const ROOMY_BYTES = 8 * 1024 * 1024
const TIGHT_BYTES = 64 * 1024
/** Of 1000 bytes. */
const ENTRIES_A_PAGE = 4

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

export function describeStore(name: string, open: OpenStore): void {
  const withStore = (work: (harness: StoreHarness) => Promise<void> | void) => async (): Promise<void> => {
    const harness = open(ROOMY_BYTES)
    try {
      await work(harness)
    } finally {
      harness.close()
    }
  }
  describe(name, () => {
    describeValues(withStore)
    describeExpiry(withStore)
    describeUpdate(withStore)
    describeWalk(withStore)
    describeBounds(withStore, open)
    describeTransactions(withStore, open)
    it(
      'does the same as a plain model under random calls',
      withStore(({ store }) => followsModel(store)),
    )
  })
}

export type WithStore = (work: (harness: StoreHarness) => Promise<void> | void) => () => Promise<void>

function describeValues(withStore: WithStore): void {
  it(
    'gives back what was set, byte for byte, the empty key and the empty value included',
    withStore(({ store }) => {
      const odd = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      for (const key of [bytes(''), bytes('a'), odd]) {
        for (const value of [bytes(''), bytes('1'), odd]) {
          assert.equal(store.set(key, value, 'none', 'always'), true)
          assert.deepEqual(store.get(key), value)
          assert.deepEqual(Buffer.from(store.view(key) ?? bytes('none')), value)
        }
      }
      assert.equal(store.size, 3)
      assert.equal(store.get(bytes('b')), undefined)
      assert.equal(store.view(bytes('b')), undefined)
    }),
  )
  it(
    'sets only when the condition holds, and says so',
    withStore(({ store }) => {
      const key = bytes('k')
      assert.equal(store.set(key, bytes('1'), 'none', 'present'), false)
      assert.equal(store.has(key), false)
      assert.equal(store.set(key, bytes('1'), 'none', 'absent'), true)
      assert.equal(store.set(key, bytes('2'), 'none', 'absent'), false)
      assert.deepEqual(store.get(key), bytes('1'))
      assert.equal(store.set(key, bytes('3'), 'none', 'present'), true)
      assert.deepEqual(store.get(key), bytes('3'))
    }),
  )
  it(
    'exchanges: the old value comes back whether or not the new one was stored',
    withStore(({ store }) => {
      const key = bytes('k')
      assert.deepEqual(store.exchange(key, bytes('1'), 'none', 'present'), {
        stored: false,
        previous: undefined,
      })
      assert.deepEqual(store.exchange(key, bytes('1'), 'none', 'always'), {
        stored: true,
        previous: undefined,
      })
      assert.deepEqual(store.exchange(key, bytes('2'), 'none', 'absent'), {
        stored: false,
        previous: bytes('1'),
      })
      assert.deepEqual(store.exchange(key, bytes('3'), 'none', 'present'), {
        stored: true,
        previous: bytes('1'),
      })
      assert.deepEqual(store.take(key), bytes('3'))
      assert.equal(store.take(key), undefined)
      assert.equal(store.delete(key), false)
    }),
  )
  it(
    'stores under a version only while the key has it, and each write changes it',
    withStore(({ store }) => {
      const key = bytes('k')
      assert.equal(store.entry(key), undefined)
      assert.equal(store.setIfVersion(key, bytes('1'), 'none', 5), false)
      assert.equal(store.setIfVersion(key, bytes('1'), 'none', ABSENT), true)
      assert.equal(store.setIfVersion(key, bytes('2'), 'none', ABSENT), false)
      const first = store.entry(key)
      assert.deepEqual(first?.value, bytes('1'))
      assert.equal(first?.expiresAtMs, Infinity)
      const laterMs = store.nowMs() + 1_000_000
      assert.equal(store.expireAt(key, laterMs), true)
      assert.equal(store.setIfVersion(key, bytes('2'), 'none', first?.version ?? 0), false)
      const second = store.entry(key)
      assert.equal(store.setIfVersion(key, bytes('2'), 'keep', second?.version ?? 0), true)
      assert.equal(store.setIfVersion(key, bytes('3'), 'keep', second?.version ?? 0), false)
      const third = store.entry(key)
      assert.deepEqual([third?.value, third?.expiresAtMs], [bytes('2'), laterMs])
      assert.equal(store.setIfVersion(key, bytes('4'), 'none', third?.version ?? 0), true)
      assert.equal(store.entry(key)?.expiresAtMs, Infinity)
      const last = store.entry(key)?.version ?? 0
      store.delete(key)
      store.set(key, bytes('4'), 'none', 'always')
      assert.equal(store.setIfVersion(key, bytes('5'), 'none', last), false)
    }),
  )
  it(
    'keeps nothing of the bytes it was given, and gives out private ones',
    withStore(({ store }) => {
      const key = bytes('key')
      const value = bytes('value')
      store.set(key, value, 'none', 'always')
      key.fill(0)
      value.fill(0)
      const got = store.get(bytes('key'))
      assert.deepEqual(got, bytes('value'))
      got?.fill(0)
      assert.deepEqual(store.get(bytes('key')), bytes('value'))
    }),
  )
  it(
    'clears, and goes on',
    withStore(({ store }) => {
      for (let i = 0; i < 100; i += 1) store.set(bytes(`k${i}`), bytes('v'), 'none', 'always')
      store.clear()
      assert.equal(store.size, 0)
      assert.equal(store.has(bytes('k1')), false)
      store.set(bytes('k1'), bytes('w'), 'none', 'always')
      assert.equal(store.size, 1)
      assert.equal(store.stats().entries, 1)
    }),
  )
}

function describeUpdate(withStore: WithStore): void {
  const key = bytes('k')
  it(
    'updates in one step: creates, changes, deletes, or leaves alone',
    withStore(({ store }) => {
      store.update(key, 'none', (current) => (current === undefined ? bytes('1') : bytes('wrong')))
      store.update(key, 'none', (current) => Buffer.concat([current ?? bytes('wrong'), bytes('2')]))
      assert.deepEqual(store.get(key), bytes('12'))
      const atMs = store.nowMs() + 100_000
      store.expireAt(key, atMs)
      store.update(key, 'none', () => UNCHANGED)
      assert.deepEqual(store.get(key), bytes('12'))
      assert.equal(store.expiresAt(key), atMs)
      store.update(key, 'none', () => undefined)
      assert.equal(store.has(key), false)
      store.update(key, 'none', () => undefined)
      store.update(key, 'none', () => UNCHANGED)
      assert.equal(store.size, 0)
    }),
  )
  it(
    'passes on what an update throws, and nothing has changed',
    withStore(({ store }) => {
      store.set(key, bytes('1'), 'none', 'always')
      const boom = new Error('boom')
      assert.throws(() => store.update(key, 'none', () => fail(boom)), boom)
      assert.deepEqual(store.get(key), bytes('1'))
      store.update(key, 'none', () => bytes('2'))
      assert.deepEqual(store.get(key), bytes('2'))
    }),
  )
}

function fail(error: Error): never {
  throw error
}

function describeBounds(withStore: WithStore, open: OpenStore): void {
  it(
    'refuses a key that is too long with a RangeError, in every call',
    withStore(({ store }) => {
      const long = Buffer.alloc(MAX_KEY_BYTES + 1, 0x61)
      const value = bytes('v')
      const calls = [
        () => store.get(long),
        () => store.view(long),
        () => store.has(long),
        () => store.set(long, value, 'none', 'always'),
        () => store.exchange(long, value, 'none', 'always'),
        () => store.delete(long),
        () => store.take(long),
        () => store.update(long, 'none', () => value),
        () => store.expireAt(long, store.nowMs() + 1000),
        () => store.persist(long),
        () => store.expiresAt(long),
      ]
      for (const call of calls) assert.throws(call, RangeError)
      assert.equal(store.size, 0)
      const longest = Buffer.alloc(MAX_KEY_BYTES, 0x61)
      store.set(longest, value, 'none', 'always')
      assert.deepEqual(store.get(longest), value)
    }),
  )
  it('says FULL when there is no room, keeps what it had, and takes as much again once that is deleted, but for a page', () => {
    const { store, close } = open(TIGHT_BYTES)
    const value = Buffer.alloc(1000, 0x76)
    const fill = (): number => {
      for (let i = 0; i < 1_000_000; i += 1) {
        try {
          store.set(bytes(`key${i}`), value, 'none', 'always')
        } catch (error) {
          assert.ok(isOperationError(error, 'FULL'), String(error))
          assert.equal(store.has(bytes(`key${i}`)), false)
          return i
        }
      }
      throw new Error('it never became full')
    }
    try {
      const held = fill()
      assert.ok(held > 0)
      for (let i = 0; i < held; i += 1) assert.deepEqual(store.get(bytes(`key${i}`)), value)
      for (let round = 0, count = held; round < 4; round++) {
        for (let i = 0; i < count; i += 1) assert.equal(store.delete(bytes(`key${i}`)), true)
        assert.equal(store.size, 0)
        count = fill()
        // Once in all, a page may become bucket lines, which stay.
        assert.ok(count >= held - ENTRIES_A_PAGE, `${count} of ${held}`)
      }
    } finally {
      close()
    }
  })
}
