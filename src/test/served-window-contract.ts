/**
 * What a client of a served table must do while several of its requests are under way, as tests: those of its window, long
 * answers that nobody collects, the order of all, and calls that their callers give up.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { codecs, isOperationError } from '../index.js'
import type { WithClient } from './served-contract.js'

export function describeWindow(withClient: WithClient): void {
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
}
