/**
 * Every operation of a client, by promises, blocking and by the window: over a server with a name, from the same thread and
 * from a connection by name, and over one without.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, codecs, isOperationError, Server } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { type ClientTerms, describeOperations, type WithClient } from './served-contract.js'
import { describeWindow } from './served-window-contract.js'

const skip = NO_NAMED_TABLES
if (skip === false) useScratchDirectory()

/** Dozens of calls that all compete for one key take as long as the machine needs. */
const TIMEOUT_MS = 120_000

interface Way {
  readonly name: string
  readonly shm: boolean
  /** The server logs every write. */
  readonly isDurable?: boolean
  open<K, V>(server: Server, terms: ClientTerms<K, V>): Promise<Client<K, V>>
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-served-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function connect<K, V>(server: Server, terms: ClientTerms<K, V>): Promise<Client<K, V>> {
  return Client.connect(server.name, { timeoutMs: TIMEOUT_MS, ...terms })
}

async function onThread<K, V>(server: Server, terms: ClientTerms<K, V>): Promise<Client<K, V>> {
  return server.client({ timeoutMs: TIMEOUT_MS, ...terms })
}

const ways: readonly Way[] = [
  { name: 'by name', shm: true, open: connect },
  { name: 'on the thread of the server', shm: true, open: onThread },
  { name: 'of a server that logs', shm: true, isDurable: true, open: connect },
  { name: 'of a server without a name', shm: false, open: onThread },
]

for (const way of ways) {
  let server: Server
  const withClient: WithClient = (terms, work) => async () => {
    const client = await way.open(server, terms)
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
    describeOperations(withClient)
    describeWindow(withClient)
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
