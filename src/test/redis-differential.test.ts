/**
 * The same random commands to a redis-server and to a node, one by one, every reply compared byte by byte, in both
 * versions of the protocol. `REDIS_COMMANDS=100000` runs as many instead of a few thousand.
 *
 * What is not compared to the byte: what is left of a time (the two are asked at different moments), the order of
 * keys that are walked over, which key RANDOMKEY draws. docs/COMPATIBILITY.md lists what differs by intent; it is left
 * out of redis-shapes.ts.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { allCommands } from '../commands/command-table.js'
import { NO_REDIS, startRedisPeers } from './redis-peers.js'
import { ARGUMENTS, OWN_ANSWERS, SHAPES } from './redis-shapes.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const { REDIS_COMMANDS } = process.env
const COMMANDS = Number(REDIS_COMMANDS ?? 4000)
/** Of a hundred commands so many have any number of any arguments, and a name in lower case. */
const WILD_PERCENT = 10
const MOST_ARGUMENTS = 6
/** How far two servers may be apart in what they are told and asked, if one of them does not get its turn for a while. */
const SLACK_MS = 30_000

function randomCommand(random: SeededRandom): string[] {
  const pick = <T>(list: readonly T[]): T => {
    const item = list[random.below(list.length)]
    assert.ok(item !== undefined)
    return item
  }
  const [name, ...lists] = pick(SHAPES)
  if (random.below(100) >= WILD_PERCENT || OWN_ANSWERS.has(name))
    return [name, ...lists.map((list) => pick(list))]
  return [name.toLowerCase(), ...Array.from({ length: random.below(MOST_ARGUMENTS) }, () => pick(ARGUMENTS))]
}

const number = (reply: string): number => Number(/^:(-?\d+)\r\n$/.exec(reply)?.[1])
const sorted = (reply: string): string => reply.split('\r\n').sort().join('\r\n')
const isKey = (reply: string): boolean => /^\$\d/.test(reply)

/** Commands whose replies need not be the same bytes. */
const SAME: Readonly<Record<string, (a: string, b: string) => boolean>> = Object.freeze({
  TTL: isNear(1000),
  PTTL: isNear(1),
  EXPIRETIME: isNear(1000),
  PEXPIRETIME: isNear(1),
  KEYS: (a: string, b: string) => sorted(a) === sorted(b),
  SCAN: (a: string, b: string) => sorted(a) === sorted(b),
  // What has expired counts until it is swept, at either's leisure; KEYS shows whether the two agree.
  DBSIZE: isNear(1),
  RANDOMKEY: (a: string, b: string) => isKey(a) && isKey(b),
})

function isNear(unitMs: number) {
  return (a: string, b: string): boolean =>
    number(a) >= 0 && number(b) >= 0 && Math.abs(number(a) - number(b)) <= SLACK_MS / unitMs
}

/** Name, arity, whether it writes, and where its keys are: what COMMAND INFO says, of all that differs only in depth. */
function outline(info: unknown): unknown {
  assert.ok(Array.isArray(info))
  const [name, arity, flags, ...keys] = info as [string, number, string[], ...number[]]
  return [name, arity, flags.includes('write'), ...keys.slice(0, 3)]
}

describe('a node answers as Redis does', { skip: NO_REDIS }, () => {
  it('to the question how many arguments a command has, whether it writes, and where its keys are', async () => {
    const peers = await startRedisPeers(2)
    const redis = new Redis({ path: peers.redisPath })
    try {
      for (const command of allCommands()) {
        const [info] = (await redis.call('COMMAND', 'INFO', command.name)) as unknown[]
        const own = [command.name, command.arity, command.writes, ...command.keys]
        assert.deepEqual(own, outline(info))
      }
    } finally {
      redis.disconnect()
      await peers.close()
    }
  })

  for (const protocol of [2, 3] as const) {
    it(`to ${COMMANDS} random commands in RESP${protocol}`, async (t) => {
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const random = new SeededRandom(seed)
      const peers = await startRedisPeers(protocol)
      try {
        for (let i = 0; i < COMMANDS; i++) {
          const command = randomCommand(random)
          const [expected, got] = await Promise.all([peers.redis.reply(command), peers.hearth.reply(command)])
          const isSame = SAME[command[0]?.toUpperCase() ?? '']
          if (expected !== got && isSame?.(expected, got) !== true)
            assert.equal(got, expected, `seed ${seed}, command ${i}: ${JSON.stringify(command)}`)
        }
      } finally {
        await peers.close()
      }
    })
  }
})
