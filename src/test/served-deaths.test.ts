/** Servers and clients that are killed, stopped, started again: what the others see. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs, { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { describe, it } from 'node:test'
import { Client, isOperationError, Server, SharedMap } from '../index.js'
import { awaitState, ending, nextMessage } from './named-process.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runServed, startServed, startServedThread, startServer } from './served-process.js'
import type { StoreReport } from './served-worker.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const options = { skip: NO_NAMED_TABLES }
const filesOf = (name: string): string[] => readdirSync(directory).filter((file) => file.includes(name))

/** Whoever answers in these tests does so, however late. */
function connect(name: string): Promise<Client> {
  return Client.connect(name, { timeoutMs: 60_000 })
}

/** Waits until `look` finds it so; every turn of the event loop looks again. */
async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setImmediate(resolve))
}

describe('clients that go', options, () => {
  for (const how of ['set', 'get', 'closed'] as const) {
    it(`a program whose last line asks (${how}) ends with 0`, async () => {
      await using _server = await Server.start({ name: `end ${how}`, capacity: '1MiB' })
      assert.equal(await ending(runServed({ task: 'end', name: `end ${how}`, how })), 0)
    })
  }

  for (const what of ['request', 'window', 'transfer'] as const) {
    it(`killed or stopped with a ${what} on its way, a client disturbs nobody, and its lanes come back`, async () => {
      const name = `left ${what}`
      await using server = await Server.start({ name, capacity: '16MiB', laneWorkers: 2, maxClients: 5 })
      await using witness = await connect(name)
      const children = [0, 1, 2].map(() => startServed({ task: 'leave', name, what }))
      await Promise.all(children.map(nextMessage))
      assert.equal(server.clients, 4)
      children[0]!.kill('SIGSTOP')
      awaitState(children[0]!, 'T')
      for (let i = 0; i < 200; i++) {
        await witness.set('k', `${i}`)
        assert.equal(witness.sync.get('k'), `${i}`)
        if (i === 100) for (const child of children) child.kill('SIGKILL')
      }
      await Promise.all(children.map(ending))
      await until(() => server.clients === 1)
      assert.equal(filesOf('.lane-').length, 0)
      // All the room there is can be had again.
      const more = await Promise.all([1, 2, 3, 4].map(() => connect(name)))
      await assert.rejects(connect(name), (error) => isOperationError(error, 'REFUSED'))
      for (const client of more) await client.close()
      server.check()
    })
  }
})

describe('threads that go', options, () => {
  it('terminated in the middle of asking, their lanes come back, and the process goes on', async () => {
    await using server = await Server.start({ name: 'threads', capacity: '4MiB', laneWorkers: 2 })
    await using witness = await connect('threads')
    for (let round = 0; round < 4; round++) {
      const threads = (['sync', 'promise', 'windowed'] as const).map((way) =>
        startServedThread('threads', way),
      )
      await Promise.all(threads.map((thread) => once(thread, 'message')))
      await witness.set('k', `${round}`)
      await Promise.all(threads.map((thread) => thread.terminate()))
      assert.equal(witness.sync.get('k'), `${round}`)
    }
    await until(() => server.clients === 1)
    server.check()
  })
})

describe('servers that go', options, () => {
  for (const way of ['sync', 'promise', 'windowed'] as const) {
    it(`killed under a storm of ${way} writes, every call ends, and the next server takes the name over`, async () => {
      const name = `killed ${way}`
      const first = await startServer(name, 2)
      const clients = [0, 1].map(() => startServed({ task: 'store', name, way }))
      await Promise.all(clients.map(nextMessage))
      const reports = Promise.all(clients.map(nextMessage)) as Promise<StoreReport[]>
      first.kill('SIGKILL')
      for (const { code, outcome } of await reports) {
        assert.equal(code, 'SERVER_GONE')
        assert.match(outcome, /unknown|not-applied/)
      }
      await ending(first)
      const second = await startServer(name)
      await using client = await connect(name)
      assert.equal(await client.size(), 0)
      second.send('stop')
      assert.equal(await ending(second), 0)
      for (const child of clients) assert.equal(await ending(child), 0)
      assert.deepEqual(filesOf(name), [])
    })
  }

  it('a name goes only when its server has ended, and nothing of it stays', async () => {
    const name = 'removed'
    const server = await startServer(name)
    const client = await connect(name)
    await client.set('k', 'v')
    assert.throws(
      () => SharedMap.unlink(name),
      (error) => isOperationError(error, 'SERVED') && error.message.includes(`process ${server.pid}`),
    )
    assert.throws(
      () => SharedMap.open(name),
      (error) => isOperationError(error, 'SERVED') && /connect a client/.test(error.message),
    )
    assert.equal(await client.get('k'), 'v')
    server.kill('SIGKILL')
    await ending(server)
    await client.close()
    assert.throws(
      () => SharedMap.open(name),
      (error) => isOperationError(error, 'SERVED') && /has ended/.test(error.message),
    )
    assert.equal(SharedMap.unlink(name), true)
    assert.deepEqual(filesOf(name), [])
  })

  it('a client reconnects by itself, and reads nothing of what the dead server had', async () => {
    const name = 'again'
    const first = await startServer(name)
    await using client = await connect(name)
    client.ref()
    await client.set('k', 'old')
    assert.equal(client.sync.get('k'), 'old')
    first.kill('SIGSTOP')
    awaitState(first, 'T')
    const open = client.submit('set', 'k', 'older')
    const read = client.submit('get', 'k')
    const disconnected = once(client as never, 'disconnect')
    first.kill('SIGKILL')
    const [error] = (await disconnected) as [unknown]
    assert.ok(isOperationError(error, 'SERVER_GONE'))
    assert.equal(client.isConnected, false)
    assert.throws(
      () => client.sync.get('k'),
      (reason) => isOperationError(reason, 'SERVER_GONE') && reason.outcome === 'not-applied',
    )
    for (const [id, outcome] of [
      [open, 'unknown'],
      [read, 'not-applied'],
    ] as const) {
      const isGone = (reason: unknown) =>
        isOperationError(reason, 'SERVER_GONE') && reason.outcome === outcome
      assert.throws(() => client.poll(id), isGone)
      assert.throws(() => client.sync.result(id), isGone)
      await assert.rejects(client.result(id), isGone)
    }
    const reconnected = once(client as never, 'reconnect')
    const second = await startServer(name)
    await reconnected
    assert.equal(client.sync.get('k'), undefined)
    assert.equal(await client.get('k'), undefined)
    assert.throws(
      () => client.poll(open),
      (reason) => isOperationError(reason, 'SERVER_GONE') && reason.outcome === 'unknown',
    )
    await client.set('k', 'new')
    assert.equal(client.sync.get('k'), 'new')
    second.send('stop')
    assert.equal(await ending(second), 0)
  })

  it('a client that cannot open what it needs to reconnect tries again', async (t) => {
    const name = 'descriptors'
    const first = await startServer(name)
    await using client = await connect(name)
    client.ref()
    const disconnected = once(client as never, 'disconnect')
    first.kill('SIGKILL')
    await disconnected
    const reconnected = once(client as never, 'reconnect')
    let refusals = 0
    const { openSync } = fs
    const refuse = (path: string, ...rest: [number]): number => {
      if (refusals === 3 || !path.includes('.lane-')) return openSync(path, ...rest)
      refusals++
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' })
    }
    t.mock.method(fs, 'openSync', refuse as typeof openSync)
    syncBuiltinESMExports()
    try {
      const second = await startServer(name)
      await reconnected
      assert.equal(refusals, 3)
      await client.set('k', 'v')
      second.send('stop')
      assert.equal(await ending(second), 0)
    } finally {
      t.mock.restoreAll()
      syncBuiltinESMExports()
    }
  })

  it('killed while a client polls and does nothing else, that is told', async () => {
    const name = 'polled'
    const server = await startServer(name)
    await using client = await connect(name)
    server.kill('SIGSTOP')
    awaitState(server, 'T')
    const id = client.submit('set', 'k', 'v')
    server.kill('SIGKILL')
    const poll = (): void => {
      while (client.poll(id) === undefined);
    }
    assert.throws(poll, (error) => isOperationError(error, 'SERVER_GONE') && error.outcome === 'unknown')
    await ending(server)
  })

  it('stopped, it lets calls time out, and answers what comes after', async () => {
    const name = 'stopped'
    const server = await startServer(name)
    await using client = await connect(name)
    await client.set('k', '1')
    server.kill('SIGSTOP')
    awaitState(server, 'T')
    const unknown = (error: unknown): boolean =>
      isOperationError(error, 'TIMEOUT') && error.outcome === 'unknown'
    assert.throws(() => client.sync.set('k', '2', { timeoutMs: 100 }), unknown)
    await assert.rejects(client.set('k', '3', { timeoutMs: 100 }), unknown)
    // What was given up on is on its way all the same: a read of that key waits for it.
    await assert.rejects(client.get('k', { timeoutMs: 100 }), (error) => {
      return isOperationError(error, 'TIMEOUT') && error.outcome === 'not-applied'
    })
    const controller = new AbortController()
    const aborted = client.set('k', '4', { signal: controller.signal })
    controller.abort()
    await assert.rejects(
      aborted,
      (error) => isOperationError(error, 'ABORTED') && error.outcome === 'unknown',
    )
    server.kill('SIGCONT')
    assert.equal(await client.get('k'), '4')
    await client.set('k', '5')
    assert.equal(client.sync.get('k'), '5')
    server.send('stop')
    assert.equal(await ending(server), 0)
  })

  it('a second one on the name is refused and told who has it; the first goes on', async () => {
    const name = 'taken'
    const first = await startServer(name)
    await using client = await connect(name)
    await client.set('k', 'v')
    await assert.rejects(Server.start({ name }), (error) => {
      return isOperationError(error, 'REFUSED') && error.message.includes(String(first.pid))
    })
    assert.equal(await client.get('k'), 'v')
    first.send('stop')
    assert.equal(await ending(first), 0)
    await using _second = await Server.start({ name, capacity: '1MiB' })
    assert.deepEqual(await (await connect(name)).get('k'), undefined)
  })

  it('killed while it starts, it leaves nothing that stops the next, which clears what there is', async () => {
    const name = 'begun'
    const leftBehind = new Set<string>()
    for (let round = 0; round < 8; round++) {
      const child = startServed({ task: 'serve', name })
      // Some before they have done anything, some in the middle, some when they serve.
      if (round % 4 === 3) await nextMessage(child)
      else if (round % 4 > 0) await until(() => filesOf(name).length >= round % 4)
      child.kill('SIGKILL')
      await ending(child)
      for (const file of filesOf(name)) leftBehind.add(file)
    }
    assert.ok(leftBehind.size > 0)
    const server = await Server.start({ name, capacity: '1MiB' })
    await using client = await connect(name)
    await client.set('k', 'v')
    await client.close()
    await server.stop()
    assert.deepEqual(filesOf(name), [])
  })
})
