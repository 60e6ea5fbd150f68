import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Client, isOperationError, Server } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const INDEX = new URL('../index.js', import.meta.url).href
const run = promisify(execFile)

/** A program whose last lines are these. */
function program(lines: string): Promise<{ stdout: string; stderr: string }> {
  const head = `import { Client } from '${INDEX}'; const client = await Client.connect('waits');`
  return run(process.execPath, ['--input-type=module', '-e', head + lines])
}

describe('what a client waits for', { skip: NO_NAMED_TABLES }, () => {
  it('keeps its program alive until it is through, messages too', async () => {
    useScratchDirectory()
    await using _server = await Server.start({ name: 'waits', capacity: '1MiB' })
    const published = await program(`console.log(await client.publish('c', 'm'))`)
    assert.deepEqual(published, { stdout: '0\n', stderr: '' })
    const ended = await program(
      `const end = await client.subscribe('c', () => {}); await end(); console.log('ended')`,
    )
    assert.deepEqual(ended, { stdout: 'ended\n', stderr: '' })
    // Said to keep nothing alive, it does not: exit code 13 is that of an await that never ends.
    const left = program(`client.unref(); await client.publish('c', 'm'); console.log('not reached')`)
    await assert.rejects(left, { code: 13, stdout: '' })
  })

  it('is answered by what came in time, however late the event loop looks for it', async () => {
    useScratchDirectory()
    await using _server = await Server.start({ name: 'waits', capacity: '1MiB' })
    await using client = await Client.connect('waits')
    await using other = await Client.connect('waits')
    for (let round = 0; round < 5; round++) {
      const startedMs = performance.now()
      const stored = client.set('k', `${round}`, { timeoutMs: 20 })
      // The time is up, and the reply is there: the only worker has turned to what was asked after it.
      while (performance.now() < startedMs + 30 || other.sync.get('k') !== `${round}`);
      other.sync.set('after', '')
      await stored
    }
    assert.equal(client.sync.get('k'), '4')
  })

  it('fails with CLOSED when the client closes, messages too', async () => {
    useScratchDirectory()
    await using _server = await Server.start({ name: 'waits', capacity: '1MiB' })
    const client = await Client.connect('waits')
    const published = client.publish('c', 'm')
    await client.close()
    await assert.rejects(
      published,
      (error) => isOperationError(error, 'CLOSED') && error.outcome === 'unknown',
    )
  })

  it('is over with its time, however many requests an operation would still take', async (t) => {
    useScratchDirectory()
    await using server = await Server.start({ name: 'waits', capacity: '1MiB' })
    await using client = await Client.connect('waits')
    const faster = server.client()
    let calls = 0
    let passedMs = 0
    const now = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => now() + passedMs)
    /** Takes longer than there is time, while somebody else is faster. */
    const change = (): string => {
      calls++
      faster.sync.set('k', `${calls}`)
      passedMs += 40_000
      return 'mine'
    }
    const isLate = (e: unknown) => isOperationError(e, 'TIMEOUT') && e.outcome === 'not-applied'
    const options = { timeoutMs: 30_000 }
    await assert.rejects(client.compute('k', change, options), isLate)
    assert.throws(() => client.sync.compute('k', change, options), isLate)
    await assert.rejects(
      client.transaction(['k'], () => [['k', change()]], options),
      isLate,
    )
    assert.equal(calls, 3)
    assert.equal(await client.get('k'), '3')
  })

  it('goes on when a message or a subscription cannot be', async () => {
    useScratchDirectory()
    await using server = await Server.start({ name: 'waits', capacity: '1MiB' })
    const client = await Client.connect('waits')
    const ended: unknown[] = []
    client.on('disconnect', (error) => ended.push(error))
    const long = 'é'.repeat(32_769)
    for (const one of [client, server.client()]) {
      await assert.rejects(one.publish(long, 'm'), RangeError)
      await assert.rejects(one.publish('\ud800', 'm'), TypeError)
      await assert.rejects(
        one.subscribe(long, () => {}),
        RangeError,
      )
      await assert.rejects(one.subscribe('c', 5 as never), TypeError)
    }
    assert.equal(await client.publish(long.slice(1), 'm'), 0)
    assert.deepEqual(ended, [])
    await client.close()
    await assert.rejects(
      client.subscribe('c', () => {}),
      (error) => isOperationError(error, 'CLOSED'),
    )
  })

  it('gives a published message the time and the signal of its call', async () => {
    useScratchDirectory()
    await using _server = await Server.start({ name: 'waits', capacity: '1MiB' })
    await using client = await Client.connect('waits')
    await assert.rejects(client.publish('c', 'm', { timeoutMs: -1 }), RangeError)
    const aborted = client.publish('c', 'm', { signal: AbortSignal.abort() })
    await assert.rejects(aborted, (e) => isOperationError(e, 'ABORTED') && e.outcome === 'not-applied')
    const controller = new AbortController()
    const published = client.publish('c', 'm', { signal: controller.signal })
    controller.abort()
    await assert.rejects(published, (e) => isOperationError(e, 'ABORTED') && e.outcome === 'unknown')
  })
})
