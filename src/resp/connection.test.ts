import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { it } from 'node:test'
import type { NodeFacts } from '../commands/command.js'
import { MapStore } from '../store/map-store.js'
import { LocalBus } from '../test/local-bus.js'
import { RespConnection } from './connection.js'

const FACTS: NodeFacts = {
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

/** A connection on a socket of the loopback, with its peer; all gone when `work` is done. */
async function withPeer(
  work: (peer: Socket, served: Socket, connection: RespConnection) => Promise<void>,
  store = new MapStore(),
): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [served] = (await once(server, 'connection')) as [Socket]
  const flush = (ready: RespConnection): void => ready.flush()
  const events = { ran: () => {}, ready: flush, pushed: flush, closed: () => {} }
  try {
    await work(peer, served, new RespConnection(served, 1, store, new LocalBus(), FACTS, events))
  } finally {
    peer.destroy()
    served.destroy()
    server.close()
    await once(server, 'close')
  }
}

/** All that the peer gets until the connection is closed. */
async function restOf(peer: Socket): Promise<string> {
  let text = ''
  peer.setEncoding('latin1')
  peer.on('data', (chunk: string) => {
    text += chunk
  })
  await once(peer, 'close')
  return text
}

it('commands are answered in order, then QUIT closes', () =>
  withPeer(async (peer) => {
    peer.write('SET a 1\r\nINCR a\r\nGET a\r\nNOPE\r\nQUIT\r\nGET a\r\n')
    assert.equal(
      await restOf(peer),
      "+OK\r\n:2\r\n$1\r\n2\r\n-ERR unknown command 'NOPE', with args beginning with: \r\n+OK\r\n",
    )
  }))

it('a peer that closes its half still gets its replies', () =>
  withPeer(async (peer) => {
    peer.end('PING\r\nPING\r\n')
    assert.equal(await restOf(peer), '+PONG\r\n+PONG\r\n')
  }))

it('HELLO 3 changes the protocol from its own reply on', () =>
  withPeer(async (peer) => {
    peer.write('GET a\r\nHELLO 3\r\nGET a\r\nRESET\r\nGET a\r\nQUIT\r\n')
    const replies = await restOf(peer)
    assert.match(replies, /^\$-1\r\n%7\r\n.*\r\n_\r\n\+RESET\r\n\$-1\r\n\+OK\r\n$/s)
  }))

it('a protocol error is said after the replies before it, and closes', () =>
  withPeer(async (peer) => {
    peer.write('PING\r\n*1\r\nfoo\r\nPING\r\n')
    assert.equal(await restOf(peer), "+PONG\r\n-ERR Protocol error: expected '$', got 'f'\r\n")
  }))

it('what a browser sends is dropped', async () => {
  await withPeer(async (peer) => {
    peer.write('POST / HTTP/1.1\r\n\r\nSET a 1\r\n')
    assert.equal(await restOf(peer), '')
  })
  const store = new MapStore()
  await withPeer(async (peer) => {
    peer.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\nSET a 1\r\n')
    await restOf(peer)
  }, store)
  assert.equal(store.size, 0)
})

it('a peer that does not read is not read from, and gets everything once it does', () => {
  const store = new MapStore()
  const value = Buffer.alloc(100_000, 0x76)
  store.set(Buffer.from('v'), value, 'none', 'always')
  return withPeer(async (peer, served) => {
    peer.pause()
    const paused = once(served, 'pause')
    const gets = 2000
    peer.write('GET v\r\n'.repeat(gets))
    await paused
    assert.ok(served.writableLength < 4 * 1024 * 1024, 'replies are made as they are read, not all at once')
    peer.write('QUIT\r\n')
    let bytes = 0
    peer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    peer.resume()
    await once(peer, 'close')
    assert.equal(bytes, gets * (value.length + '$100000\r\n\r\n'.length) + '+OK\r\n'.length)
  }, store)
})

it('one reply beyond the limit drops the connection', () => {
  const store = new MapStore()
  store.set(Buffer.from('v'), Buffer.alloc(60 * 1024 * 1024), 'none', 'always')
  return withPeer(async (peer) => {
    peer.write(`PING\r\nMGET${' v'.repeat(10)}\r\n`)
    await restOf(peer)
  }, store)
})
