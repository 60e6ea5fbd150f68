/** The well-known client packages against a real node of two workers, with nothing set up for them. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { startPlainNode, type UnnamedNode } from './unnamed-node.js'

let node: UnnamedNode

before(async () => {
  node = await startPlainNode()
})
after(() => node.stop())

/** What is left of 1000 seconds: in seconds, and not much has passed. */
function assertInSeconds(left: number): void {
  assert.ok(left > 800 && left <= 1000, `${left}`)
}

describe('ioredis', () => {
  let redis: Redis
  before(() => {
    redis = new Redis({ host: node.host, port: node.port })
  })
  after(() => redis.quit())

  it('connects and reads and writes', async () => {
    await redis.flushall()
    assert.equal(await redis.set('a', '1'), 'OK')
    assert.equal(await redis.set('a', '2', 'EX', 1000, 'NX'), null)
    assert.equal(await redis.set('a', '2', 'PX', 1_000_000, 'GET'), '1')
    assertInSeconds(await redis.ttl('a'))
    assert.equal(await redis.incrby('a', 40), 42)
    assert.equal(await redis.get('b'), null)
    assert.deepEqual(await redis.mget('a', 'b'), ['42', null])
    const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await redis.set('binary', binary)
    assert.deepEqual(await redis.getBuffer('binary'), binary)
    assert.equal(await redis.del('a', 'binary', 'c'), 2)
  })

  it('pipelines, with errors in their places', async () => {
    const replies = await redis.pipeline().set('n', 'x').incr('n').get('n').exec()
    assert.equal(replies?.length, 3)
    assert.deepEqual(replies?.[0], [null, 'OK'])
    assert.equal(replies?.[1]?.[0]?.message, 'ERR value is not an integer or out of range')
    assert.deepEqual(replies?.[2], [null, 'x'])
  })

  it('walks with a scan stream', async () => {
    await redis.flushall()
    await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${i}`, 'v'])))
    const seen: string[] = []
    for await (const keys of redis.scanStream({ match: 'key*', count: 50 })) seen.push(...(keys as string[]))
    assert.equal(seen.length, 300)
    assert.equal(new Set(seen).size, 300)
  })
})

for (const protocol of [2, 3] as const) {
  describe(`node-redis with RESP${protocol}`, () => {
    const make = () => createClient({ socket: { host: node.host, port: node.port }, RESP: protocol })
    let redis: ReturnType<typeof make>
    before(async () => {
      redis = make()
      // Failures show in the calls that meet them.
      redis.on('error', () => {})
      await redis.connect()
    })
    after(() => redis.close())

    it('connects and reads and writes', async () => {
      await redis.flushAll()
      assert.equal(await redis.set('a', '1'), 'OK')
      assert.equal(await redis.set('a', '2', { condition: 'NX' }), null)
      assert.equal(await redis.set('a', '2', { expiration: { type: 'EX', value: 1000 }, GET: true }), '1')
      assertInSeconds(await redis.ttl('a'))
      assert.equal(await redis.incrBy('a', 40), 42)
      assert.deepEqual(await redis.mGet(['a', 'b']), ['42', null])
      await assert.rejects(redis.sendCommand(['NOPE']), /unknown command 'NOPE'/)
      assert.deepEqual({ ...(await redis.configGet('save')) }, { save: '' })
      assert.equal(await redis.dbSize(), 1)
      assert.match(await redis.info(), /redis_version/)
    })

    it('sends many commands at once and gets each answer', async () => {
      const replies = await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.set(`k${i}`, String(i))))
      assert.ok(replies.every((reply) => reply === 'OK'))
      const values = await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.get(`k${i}`)))
      assert.deepEqual(
        values,
        Array.from({ length: 1000 }, (_, i) => String(i)),
      )
      const seen = new Set<string>()
      for await (const keys of redis.scanIterator({ MATCH: 'k*' })) for (const key of keys) seen.add(key)
      assert.equal(seen.size, 1000)
    })
  })
}
