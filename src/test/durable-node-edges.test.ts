/**
 * What meets the way to the writer thread at its edges: the largest commands and replies, peers that have said all they want
 * to, keys whose time has come. After each, the node still answers.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, it } from 'node:test'
import { MAX_VALUE_BYTES, MIB } from '../base/limits.js'
import { type Argument, RespClient } from '../client/resp-client.js'
import { Server } from '../server/server.js'
import { startDurableNode, type UnnamedNode } from './unnamed-node.js'

let directory: string
let node: UnnamedNode
let client: RespClient

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-edges-'))
  node = await startDurableNode(directory, 256 * MIB, 1)
  client = await RespClient.connect(node.host, node.port)
})
afterEach(async () => {
  assert.equal(await client.call('PING'), 'PONG')
  assert.equal(await client.call('FLUSHALL'), 'OK')
})
after(async () => {
  await client?.close()
  await node?.stop()
  rmSync(directory, { recursive: true })
})

/** Replies to all of these, sent together; errors are their text. */
function pipeline(...commands: (readonly Argument[])[]): Promise<unknown[]> {
  return Promise.all(commands.map((args) => client.call(...args).catch((error: Error) => error.message)))
}

it('the largest value, and a transaction that is larger still', async () => {
  const half = Buffer.alloc(MAX_VALUE_BYTES / 2 + 1)
  assert.equal(await client.call('SET', 'k', Buffer.alloc(MAX_VALUE_BYTES)), 'OK')
  const together = await pipeline(['MULTI'], ['MSET', 'k', half, 'l', half], ['EXEC'])
  assert.deepEqual(together, ['OK', 'QUEUED', ['OK']])
})

it('a reply that is larger than any value, behind a write', async () => {
  const mib = Buffer.alloc(MIB, 0x76)
  const most = MAX_VALUE_BYTES / MIB + 1
  const [, , all] = await pipeline(['SET', 'k', mib], ['SET', 'x', 0], ['MGET', ...Array(most).fill('k')])
  assert.ok(Array.isArray(all) && all.length === most && all.every((value) => mib.equals(value as Buffer)))
})

it('a peer that closes its half at once has its replies all the same', async () => {
  const socket = connect({ host: node.host, port: node.port, allowHalfOpen: true })
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  socket.end('SET k 1\r\nGET k\r\nMULTI\r\nINCR k\r\nEXEC\r\n')
  await once(socket, 'close')
  assert.equal(answer, '+OK\r\n$1\r\n1\r\n+OK\r\n+QUEUED\r\n*1\r\n:2\r\n')
})

it('a transaction about the connection alone, and one that mixes that with keys', async () => {
  const own = await RespClient.connect(node.host, node.port)
  const ask = (...commands: (readonly Argument[])[]): Promise<unknown[]> =>
    Promise.all(commands.map((args) => own.call(...args).catch((error: Error) => error.message)))
  const named = await ask(['MULTI'], ['CLIENT', 'SETNAME', 'me'], ['PING'], ['EXEC'], ['CLIENT', 'GETNAME'])
  assert.deepEqual(named.slice(3).map(String), ['OK,PONG', 'me'])
  const mixed = await ask(['MULTI'], ['SET', 'k', 'v'], ['SUBSCRIBE', 'ch'], ['EXEC'], ['GET', 'k'])
  assert.match(String(mixed[3]), /^EXECABORT .*'subscribe' cannot be/)
  assert.equal(mixed[4], null)
  const listening = await ask(['MULTI'], ['SUBSCRIBE', 'ch'], ['EXEC'])
  assert.equal(String(listening[2]), 'subscribe,ch,1')
  assert.equal(await client.call('PUBLISH', 'ch', 'x'), 1)
  await own.close()
  // Its going comes by another connection than this.
  while ((await client.call('PUBLISH', 'ch', 'x')) !== 0) {}
})

it('WATCH of a key whose time has come, before anybody has said so', async () => {
  for (let round = 0; round < 20; round++) {
    await client.call('SET', 'k', 'v', 'PX', 1)
    const untilMs = Date.now() + 3
    while (Date.now() < untilMs) {}
    const replies = await pipeline(['WATCH', 'k'], ['MULTI'], ['SET', 'k', 'w'], ['EXEC'])
    assert.deepEqual(replies, ['OK', 'OK', 'QUEUED', ['OK']])
  }
})

it('INFO tells the same of the node inside a transaction as outside', async () => {
  const others = await Promise.all([1, 2].map(() => RespClient.connect(node.host, node.port)))
  for (const other of others) await other.call('PING')
  const [before, , , replies, after] = await pipeline(['INFO'], ['MULTI'], ['INFO'], ['EXEC'], ['INFO'])
  const inside = String((replies as unknown[])[0])
  const told = (text: unknown) =>
    String(text).match(/^(connected_clients|tcp_port|total_conn\w+|hearth_log_\w+):.*$/gm) ?? []
  assert.match(inside, /^connected_clients:3\r$/m)
  // The log may get its mark of a calm time just now: each line is what it was before or what it is after.
  const [lines, earlier, later] = [told(inside), told(before), told(after)]
  assert.equal(lines.length, later.length)
  for (const [at, line] of lines.entries()) assert.ok([earlier[at], later[at]].includes(line), line)
  assert.ok(Number(/total_commands_processed:(\d+)/.exec(inside)?.[1]) > 0)
  await Promise.all(others.map((other) => other.close()))
})

it("the lanes of a server's own threads count as no clients", async () => {
  const dataDir = join(directory, 'counted')
  await using server = await Server.start({ shm: false, capacity: MIB, dataDir, resp: { port: 0 } })
  assert.equal(server.clients, 0)
  await using _client = server.client()
  assert.equal(server.clients, 1)
})
