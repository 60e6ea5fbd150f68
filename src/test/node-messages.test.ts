/** Messages and transactions over a real node of several socket workers: connections lie on all of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { MAX_SUBSCRIBER_BACKLOG_BYTES } from '../base/limits.js'
import { RedisTalk } from './redis-talk.js'
import { startDurableNode, startPlainNode, type UnnamedNode } from './unnamed-node.js'

const WORKERS = 3
const CAPACITY_BYTES = 16 * 1024 * 1024
/** So many connections lie on every worker, but for one run in thousands. */
const LISTENERS = 24
const MESSAGES = 400
const TRANSFERS = 60
const ACCOUNTS = ['one', 'two', 'three', 'four'] as const
const TOTAL = 400

let node: UnnamedNode
before(async () => {
  node = await startPlainNode({ socketWorkers: WORKERS, capacity: CAPACITY_BYTES })
})
after(() => node.stop())

const talk = (): RedisTalk => new RedisTalk({ host: node.host, port: node.port })

describe('messages', () => {
  it('reach subscribers on every worker, of each publisher in its order, and are counted', async () => {
    const listeners = Array.from({ length: LISTENERS }, talk)
    const publishers = [talk(), talk(), talk()]
    for (const [at, listener] of listeners.entries())
      await listener.reply(at % 2 === 0 ? 'SUBSCRIBE' : 'PSUBSCRIBE', at % 2 === 0 ? 'news' : 'n?w*')
    const hearing = listeners.map(async (listener) => {
      const last = publishers.map(() => -1)
      for (let heard = 0; heard < MESSAGES * publishers.length; heard++) {
        const [, publisher = '', count = ''] = / (\d+):(\d+)\r\n$/.exec(await listener.next()) ?? []
        assert.equal(Number(count), (last[Number(publisher)] ?? 0) + 1)
        last[Number(publisher)] = Number(count)
      }
    })
    await Promise.all(
      publishers.map(async (publisher, who) => {
        for (let i = 0; i < MESSAGES; i++) publisher.send('PUBLISH', 'news', `message ${who}:${i}`)
        for (let i = 0; i < MESSAGES; i++) assert.equal(await publisher.next(), `:${LISTENERS}\r\n`)
      }),
    )
    await Promise.all(hearing)
    assert.equal(await publishers[0]?.reply('PUBSUB', 'NUMPAT'), ':1\r\n')
    for (const one of listeners) one.close()
    // The last connection's going is noticed by its worker in its own time.
    const [asker = talk()] = publishers
    while ((await asker.reply('PUBLISH', 'news', 'nobody?')) !== ':0\r\n') {}
    assert.equal(await asker.reply('PUBSUB', 'CHANNELS'), '*0\r\n')
    for (const one of publishers) one.close()
  })

  it('a subscriber that reads nothing is dropped at its limit, and the others miss nothing', async () => {
    const message = 'x'.repeat(256 * 1024)
    const [deaf, listener, publisher] = [talk(), talk(), talk()]
    await deaf.reply('SUBSCRIBE', 'flood')
    await listener.reply('SUBSCRIBE', 'flood')
    deaf.pause()
    // Far more than the system's buffers, and than others send while the thread that drops it does not get its turn.
    const isEnough = (sent: number): boolean => sent * message.length > 200 * MAX_SUBSCRIBER_BACKLOG_BYTES
    let sent = 0
    for (let receivers = ':2\r\n'; receivers === ':2\r\n'; sent++) {
      assert.ok(!isEnough(sent), 'it was never dropped')
      receivers = await publisher.reply('PUBLISH', 'flood', message)
      assert.ok((await listener.next()).endsWith(`${message}\r\n`))
    }
    assert.ok(sent * message.length > MAX_SUBSCRIBER_BACKLOG_BYTES)
    deaf.resume()
    await deaf.closed()
    for (const one of [deaf, listener, publisher]) one.close()
  })

  it('a publisher that is thrown out of a transaction has published nothing', async () => {
    const [listener, publisher, other] = [talk(), talk(), talk()]
    await listener.reply('SUBSCRIBE', 'ch')
    await publisher.reply('WATCH', 'k')
    await other.reply('SET', 'k', '1')
    for (const command of [['MULTI'], ['PUBLISH', 'ch', 'never']]) await publisher.reply(...command)
    assert.equal(await publisher.reply('EXEC'), '*-1\r\n')
    await other.reply('PUBLISH', 'ch', 'now')
    assert.match(await listener.next(), /now\r\n$/)
    for (const one of [listener, publisher, other]) one.close()
  })
})

for (const isDurable of [false, true]) {
  describe(`transactions on all workers${isDurable ? ' of a node that logs its writes' : ''}`, () => {
    it('move amounts about, and whoever reads all accounts at once finds every amount', async () => {
      if (!isDurable) return moveAmounts(node)
      const folder = mkdtempSync(join(tmpdir(), 'hearth-messages-'))
      const durable = await startDurableNode(join(folder, 'data'), CAPACITY_BYTES, WORKERS)
      try {
        await moveAmounts(durable)
      } finally {
        await durable.stop()
        rmSync(folder, { recursive: true })
      }
    })
  })
}

async function moveAmounts(address: { readonly host: string; readonly port: number }): Promise<void> {
  const open = (): RedisTalk => new RedisTalk({ host: address.host, port: address.port })
  const setup = open()
  await setup.reply('MSET', ...ACCOUNTS.flatMap((name) => [name, String(TOTAL / ACCOUNTS.length)]))
  let isOver = false
  const readers = Array.from({ length: 4 }, async () => {
    const reader = open()
    while (!isOver) {
      const amounts = (await reader.reply('MGET', ...ACCOUNTS))
        .split('\r\n')
        .filter((_, at) => at > 0 && at % 2 === 0)
      assert.equal(
        amounts.reduce((sum, amount) => sum + Number(amount), 0),
        TOTAL,
      )
    }
    reader.close()
  })
  const movers = Array.from({ length: 6 }, async (_, who) => {
    const mover = open()
    for (let i = 0; i < TRANSFERS; ) {
      const [from = '', to = ''] = [ACCOUNTS[(who + i) % 4], ACCOUNTS[(who + i + 1 + (i % 3)) % 4]]
      if (who % 2 === 0) {
        for (const command of [['MULTI'], ['DECRBY', from, '3'], ['INCRBY', to, '3']])
          await mover.reply(...command)
        assert.match(await mover.reply('EXEC'), /^\*2\r\n/)
        i++
        continue
      }
      await mover.reply('WATCH', from, to)
      const [a, b] = [number(await mover.reply('GET', from)), number(await mover.reply('GET', to))]
      for (const command of [['MULTI'], ['SET', from, String(a - 1)], ['SET', to, String(b + 1)]])
        await mover.reply(...command)
      if ((await mover.reply('EXEC')) !== '*-1\r\n') i++
    }
    mover.close()
  })
  await Promise.all(movers)
  isOver = true
  await Promise.all(readers)
  setup.close()
}

function number(bulk: string): number {
  return Number(bulk.split('\r\n')[1])
}

describe('client packages', () => {
  it('ioredis subscribes, publishes and runs transactions', async () => {
    const [listener, redis] = [0, 1].map(() => new Redis({ host: node.host, port: node.port }))
    assert.ok(listener !== undefined && redis !== undefined)
    const heard = new Promise<string>((resolve) => {
      listener.on('message', (channel, message) => resolve(`${channel} ${message}`))
    })
    const heardByPattern = new Promise<string>((resolve) => {
      listener.on('pmessage', (pattern, channel, message) => resolve(`${pattern} ${channel} ${message}`))
    })
    assert.equal(await listener.subscribe('io', 'other'), 2)
    assert.equal(await listener.psubscribe('i*'), 3)
    assert.equal(await redis.publish('io', 'hello'), 2)
    assert.equal(await heard, 'io hello')
    assert.equal(await heardByPattern, 'i* io hello')
    assert.deepEqual(await redis.multi().set('io', 1).incr('io').get('io').exec(), [
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ])
    await redis.watch('io')
    const other = redis.duplicate()
    await other.set('io', 9)
    other.disconnect()
    assert.equal(await redis.multi().set('io', 1).exec(), null)
    listener.disconnect()
    redis.disconnect()
  })

  for (const protocol of [2, 3] as const) {
    it(`node-redis with RESP${protocol} subscribes, publishes and runs transactions`, async () => {
      const make = () => createClient({ socket: { host: node.host, port: node.port }, RESP: protocol })
      const [listener, redis] = [make(), make()]
      for (const one of [listener, redis]) {
        one.on('error', () => {})
        await one.connect()
      }
      const heard = new Promise<string>((resolve) => {
        void listener.subscribe('nr', (message, channel) => resolve(`${channel} ${message}`))
      })
      const heardByPattern = new Promise<string>((resolve) => {
        void listener.pSubscribe('n*', (message, channel) => resolve(`${channel} ${message}`))
      })
      // Both subscriptions are there once the count says so.
      while ((await redis.publish('nr', 'hello')) < 2) {}
      assert.equal(await heard, 'nr hello')
      assert.equal(await heardByPattern, 'nr hello')
      assert.deepEqual(await redis.multi().set('nr', '1').incr('nr').get('nr').exec(), ['OK', 2, '2'])
      await redis.watch('nr')
      await redis.sendCommand(['SET', 'nr', '5'])
      await assert.rejects(redis.multi().set('nr', '1').exec(), /watch/i)
      await listener.unsubscribe('nr')
      await listener.pUnsubscribe('n*')
      listener.destroy()
      redis.destroy()
    })
  }
})
