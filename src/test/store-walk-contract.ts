/** What walking over every {@link Store} must do, and drawing a key from it: a part of the contract's tests. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { WithStore } from './store-contract.js'
import { walkFrom } from './store-model.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

export function describeWalk(withStore: WithStore): void {
  it(
    'walks over every key exactly once while others come and go',
    withStore(({ store }) => {
      const staying = Array.from({ length: 500 }, (_, i) => `stay${i}`)
      for (const key of staying) store.set(bytes(key), bytes('v'), 'none', 'always')
      for (let i = 0; i < 500; i += 1) store.set(bytes(`go${i}`), bytes('v'), 'none', 'always')
      const seen: string[] = []
      let cursor = 0
      let step = 0
      do {
        const page = store.scan(cursor, 7)
        seen.push(...page.keys.map((key) => key.toString('latin1')))
        assert.ok(Number.isSafeInteger(page.cursor) && page.cursor >= 0)
        cursor = page.cursor
        store.delete(bytes(`go${step}`))
        for (let i = 0; i < 10; i += 1) store.set(bytes(`new${step}-${i}`), bytes('v'), 'none', 'always')
        store.set(bytes(`stay${step % 500}`), bytes(`v${step}`.repeat(step % 50)), 'none', 'always')
        step += 1
        assert.ok(step < 20_000, 'the walk ends')
      } while (cursor !== 0 && step < 1000)
      if (cursor !== 0) seen.push(...walkFrom(store, cursor))
      const seenStaying = seen.filter((key) => key.startsWith('stay'))
      assert.deepEqual(seenStaying.sort(), [...staying].sort())
      assert.equal(new Set(seen).size, seen.length)
    }),
  )
  it(
    'leaves expired keys out of a walk',
    withStore(async ({ store, advance }) => {
      store.set(bytes('a'), bytes('1'), 'none', 'always')
      store.set(bytes('b'), bytes('1'), store.nowMs() + 20, 'always')
      await advance(21)
      assert.deepEqual(walkFrom(store, 0), ['a'])
    }),
  )
  it(
    'draws a random key: every one in the end, none that is not there',
    withStore(async ({ store, advance }) => {
      assert.equal(store.randomKey(), undefined)
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      for (const key of keys) store.set(bytes(key), bytes('v'), 'none', 'always')
      store.set(bytes('short'), bytes('v'), store.nowMs() + 20, 'always')
      await advance(21)
      const missing = new Set(keys)
      for (let draws = 0; missing.size > 0; draws += 1) {
        const key = store.randomKey()?.toString('latin1') ?? 'none'
        assert.ok(keys.includes(key), key)
        missing.delete(key)
        assert.ok(draws < 1_000_000, `never drawn: ${[...missing].join(' ')}`)
      }
      for (const key of keys.slice(1)) store.delete(bytes(key))
      assert.deepEqual(store.randomKey(), bytes('k0'))
    }),
  )
}
