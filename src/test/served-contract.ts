/**
 * What a client of a served table must do with keys and values, however it is connected, as tests: by promises and blocking.
 * Requests under way are in served-window-contract.ts.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Client, type Codec, codecs, isOperationError } from '../index.js'

export interface ClientTerms<K, V> {
  readonly keys?: Codec<K>
  readonly values?: Codec<V>
  readonly window?: number
}

/** A test that has a client, of a table that is empty. */
export type WithClient = <K = string, V = string>(
  terms: ClientTerms<K, V>,
  work: (client: Client<K, V>) => Promise<void>,
) => () => Promise<void>

export function describeOperations(withClient: WithClient): void {
  it(
    'does what a map does, by promises',
    withClient({}, async (client) => {
      assert.equal(await client.get('k'), undefined)
      assert.equal(await client.set('k', 'v'), undefined)
      assert.equal(await client.get('k'), 'v')
      assert.equal(await client.has('k'), true)
      assert.equal(await client.has('none'), false)
      assert.equal(await client.insert('k', 'w'), false)
      assert.equal(await client.replace('k', 'w'), true)
      assert.equal(await client.replace('none', 'w'), false)
      assert.equal(await client.exchange('k', 'x'), 'w')
      assert.equal(await client.compareAndSet('k', 'w', 'y'), false)
      assert.equal(await client.compareAndSet('k', 'x', 'y'), true)
      assert.equal(await client.compareAndSet('new', undefined, 'n'), true)
      assert.equal(await client.compareAndSet('new', undefined, 'n'), false)
      assert.equal(await client.take('k'), 'y')
      assert.equal(await client.take('k'), undefined)
      assert.equal(await client.delete('new'), true)
      assert.equal(await client.delete('new'), false)
      assert.equal(await client.size(), 0)
      await client.set('', '')
      assert.equal(await client.get(''), '')
      await client.clear()
      assert.equal(await client.size(), 0)
    }),
  )
  it(
    'does the same blocking',
    withClient({}, async ({ sync }) => {
      assert.equal(sync.get('k'), undefined)
      assert.equal(sync.set('k', 'v'), undefined)
      assert.equal(sync.get('k'), 'v')
      assert.deepEqual([sync.has('k'), sync.has('none')], [true, false])
      assert.deepEqual([sync.insert('k', 'w'), sync.replace('k', 'w')], [false, true])
      assert.equal(sync.exchange('k', 'x'), 'w')
      assert.deepEqual([sync.compareAndSet('k', 'w', 'y'), sync.compareAndSet('k', 'x', 'y')], [false, true])
      assert.equal(
        sync.compute('k', (old) => `${old}!`),
        'y!',
      )
      assert.equal(
        sync.compute('k', () => undefined),
        undefined,
      )
      assert.equal(
        sync.compute('k', (old) => `${old}`),
        'undefined',
      )
      assert.equal(sync.getOrInsert('k', 'z'), 'undefined')
      assert.equal(
        sync.getOrInsertComputed('made', (key) => key.toUpperCase()),
        'MADE',
      )
      assert.equal(sync.take('k'), 'undefined')
      assert.equal(sync.delete('k'), false)
      assert.equal(sync.size(), 1)
      sync.setMany([
        ['a', '1'],
        ['b', '2'],
      ])
      assert.deepEqual(sync.getMany(['a', 'none', 'b']), ['1', undefined, '2'])
      assert.deepEqual([...sync.keys()].sort(), ['a', 'b', 'made'])
      assert.deepEqual([...sync.values()].sort(), ['1', '2', 'MADE'])
      assert.deepEqual([...sync].sort(), [...sync.entries()].sort())
      sync.clear()
      assert.equal(sync.size(), 0)
      assert.equal(sync.command(['ping']).toString(), '+PONG\r\n')
    }),
  )
  it(
    'sets by version, and gives, keeps and takes away ttls',
    withClient({}, async (client) => {
      await client.set('k', '1')
      const entry = await client.getEntry('k')
      assert.deepEqual([entry?.value, entry?.remainingTtlMs], ['1', Infinity])
      await client.set('k', '2', { ifVersion: entry?.version ?? 0 })
      const again = client.set('k', '3', { ifVersion: entry?.version ?? 0 })
      await assert.rejects(
        again,
        (error) => isOperationError(error, 'ABORTED') && error.outcome === 'not-applied',
      )
      assert.equal(await client.expire('k', 60_000), true)
      const remainingMs = await client.remainingTtlMs('k')
      assert.ok(remainingMs !== undefined && remainingMs > 0 && remainingMs <= 60_000)
      await client.set('k', '4', { keepTtl: true })
      assert.notEqual(await client.remainingTtlMs('k'), Infinity)
      assert.equal(await client.persist('k'), true)
      assert.equal(await client.remainingTtlMs('k'), Infinity)
      assert.equal(await client.remainingTtlMs('none'), undefined)
      assert.equal(await client.getEntry('none'), undefined)
      await client.set('soon', 'gone', { ttlMs: 1 })
      while ((await client.get('soon')) !== undefined);
      assert.equal(await client.has('soon'), false)
      assert.equal(await client.insert('soon', 'again', { ttlMs: 60_000 }), true)
    }),
  )
  it(
    'handles many keys, large values and walks',
    withClient({}, async (client) => {
      const entries = Array.from({ length: 3000 }, (_, i) => [`key ${i}`, `value ${i}`] as const)
      await client.setMany(entries)
      const values = await client.getMany([...entries.map(([key]) => key), 'none'])
      assert.deepEqual(values, [...entries.map(([, value]) => value), undefined])
      const walked: [string, string][] = []
      for await (const entry of client) walked.push(entry)
      assert.deepEqual(walked.sort(), entries.map(([key, value]) => [key, value]).sort())
      const keys: string[] = []
      for await (const key of client.keys()) keys.push(key)
      assert.equal(keys.length, 3000)
      const large = 'ä'.repeat(500_000)
      await client.set('large', large)
      assert.equal(await client.get('large'), large)
      assert.equal(client.sync.take('large'), large)
      assert.equal((await client.stats()).entries, 3000)
      let count = 0
      await client.forEach((value, key, self) => {
        if (self === client && value === key.replace('key', 'value')) count++
      })
      client.sync.forEach((value, key) => {
        if (value === key.replace('key', 'value')) count++
      })
      assert.equal(count, 6000)
      assert.equal(await client.check(), undefined)
      client.sync.check()
      await assert.rejects(client.forEach(5 as never), TypeError)
    }),
  )
  it(
    'counts in decimal text that every front reads',
    withClient({ values: codecs.int32 }, async (client) => {
      assert.equal(await client.increment('n'), 1)
      assert.equal(await client.increment('n', 41), 42)
      assert.equal((await client.command(['incr', 'n'])).toString(), ':43\r\n')
      assert.equal(await client.get('n'), 43)
      assert.equal(client.sync.increment('n', -50), -7)
      const tooMuch = client.increment('n', -(2 ** 31))
      await assert.rejects(tooMuch, (error) => isOperationError(error, 'BAD_VALUE'))
      const hit = await client.hit('hits', { ttlMs: 60_000 })
      assert.deepEqual([hit.value, hit.remainingTtlMs > 0 && hit.remainingTtlMs <= 60_000], [1, true])
      assert.equal(client.sync.hit('hits', { ttlMs: 60_000, by: 2 }).value, 3)
      await client.command(['set', 'text', 'no number'])
      await assert.rejects(client.get('text'), (error) => isOperationError(error, 'BAD_VALUE'))
    }),
  )
  it(
    'computes atomically, whoever is faster',
    withClient({ values: codecs.float64 }, async (client) => {
      const work = async (): Promise<void> => {
        for (let i = 0; i < 50; i++) await client.compute('n', (old) => (old ?? 0) + 0.5)
      }
      await Promise.all([work(), work(), work()])
      assert.equal(await client.get('n'), 75)
      for (const value of [-0, NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308]) {
        await client.set('f', value)
        assert.ok(Object.is(await client.get('f'), value))
      }
    }),
  )
  it(
    'changes several keys at one moment, and nobody sees half of it',
    withClient({ values: codecs.int32 }, async (client) => {
      const total = 1000
      await client.set('a', total)
      await client.set('b', 0)
      const move = (from: string, to: string) =>
        client.transaction([from, to], ([left = 0, right = 0]) => {
          const some = Math.min(left, 7)
          return [
            [from, left - some],
            [to, right + some],
          ]
        })
      const moves = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? move('b', 'a') : move('a', 'b')))
      for (let i = 0; i < 60; i++) {
        const [a = 0, b = 0] = await client.transaction(['a', 'b'], () => undefined)
        assert.equal(a + b, total)
      }
      await Promise.all(moves)
      const [a = 0, b = 0, none] = client.sync.transaction(['a', 'b', 'none'], () => [])
      assert.deepEqual([a + b, none], [total, undefined])
      client.sync.transaction(['a'], () => [
        ['a', undefined],
        ['c', 5],
      ])
      assert.deepEqual(await client.getMany(['a', 'c']), [undefined, 5])
      await assert.rejects(client.transaction(['a'], 5 as never), TypeError)
      await assert.rejects(
        client.transaction(['a'], () => [['a', 'x' as never]]),
        TypeError,
      )
    }),
  )
}
