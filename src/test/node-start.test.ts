import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { platform } from 'node:os'
import { it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { RespClient } from '../client/resp-client.js'
import type { ServerOptions } from '../server/server-options.js'
import { startPlainNode, type UnnamedNode } from './unnamed-node.js'

/** An address of this process alone, where all of Linux's loopback ones are there: nobody else takes a port that was ours. */
const OWN_HOST =
  platform() === 'linux' ? `127.1.${(process.pid >>> 8) & 0xff}.${process.pid & 0xff}` : '127.0.0.1'

async function withNode(options: ServerOptions, work: (node: UnnamedNode) => Promise<void>): Promise<void> {
  const node = await startPlainNode(options)
  try {
    await work(node)
  } finally {
    await node.stop()
  }
}

/** Opens connections until `count` different workers have one; ids tell nothing, so it counts by INFO alone. */
const connectAll = (node: UnnamedNode, count: number): Promise<RespClient[]> =>
  Promise.all(Array.from({ length: count }, () => RespClient.connect(node.host, node.port)))

const fronts: readonly (readonly [name: string, options: ServerOptions])[] = [
  ['one worker', { socketWorkers: 1 }],
  ['four workers', { socketWorkers: 4 }],
]

for (const [name, options] of fronts) {
  it(`every connection sees one table and one set of counters: ${name}`, () =>
    withNode(options, async (node) => {
      const clients = await connectAll(node, 20)
      await Promise.all(clients.map((client, i) => client.call('SET', `k${i}`, `v${i}`)))
      for (const client of clients) {
        assert.equal(await client.call('DBSIZE'), 20)
        assert.deepEqual(await client.call('GET', 'k7'), Buffer.from('v7'))
      }
      await Promise.all(
        clients.flatMap((client) => Array.from({ length: 50 }, () => client.call('INCR', 'n'))),
      )
      assert.deepEqual(await clients[0]?.call('GET', 'n'), Buffer.from('1000'))
      const ids = await Promise.all(clients.map((client) => client.call('CLIENT', 'ID')))
      assert.equal(new Set(ids).size, clients.length)
      const info = String(await clients[0]?.call('INFO'))
      assert.match(info, /connected_clients:20\r\n/)
      assert.match(info, new RegExp(`tcp_port:${node.port}\r\n`))
      await Promise.all(clients.map((client) => client.close()))
    }))

  it(`it stops in order when told, and when a client says SHUTDOWN: ${name}`, async () => {
    const node = await startPlainNode({ ...options, resp: { host: OWN_HOST, port: 0 } })
    const clients = await connectAll(node, 8)
    const replies = clients.map((client) => client.call('PING'))
    await Promise.all(replies)
    void clients[0]?.call('SHUTDOWN').catch(() => {})
    await node.stopped
    await Promise.all(clients.map(({ closed }) => closed))
    await node.stop()
    const late = connect(node.port, node.host)
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNREFUSED')
  })
}

it('a node can be started again and again on the same port', async () => {
  let port = 0
  for (let i = 0; i < 3; i += 1) {
    await withNode({ resp: { host: OWN_HOST, port } }, async (node) => {
      port = node.port
      const client = await RespClient.connect(node.host, port)
      assert.equal(await client.call('DBSIZE'), 0)
      await client.call('SET', 'k', 'v')
      await client.close()
    })
  }
})

it('a port in use is refused with the reason', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  await assert.rejects(
    startPlainNode({ resp: { port: address.port } }),
    (error) =>
      isOperationError(error, 'REFUSED') && /EADDRINUSE/.test(String((error.cause as Error).message)),
  )
  other.close()
})

it('wrong options are refused before anything starts', async () => {
  const wrong: ServerOptions[] = [
    { resp: { port: -1 } },
    { resp: { port: 65_536 } },
    { resp: { port: 1.5 } },
    { socketWorkers: 0 },
    { socketWorkers: 1000 },
    { capacity: 10 },
    { capacity: Number.NaN },
    { capacity: 1e15 },
    { eviction: 'lru' as 'none' },
    { resp: { port: 0, host: '0.0.0.0' } },
    { resp: { port: 0, host: '::' } },
    { resp: { port: 0, host: '192.168.1.1' } },
    { resp: { port: 0, host: '127.0.0.1.example.org' } },
  ]
  for (const options of wrong) await assert.rejects(startPlainNode(options), RangeError)
})

it('a full table that evicts takes ten times what it holds', () =>
  withNode({ capacity: 256 * 1024, eviction: 'clock' }, async (node) => {
    const client = await RespClient.connect(node.host, node.port)
    const value = Buffer.alloc(4000, 0x76)
    const replies = Array.from({ length: 640 }, (_, number) => client.call('SET', `k${number}`, value))
    for (const reply of await Promise.all(replies)) assert.equal(reply, 'OK')
    assert.deepEqual(await client.call('GET', 'k639'), value)
    assert.match(String(await client.call('INFO', 'memory')), /maxmemory_policy:allkeys-lru/)
    const evicted = /evicted_keys:(\d+)/.exec(String(await client.call('INFO', 'stats')))
    assert.ok(Number(evicted?.[1]) >= 640 - 64)
    await client.close()
  }))

it('a full table refuses writes and goes on reading', () =>
  withNode({ capacity: 256 * 1024 }, async (node) => {
    const client = await RespClient.connect(node.host, node.port)
    const value = Buffer.alloc(4000, 0x76)
    let stored = 0
    await assert.rejects(async () => {
      for (; stored < 10_000; stored += 1) await client.call('SET', `k${stored}`, value)
    }, /^RespError: OOM command not allowed when used memory > 'maxmemory'\.$/)
    assert.ok(stored > 0)
    assert.deepEqual(await client.call('GET', 'k0'), value)
    await client.call('FLUSHALL')
    assert.equal(await client.call('SET', 'k', value), 'OK')
    await client.close()
  }))
