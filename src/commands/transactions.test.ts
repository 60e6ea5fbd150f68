/** What a comparison with a redis-server does not reach: limits, a full table, commands without a connection. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { MAX_TRANSACTION_BYTES, MAX_WATCHED_BYTES } from '../base/limits.js'
import { DirectStore } from '../store/direct-store.js'
import { LocalBus } from '../test/local-bus.js'
import { type Recorded, RecordedReply } from '../test/recorded-reply.js'
import type { CommandContext, NodeFacts } from './command.js'
import { ConnectionState } from './connection-state.js'
import { execute } from './execute.js'

const NODE: NodeFacts = {
  version: '0.0.0',
  startedAtMs: 0,
  durability: 'off',
  host: '127.0.0.1',
  port: 0,
  eviction: 'none',
  socketWorkers: 1,
  connectedClients: () => 1,
  connectionsReceived: () => 1,
  commandsProcessed: () => 0,
  shutdown: () => {},
}

class Talk {
  readonly store = DirectStore.create({ capacityBytes: 256 * 1024 })
  readonly bus = new LocalBus()
  readonly reply = new RecordedReply()
  readonly context: CommandContext

  constructor(hasConnection = true) {
    const { store, bus, reply } = this
    const connection = new ConnectionState(bus, { deliver: () => {}, drop: () => {} })
    const session = { id: 1, protocol: 2 as const, name: '', closing: false }
    const context = { store, bus, reply, session, node: NODE }
    this.context = hasConnection ? { ...context, connection } : context
  }

  run(...words: readonly (string | Buffer)[]): Recorded[] {
    execute(
      this.context,
      words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word)),
    )
    return this.reply.take()
  }
}

it('EXEC into a full table refuses all of it, and the connection goes on', () => {
  const talk = new Talk()
  talk.run('SET', 'a', 'before')
  talk.run('MULTI')
  talk.run('SET', 'a', 'after')
  for (let i = 0; i < 4; i++) talk.run('SET', `key ${i}`, Buffer.alloc(100 * 1024))
  talk.run('PUBLISH', 'ch', 'x')
  assert.deepEqual(talk.run('EXEC'), [
    {
      error:
        "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
    },
  ])
  assert.deepEqual(talk.run('GET', 'a'), ['before'])
  assert.deepEqual(talk.run('DBSIZE'), [1])
  assert.deepEqual(talk.run('EXEC'), [{ error: 'ERR EXEC without MULTI' }])
  talk.store.check()
  talk.store.close()
})

it('a transaction that grows beyond its limit is refused, and what it had queued is let go', () => {
  const talk = new Talk()
  talk.run('MULTI')
  const large = Buffer.alloc(MAX_TRANSACTION_BYTES / 4)
  for (let i = 0; i < 3; i++) assert.deepEqual(talk.run('ECHO', large), [{ simple: 'QUEUED' }])
  assert.match(JSON.stringify(talk.run('ECHO', large)), /OOM/)
  assert.equal(talk.context.connection?.queue?.length, 0)
  assert.deepEqual(talk.run('EXEC'), [
    { error: 'EXECABORT Transaction discarded because of previous errors.' },
  ])
  talk.store.close()
})

it('what is queued is a copy: the bytes that a command came in may be used again', () => {
  const talk = new Talk()
  const value = Buffer.from('first')
  talk.run('MULTI')
  talk.run('SET', 'a', value)
  value.write('later')
  talk.run('EXEC')
  assert.deepEqual(talk.run('GET', 'a'), ['first'])
  talk.store.close()
})

it('a command that comes without a connection can neither begin a transaction nor subscribe', () => {
  const talk = new Talk(false)
  for (const words of [['MULTI'], ['EXEC'], ['WATCH', 'a'], ['SUBSCRIBE', 'a'], ['PUNSUBSCRIBE']])
    assert.deepEqual(talk.run(...words), [{ error: 'ERR This command needs a connection of its own' }])
  assert.deepEqual(talk.run('PUBLISH', 'a', 'x'), [0])
  talk.store.close()
})

it('WATCH remembers so much and no more', () => {
  const talk = new Talk()
  const keys = Array.from({ length: 1000 }, (_, i) => Buffer.alloc(60_000 + i, 0x6b))
  let watched = 0
  let replies: Recorded[] = []
  do {
    const some = keys.map((key, i) => Buffer.concat([Buffer.from(`${watched + i}:`), key]))
    replies = talk.run('WATCH', ...some)
    watched += some.length
  } while (JSON.stringify(replies) === '[{"simple":"OK"}]' && watched < 10_000)
  assert.match(JSON.stringify(replies), /OOM/)
  assert.ok(watched * 60_000 > MAX_WATCHED_BYTES)
})
