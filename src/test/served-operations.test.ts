/**
 * Every operation of a client, by promises, blocking and by the window: over a server with a name, from the same thread and
 * from a connection by name, and over one without.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, type Codec, codecs, isOperationError, Server } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const skip = NO_NAMED_TABLES
if (skip === false) useScratchDirectory()

interface Way {
  readonly name: string
  readonly shm: boolean
  /** The server logs every write. */
  readonly isDurable?: boolean
  open<K, V>(
    server: Server,
    options: { keys?: Codec<K>; values?: Codec<V>; window?: number },
  ): Promise<Client<K, V>>
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-served-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const ways: readonly Way[] = [
  { name: 'by name', shm: true, open: (server, options) => Client.connect(server.name, options) },
  { name: 'on the thread of the server', shm: true, open: async (server, options) => server.client(options) },
  {
    name: 'of a server that logs',
    shm: true,
    isDurable: true,
    open: (server, options) => Client.connect(server.name, options),
  },
  { name: 'of a server without a name', shm: false, open: async (server, options) => server.client(options) },
]

for (const way of ways) {
  let server: Server
  const withClient =
    <K = string, V = string>(
      options: { keys?: Codec<K>; values?: Codec<V>; window?: number },
      work: (client: Client<K, V>) => Promise<void>,
    ) =>
    async (): Promise<void> => {
      const client = await way.open(server, options)
      await client.clear()
      await work(client)
      await client.close()
      if (server.isRunning) server.check()
    }

  describe(`a client ${way.name}`, { skip: way.shm ? skip : false }, () => {
    before(async () => {
      const log =
        way.isDurable === true ? { dataDir: temporaryDirectory(), durability: 'always' as const } : {}
      server = await Server.start({ name: way.name, shm: way.shm, capacity: '8MiB', ...log })
    })
    after(() => server.stop())
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
        assert.deepEqual(
          [sync.compareAndSet('k', 'w', 'y'), sync.compareAndSet('k', 'x', 'y')],
          [false, true],
        )
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
      'does the same by the window',
      withClient({ window: 4 }, async (client) => {
        const ids = [
          client.submit('set', 'k', 'v'),
          client.submit('get', 'k'),
          client.submit('has', 'k'),
          client.submit('take', 'k'),
        ]
        assert.throws(
          () => client.submit('size'),
          (error) => isOperationError(error, 'BACK_PRESSURE'),
        )
        // Blocking calls find their way past answers that nobody has collected yet.
        client.sync.set('other', 'w')
        assert.equal(await client.result(ids[0]!), undefined)
        assert.equal(client.sync.result(ids[1]!), 'v')
        let polled = client.poll(ids[2]!)
        while (polled === undefined) polled = client.poll(ids[2]!)
        assert.deepEqual(polled, { value: true })
        assert.equal(await client.result(ids[3]!), 'v')
        for (const id of [ids[0]!, 0, 7.5, 1e9]) assert.throws(() => client.poll(id), RangeError)
        const wrong = client.submit('set', 'k', 'v', { ifVersion: 7 })
        await assert.rejects(client.result(wrong), (error) => isOperationError(error, 'ABORTED'))
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
      'goes on while long answers to its window are not collected',
      withClient({}, async (client) => {
        const large = 'x'.repeat(3_000_000)
        await client.set('large', large)
        const ids = Array.from({ length: 4 }, () => client.submit('get', 'large'))
        client.sync.set('k', 'blocking')
        assert.equal(await client.exchange('k', 'promised'), 'blocking')
        for (const id of ids.reverse()) assert.equal(await client.result(id), large)
        const more = Array.from({ length: 4 }, () => client.submit('get', 'large'))
        let answer: unknown
        while (answer === undefined) answer = client.poll(more[3]!)?.value
        assert.equal(answer, large)
        for (const id of more.slice(0, 3)) assert.equal(client.sync.result(id), large)
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
    it(
      'publishes to all who listen, in order, and after its own writes',
      withClient({ values: codecs.json<number>() }, async (client) => {
        const other = await way.open(server, { values: codecs.json<number>() })
        const heard: [number, string][] = []
        const seen: (number | undefined)[] = []
        let allHeard = (): void => {}
        const done = new Promise<void>((resolve) => {
          allHeard = resolve
        })
        const end = await other.subscribe('news', (message, channel) => {
          heard.push([message, channel])
          seen.push(other.sync.get('k'))
          if (message === 19) allHeard()
        })
        let matched = 0
        const endPattern = await other.subscribe('n?ws*', () => matched++, { pattern: true })
        assert.equal(await client.publish('nothing', 1), 0)
        for (let i = 0; i < 20; i++) {
          void client.set('k', i)
          assert.equal(await client.publish('news', i), 2)
        }
        await done
        assert.deepEqual(
          heard,
          Array.from({ length: 20 }, (_, i) => [i, 'news']),
        )
        for (const [i, value] of seen.entries()) assert.ok((value ?? -1) >= i)
        assert.equal(await client.publish('news today', 5), 1)
        await end()
        await end()
        await endPattern()
        assert.equal(await client.publish('news', 21), 0)
        assert.equal(heard.length, 20)
        const failures: unknown[] = []
        const endFailing = await other.subscribe('bad', () => JSON.parse('{'), {
          onError: (error) => failures.push(error),
        })
        const second = new Promise<number>((resolve) => void other.subscribe('bad', resolve).catch(resolve))
        await other.subscribe('bad', () => {})
        assert.equal(await client.publish('bad', 7), 1)
        assert.equal(await second, 7)
        assert.ok(failures[0] instanceof SyntaxError)
        assert.equal(other.isConnected, true)
        await endFailing()
        assert.ok(matched >= 20)
        await assert.rejects(async () => client.publish('news', 'x'.repeat(2_000_000) as never), RangeError)
        await assert.rejects(async () => client.subscribe(5 as never, () => {}), TypeError)
        await assert.rejects(async () => client.subscribe('news', 5 as never), TypeError)
        await other.close()
      }),
    )
    it(
      'refuses what cannot be, and nothing has changed',
      withClient({}, async (client) => {
        const wrong: [() => unknown, new () => Error][] = [
          [() => client.set('k', 5 as never), TypeError],
          [() => client.set('\ud800', 'v'), TypeError],
          [() => client.set('k', '\udfff'), TypeError],
          [() => client.set('k'.repeat(70_000), 'v'), RangeError],
          [() => client.set('k', 'v', { ttlMs: -1 }), RangeError],
          [() => client.set('k', 'v', { ttlMs: Number.NaN }), RangeError],
          [() => client.set('k', 'v', { timeoutMs: 0 }), RangeError],
          [() => client.set('k', 'v', { signal: 'no' as never }), TypeError],
          [() => client.get('k', { signal: 'no' as never }), TypeError],
          [() => client.getEntry('k', { timeoutMs: 0 }), RangeError],
          [async () => client.sync.has('k', { timeoutMs: 'long' as never }), TypeError],
          [async () => client.submit('constructor' as 'get', 'k'), RangeError],
          [async () => client.submit('transaction' as 'get', 'k'), RangeError],
          [() => client.set('k', 'x'.repeat(64 * 1024 * 1024 + 1)), RangeError],
          [() => client.increment('k'), TypeError],
          [() => client.scan(-1), RangeError],
          [() => client.getMany('abc' as never), TypeError],
          [() => client.compute('k', 5 as never), TypeError],
        ]
        for (const [call, kind] of wrong) await assert.rejects(async () => call(), kind)
        assert.equal(await client.size(), 0)
        const full = client.set('big', 'x'.repeat(16 * 1024 * 1024))
        await assert.rejects(full, (error) => isOperationError(error, 'FULL'))
        assert.equal(await client.size(), 0)
      }),
    )
    it(
      'keeps the order of its own requests, in whatever way they are made',
      withClient({ window: 8, values: codecs.int32 }, async (client) => {
        const answers: Promise<unknown>[] = []
        for (let i = 0; i < 300; i++) {
          // More than the window takes: the rest waits, and nothing goes past it.
          answers.push(client.set('k', i))
          answers.push(client.get('k').then((value) => assert.ok((value ?? 0) >= i)))
          if (i % 7 === 0) assert.ok((client.sync.get('k') ?? 0) >= i)
          if (i % 11 === 0) client.sync.set('k', i)
        }
        await Promise.all(answers)
        assert.equal(await client.get('k'), 299)
      }),
    )
    it(
      'gives a call up when its caller does',
      withClient({ window: 1 }, async (client) => {
        const gone = AbortSignal.abort('done with it')
        await assert.rejects(client.set('k', 'v', { signal: gone }), (error) => {
          return isOperationError(error, 'ABORTED') && error.cause === 'done with it'
        })
        assert.equal(await client.get('k'), undefined)
        const controller = new AbortController()
        const calls = Array.from({ length: 5 }, (_, i) =>
          client.set('k', `${i}`, { signal: controller.signal }),
        )
        controller.abort()
        const outcomes = (await Promise.allSettled(calls)).map((result) =>
          result.status === 'rejected' ? (result.reason as { outcome: string }).outcome : 'done',
        )
        assert.deepEqual(outcomes.slice(1), ['not-applied', 'not-applied', 'not-applied', 'not-applied'])
        assert.equal(await client.set('k', 'later'), undefined)
        assert.equal(await client.get('k'), 'later')
      }),
    )
    it(
      'fails with CLOSED once closed, and SERVER_GONE once its server has stopped',
      withClient({}, async (client) => {
        const other = await way.open(server, {})
        await other.close()
        await other.close()
        await assert.rejects(other.get('k'), (error) => isOperationError(error, 'CLOSED'))
        assert.throws(
          () => other.sync.set('k', 'v'),
          (error) => isOperationError(error, 'CLOSED'),
        )
        // Nothing else is left that would keep this process until the news arrives.
        client.ref()
        const disconnected = new Promise((resolve) => client.once('disconnect', resolve))
        const stopped = server.stop()
        await disconnected
        await assert.rejects(client.set('k', 'v'), (error) => isOperationError(error, 'SERVER_GONE'))
        assert.throws(
          () => client.sync.get('k'),
          (error) => isOperationError(error, 'SERVER_GONE'),
        )
        await stopped
        assert.equal(server.isRunning, false)
        assert.throws(
          () => server.size,
          (error) => isOperationError(error, 'CLOSED'),
        )
        assert.throws(
          () => server.client(),
          (error) => isOperationError(error, 'CLOSED'),
        )
      }),
    )
  })
}
