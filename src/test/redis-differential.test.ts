/**
 * The same random commands to a redis-server and to a node, one by one, every reply compared byte by byte. Only where
 * there is a redis-server on the path; it is started for the test, on a port of the system's choice.
 *
 * What is not compared: how many seconds exactly are left (the two are asked at different moments), and moments beyond
 * 2^53 ms, which Hearth refuses.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type RunningNode, startNode } from '../server/node.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0
const COMMANDS = 4000

const KEYS = ['a', 'b', 'c', '', '__proto__', 'k\0n', '\xff\xfe']
const TEXTS = [
  '1',
  '-1',
  'abc',
  '',
  '9223372036854775807',
  '-9223372036854775808',
  '1.5',
  '  3',
  '007',
  '\r\n',
]
const NUMBERS = [
  '0',
  '1',
  '-1',
  '100',
  '-100',
  ...TEXTS,
  '9223372036854775808',
  '+1',
  '01',
  '-0',
  ' 1',
  '0x10',
]
/** None that passes while the test runs: the two would not see it at the same moment. */
const TIMES = ['100000', '1000000', '0', '-1', 'abc', '99999999999', '-9223372036854775808']
const OPTIONS = ['EX', 'PX', 'NX', 'XX', 'GET', 'KEEPTTL', 'EXAT', 'PXAT', 'GT', 'LT', 'ex', 'nope', ...TIMES]

/** Each command with the lists that its arguments are drawn from. */
const SHAPES: readonly (readonly [string, ...(readonly string[])[]])[] = [
  ['SET', KEYS, TEXTS],
  ['SET', KEYS, TEXTS, OPTIONS],
  ['SET', KEYS, TEXTS, OPTIONS, OPTIONS],
  ['SET', KEYS, TEXTS, OPTIONS, OPTIONS, OPTIONS],
  ['GET', KEYS],
  ['GETSET', KEYS, TEXTS],
  ['GETDEL', KEYS],
  ['SETNX', KEYS, TEXTS],
  ['SETEX', KEYS, TIMES, TEXTS],
  ['PSETEX', KEYS, TIMES, TEXTS],
  ['MSET', KEYS, TEXTS, KEYS, TEXTS],
  ['MSET', KEYS, TEXTS, KEYS],
  ['MGET', KEYS, KEYS],
  ['APPEND', KEYS, TEXTS],
  ['STRLEN', KEYS],
  ['DEL', KEYS, KEYS],
  ['UNLINK', KEYS],
  ['EXISTS', KEYS, KEYS],
  ['TOUCH', KEYS, KEYS],
  ['TYPE', KEYS],
  ['INCR', KEYS],
  ['DECR', KEYS],
  ['INCRBY', KEYS, NUMBERS],
  ['DECRBY', KEYS, NUMBERS],
  ['EXPIRE', KEYS, TIMES],
  ['EXPIRE', KEYS, TIMES, OPTIONS],
  ['EXPIRE', KEYS, TIMES, OPTIONS, OPTIONS],
  ['PEXPIRE', KEYS, TIMES, OPTIONS],
  ['EXPIREAT', KEYS, TIMES],
  ['PEXPIREAT', KEYS, TIMES],
  ['PERSIST', KEYS],
  ['DBSIZE'],
  ['DBSIZE', KEYS],
  ['GET'],
  ['SET', KEYS],
  ['PING', TEXTS],
  ['PING', TEXTS, TEXTS],
  ['NOPE', TEXTS, KEYS],
  ['FLUSHALL', OPTIONS],
]

/** A connection that sends one command at a time and gives back the bytes of its reply. */
class Peer {
  readonly #socket: Socket
  #received = ''
  #sent = 0
  #arrived: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#received += String(text)
      this.#arrived()
    })
  }

  async reply(command: readonly string[]): Promise<string> {
    const mark = `mark ${this.#sent++}`
    const end = `$${mark.length}\r\n${mark}\r\n`
    this.#socket.write(Buffer.from(encoded(command) + encoded(['ECHO', mark]), 'latin1'))
    while (!this.#received.endsWith(end)) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    const text = this.#received.slice(0, -end.length)
    this.#received = ''
    return text
  }

  close(): void {
    this.#socket.destroy()
  }
}

function encoded(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

describe('a node answers as Redis does', {
  skip: HAS_REDIS ? false : 'there is no redis-server here',
}, () => {
  let redis: ChildProcess
  let node: RunningNode
  let peers: [Peer, Peer]

  before(async () => {
    const port = await freePort()
    redis = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'])
    for await (const text of redis.stdout ?? []) if (String(text).includes('Ready to accept')) break
    node = await startNode({ respPort: 0, capacityBytes: 4 * 2 ** 20, socketWorkers: 1 })
    peers = [new Peer(port), new Peer(node.port)]
  })

  after(async () => {
    for (const peer of peers) peer.close()
    redis.kill()
    await node.stop()
  })

  it(`to ${COMMANDS} random commands`, async (t) => {
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const random = new SeededRandom(seed)
    const pick = <T>(list: readonly T[]): T => {
      const item = list[random.below(list.length)]
      assert.ok(item !== undefined)
      return item
    }
    for (let i = 0; i < COMMANDS; i++) {
      const [name, ...lists] = pick(SHAPES)
      const command = [name, ...lists.map((list) => pick(list))]
      const [expected, got] = await Promise.all(peers.map((peer) => peer.reply(command)))
      assert.equal(got, expected, `seed ${seed}, command ${i}: ${JSON.stringify(command)}`)
    }
  })
})
