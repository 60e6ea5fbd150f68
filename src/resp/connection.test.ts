import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { it } from 'node:test'
import { MAX_RESP_UNREAD_REPLY_BYTES, MIB } from '../base/limits.js'
import type { CommandCarrier, Replied } from '../commands/carrier.js'
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
  carrier?: CommandCarrier,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [served] = (await once(server, 'connection')) as [Socket]
  const flush = (ready: RespConnection): void => ready.flush()
  const events = { ran: () => {}, ready: flush, pushed: flush, closed: () => {} }
  try {
    await work(peer, served, new RespConnection(served, 1, store, new LocalBus(), FACTS, events, carrier))
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
    const gets = 1000
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

/** A writer elsewhere that answers when it is told to. */
class SlowCarrier implements CommandCarrier {
  readonly sent: Replied[] = []

  send(_args: readonly Buffer[], _protocol: 2 | 3, replied: Replied): boolean {
    this.sent.push(replied)
    return true
  }

  sendTransaction(): boolean {
    return false
  }

  whenRoom(): void {}

  answerAll(reply: Buffer): void {
    for (const replied of this.sent.splice(0)) replied(reply)
  }
}

async function untilSent(carrier: SlowCarrier, count: number): Promise<void> {
  while (carrier.sent.length < count) await new Promise((resolve) => setImmediate(resolve))
}

it('replies that come later are there before the peer hears of its mistake, however much they are', () => {
  const carrier = new SlowCarrier()
  const long = Buffer.alloc(MIB)
  const count = 2 + MAX_RESP_UNREAD_REPLY_BYTES / MIB
  return withPeer(
    async (peer, served) => {
      let bytes = 0
      let last = ''
      peer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        last = (last + chunk.subarray(-80).toString('latin1')).slice(-80)
      })
      peer.write(`${'SET k v\r\n'.repeat(count)}*1\r\nfoo\r\n`)
      await untilSent(carrier, count)
      for (const replied of carrier.sent) {
        replied(long)
        if (served.writableNeedDrain) await once(served, 'drain')
      }
      await once(peer, 'end')
      assert.ok(bytes > count * MIB)
      assert.ok(last.endsWith("-ERR Protocol error: expected '$', got 'f'\r\n"))
    },
    new MapStore(),
    carrier,
  )
})

it('a peer that reads none of the replies that come later is dropped at the limit', () => {
  const carrier = new SlowCarrier()
  const count = 20 + MAX_RESP_UNREAD_REPLY_BYTES / MIB
  return withPeer(
    async (peer, served) => {
      peer.pause()
      peer.write('SET k v\r\n'.repeat(count))
      await untilSent(carrier, count)
      carrier.answerAll(Buffer.alloc(MIB))
      assert.ok(served.destroyed)
    },
    new MapStore(),
    carrier,
  )
})

it('a peer that closes its half has the replies that come later', () => {
  const carrier = new SlowCarrier()
  return withPeer(
    async (peer, served) => {
      const ended = once(served, 'end')
      peer.end('SET k v\r\nSET k w\r\nPING\r\n')
      const rest = restOf(peer)
      await untilSent(carrier, 2)
      carrier.answerAll(Buffer.from('+OK\r\n'))
      await ended
      assert.equal(await rest, '+OK\r\n+OK\r\n+PONG\r\n')
    },
    new MapStore(),
    carrier,
  )
})

it('a peer that reads slowly has all of its replies, and what was wrong, before the connection closes', (t) => {
  const carrier = new SlowCarrier()
  const count = 20
  return withPeer(
    async (peer) => {
      peer.pause()
      peer.write(`${'SET k v\r\n'.repeat(count)}*1\r\nfoo\r\n`)
      await untilSent(carrier, count)
      t.mock.timers.enable({ apis: ['setTimeout'] })
      carrier.answerAll(Buffer.alloc(MIB))
      t.mock.timers.tick(60_000)
      t.mock.timers.reset()
      let bytes = 0
      peer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      peer.resume()
      await once(peer, 'end')
      assert.ok(bytes > count * MIB)
    },
    new MapStore(),
    carrier,
  )
})
