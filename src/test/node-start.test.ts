import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { RespClient } from '../client/resp-client.js'
import { type RunningNode, startNode } from '../server/node.js'
import type { NodeOptions } from '../server/node-options.js'
import { MapStore } from '../store/map-store.js'

const CAPACITY_BYTES = 4 * 1024 * 1024

async function withNode(options: NodeOptions, work: (node: RunningNode) => Promise<void>): Promise<void> {
  const node = await startNode({ respPort: 0, capacityBytes: CAPACITY_BYTES, ...options })
  try {
    await work(node)
  } finally {
    await node.stop()
  }
}

/** Opens connections until `count` different workers have one; ids tell nothing, so it counts by INFO alone. */
const connectAll = (node: RunningNode, count: number): Promise<RespClient[]> =>
  Promise.all(Array.from({ length: count }, () => RespClient.connect(node.host, node.port)))

const fronts: readonly (readonly [name: string, options: NodeOptions])[] = [
  ['one worker', { socketWorkers: 1 }],
  ['four workers', { socketWorkers: 4 }],
  ['a store on its own thread', { store: new MapStore() }],
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
    const node = await startNode({ respPort: 0, capacityBytes: CAPACITY_BYTES, ...options })
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
  for (let i = 0; i < 5; i += 1) {
    await withNode({ respPort: port, socketWorkers: 2 }, async (node) => {
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
    startNode({ respPort: address.port, socketWorkers: 2, capacityBytes: CAPACITY_BYTES }),
    (error) =>
      isOperationError(error, 'REFUSED') && /EADDRINUSE/.test(String((error.cause as Error).message)),
  )
  other.close()
})

it('wrong options are refused before anything starts', async () => {
  const wrong: NodeOptions[] = [
    { respPort: -1 },
    { respPort: 65_536 },
    { respPort: 1.5 },
    { socketWorkers: 0 },
    { socketWorkers: 1000 },
    { capacityBytes: 10 },
    { capacityBytes: Number.NaN },
    { capacityBytes: 1e15 },
    { eviction: 'lru' as 'none' },
    { respHost: '0.0.0.0' },
    { respHost: '::' },
    { respHost: '192.168.1.1' },
    { respHost: '127.0.0.1.example.org' },
  ]
  for (const options of wrong) await assert.rejects(startNode({ respPort: 0, ...options }), RangeError)
})

it('a full table that evicts takes ten times what it holds', () =>
  withNode({ socketWorkers: 2, capacityBytes: 256 * 1024, eviction: 'clock' }, async (node) => {
    const client = await RespClient.connect(node.host, node.port)
    const value = Buffer.alloc(4000, 0x76)
    for (let number = 0; number < 640; number++)
      assert.equal(await client.call('SET', `k${number}`, value), 'OK')
    assert.deepEqual(await client.call('GET', 'k639'), value)
    assert.match(String(await client.call('INFO', 'memory')), /maxmemory_policy:allkeys-lru/)
    const evicted = /evicted_keys:(\d+)/.exec(String(await client.call('INFO', 'stats')))
    assert.ok(Number(evicted?.[1]) >= 640 - 64)
    await client.close()
  }))

it('a full table refuses writes and goes on reading', () =>
  withNode({ socketWorkers: 2, capacityBytes: 256 * 1024 }, async (node) => {
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
