/**
 * Transactions and publish/subscribe, compared with a redis-server to the byte: the same commands on two connections to each,
 * one by one. Errors and orders are written out; what else can be combined is drawn at random.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NO_REDIS, startRedisPeers } from './redis-peers.js'
import { SHAPES, type Shape } from './redis-shapes.js'
import { RedisTalk } from './redis-talk.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const { REDIS_COMMANDS } = process.env
const COMMANDS = Number(REDIS_COMMANDS ?? 800)

/** Two connections to each server. */
type Both = readonly [redis: RedisTalk, hearth: RedisTalk]

async function withTalks(
  protocol: 2 | 3,
  isDurable: boolean,
  work: (a: Both, b: Both) => Promise<void>,
): Promise<void> {
  const peers = await startRedisPeers(protocol, isDurable)
  const talk = (): Both => [
    new RedisTalk({ path: peers.redisPath }),
    new RedisTalk({ host: '127.0.0.1', port: peers.hearthPort }),
  ]
  const [a, b] = [talk(), talk()]
  try {
    for (const one of [...a, ...b]) await one.reply('HELLO', String(protocol))
    await work(a, b)
  } finally {
    for (const one of [...a, ...b]) one.close()
    await peers.close()
  }
}

async function same(both: Both, command: readonly string[], what = ''): Promise<string> {
  const [expected = '', got] = await Promise.all(both.map((talk) => talk.reply(...command)))
  assert.equal(got, expected, `${what} ${JSON.stringify(command)}`)
  return expected
}

async function sameNext(both: Both, what: string): Promise<void> {
  const [expected, got] = await Promise.all(both.map((talk) => talk.next()))
  assert.equal(got, expected, what)
}

/** Lines of words; `b:` in front: on the other connection; `>`: only wait for what comes there. */
async function play(script: string, a: Both, b: Both): Promise<void> {
  for (const line of script.trim().split('\n')) {
    const [first = '', ...rest] = line.trim().split(' ')
    const both = first === 'b:' ? b : a
    const words = first === 'b:' ? rest : [first, ...rest]
    if (words[0] === '>') await sameNext(both, line)
    else
      await same(
        both,
        words.map((word) => (word === "''" ? '' : word)),
        line,
      )
  }
}

const TRANSACTIONS = `
  EXEC
  DISCARD
  MULTI
  MULTI
  SET a 1
  INCR a
  WATCH a
  GET a
  EXEC
  MULTI
  NOPE
  SET a 9
  EXEC
  GET a
  MULTI
  GET
  EXEC
  MULTI
  CONFIG NOPE
  EXEC
  MULTI
  SHUTDOWN
  EXEC
  MULTI
  SET a abc
  INCR a
  SET b 2
  EXEC
  MULTI
  EXEC
  MULTI
  SET a 7
  DISCARD
  MGET a b
  WATCH a
  b: SET a abc
  MULTI
  GET a
  EXEC
  GET a
  WATCH a
  UNWATCH
  b: SET a 1
  MULTI
  GET a
  EXEC
  WATCH a c
  SET c 1
  MULTI
  EXEC
  WATCH nothing
  b: SET other 1
  MULTI
  PING
  EXEC
  WATCH nothing
  b: SET nothing 1
  MULTI
  NOPE
  EXEC
  WATCH a
  b: DEL a
  MULTI
  EXEC
  WATCH a
  b: EXPIRE c 100
  MULTI
  EXEC
  WATCH c
  b: EXPIRE c 100
  MULTI
  EXEC
  WATCH c
  b: PERSIST c
  MULTI
  EXEC
  WATCH c
  b: PERSIST c
  b: GETEX c
  b: DEL nope
  MULTI
  EXEC
  WATCH c nothing2
  b: FLUSHALL
  MULTI
  EXEC
  WATCH nothing2
  b: FLUSHALL
  MULTI
  EXEC
  WATCH c
  MULTI
  DISCARD
  b: SET c 1
  MULTI
  EXEC
  WATCH
  UNWATCH a
  MULTI a
  MULTI
  UNWATCH
  PUBLISH ch m
  FLUSHALL
  SET k v
  DBSIZE
  MSET x 1 y 2
  MSETNX x 3 z 4
  DEL x y k
  MGET x y z k
  EXEC
  MSETNX x 3 z 4
  MSETNX x 3 w 4
  MSETNX x 3 w
  MSETNX v 1 v 2
  MGET x w v z
  WATCH x
  MULTI
  SET x 5
  RESET
  EXEC
`

const MESSAGES_2 = `
  SUBSCRIBE one two
  >
  SUBSCRIBE one
  PSUBSCRIBE o* ?wo
  >
  PING
  PING x
  GET a
  CONFIG GET save
  MULTI
  NOPE
  b: PUBLISH one hello
  >
  >
  b: PUBLISH two ''
  >
  >
  b: PUBLISH three x
  b: PUBSUB CHANNELS t*
  b: PUBSUB NUMSUB one two three
  b: PUBSUB NUMSUB
  b: PUBSUB NUMPAT
  b: PUBSUB NOPE
  b: PUBSUB NUMPAT x
  b: PUBSUB
  UNSUBSCRIBE one three
  >
  b: PUBLISH one again
  >
  UNSUBSCRIBE
  PUNSUBSCRIBE ?wo
  PUNSUBSCRIBE
  UNSUBSCRIBE
  PUNSUBSCRIBE
  GET a
  PING
  b: PUBSUB NUMPAT
  b: PUBLISH one nobody
  SUBSCRIBE
  PUBLISH one
  SUBSCRIBE one
  RESET
  GET a
  b: PUBLISH one nobody
  SUBSCRIBE ''
  b: PUBLISH '' ''
  >
  b: MULTI
  b: PUBLISH '' in
  b: SET a 1
  b: EXEC
  >
`

const MESSAGES_3 = `
  SUBSCRIBE one two
  >
  PSUBSCRIBE o*
  GET a
  SET a 1
  PING
  PING x
  b: PUBLISH one hello
  >
  >
  MULTI
  SET a 2
  b: PUBLISH two x
  >
  EXEC
  UNSUBSCRIBE one
  UNSUBSCRIBE
  PUNSUBSCRIBE
  UNSUBSCRIBE
  b: PUBSUB NUMSUB one two
`

/** Answers that differ between any two servers, or that a transaction would have to wait for. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  ...['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'KEYS', 'SCAN', 'DBSIZE', 'RANDOMKEY'],
  ...['UNWATCH', 'HELLO', 'COMMAND', 'CONFIG', 'CLIENT'],
])
const COMPARED: readonly Shape[] = SHAPES.filter(([name]) => !NOT_COMPARED.has(name))
/**
 * What can take a key away. Not sent while a key is watched, but by the transaction itself: Redis counts a key that came and
 * went as changed, Hearth does not (docs/COMPATIBILITY.md).
 */
const CAN_DELETE = /DEL|UNLINK|FLUSH|EXPIRE|GETEX|RENAME|SET/

function drawn(random: SeededRandom, isWatching: boolean): string[] {
  for (;;) {
    const [name, ...lists] = COMPARED[random.below(COMPARED.length)] ?? assert.fail('there are shapes')
    const command = [name, ...lists.map((list) => list[random.below(list.length)] ?? '')]
    const canDelete = CAN_DELETE.test(name) && !(name === 'SET' && command.length === 3) && name !== 'MSET'
    if (!isWatching || !canDelete) return command
  }
}

for (const isDurable of [false, true]) {
  const where = isDurable ? 'a node that logs its writes' : 'a node'
  describe(`transactions and messages of ${where} are as in Redis`, { skip: NO_REDIS }, () => {
    for (const protocol of [2, 3] as const) {
      it(`transactions, step by step, in RESP${protocol}`, () =>
        withTalks(protocol, isDurable, (a, b) => play(TRANSACTIONS, a, b)))

      it(`messages, step by step, in RESP${protocol}`, () =>
        withTalks(protocol, isDurable, (a, b) => play(protocol === 2 ? MESSAGES_2 : MESSAGES_3, a, b)))

      it(`${COMMANDS} random commands in and around transactions, in RESP${protocol}`, (t) => {
        const seed = runSeed()
        t.diagnostic(`seed ${seed}`)
        return withTalks(protocol, isDurable, (a, b) => playAtRandom(seed, a, b))
      })
    }
  })
}

async function playAtRandom(seed: number, a: Both, b: Both): Promise<void> {
  const random = new SeededRandom(seed)
  let [isWatching, isQueueing] = [false, false]
  for (let i = 0; i < COMMANDS; i++) {
    const what = `seed ${seed}, command ${i}`
    const dice = random.below(20)
    const key = ['a', 'b', 'c', ''][random.below(4)] ?? 'a'
    if (dice < 2) {
      await same(a, ['MULTI'], what)
      isQueueing = true
    } else if (dice < 4) {
      await same(a, [['EXEC', 'DISCARD', 'exec'][random.below(3)] ?? 'EXEC'], what)
      if (isQueueing) isWatching = false
      isQueueing = false
    } else if (dice < 6) {
      await same(a, ['WATCH', key, 'c'], what)
      if (!isQueueing) isWatching = true
    } else if (dice < 10) await same(b, drawn(random, isWatching), what)
    else await same(a, drawn(random, isWatching && !isQueueing), what)
  }
}
