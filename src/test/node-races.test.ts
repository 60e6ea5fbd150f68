/**
 * Connections on several socket workers that send the same commands on the same keys at the same time: each command is
 * one step, so of those that may happen once exactly one happens, and nothing that is added gets lost.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { Reply } from '../client/reply-reader.js'
import { type Argument, RespClient } from '../client/resp-client.js'
import { startPlainNode, type UnnamedNode } from './unnamed-node.js'

const CONNECTIONS = 8
const KEYS = 1000

let node: UnnamedNode
let clients: RespClient[]

before(async () => {
  node = await startPlainNode()
  clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => RespClient.connect(node.host, node.port)),
  )
})
after(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await node.stop()
})

const everyKey = <T>(of: (key: string, index: number) => T): T[] =>
  Array.from({ length: KEYS }, (_, i) => of(`k${i}`, i))

async function first(...args: Argument[]): Promise<Reply> {
  const client = clients[0]
  assert.ok(client !== undefined)
  return client.call(...args)
}

/** All connections send `command` for every key, in the same order; the replies by key. */
async function race(command: (key: string, client: number) => Argument[]): Promise<Reply[][]> {
  const replies = await Promise.all(
    clients.map((client, i) => Promise.all(everyKey((key) => client.call(...command(key, i))))),
  )
  return everyKey((_, key) => replies.map((ofClient) => ofClient[key] ?? null))
}

function assertOneWins(replies: readonly Reply[][], won: (reply: Reply) => boolean): void {
  for (const [key, ofKey] of replies.entries()) assert.equal(ofKey.filter(won).length, 1, `k${key}`)
}

it('SETNX and SET NX succeed once, GETDEL finds the value once', async () => {
  await first('FLUSHALL')
  assertOneWins(await race((key) => ['SETNX', key, 'v']), (reply) => reply === 1)
  assertOneWins(await race((key) => ['GETDEL', key]), (reply) => reply !== null)
  assertOneWins(await race((key, i) => ['SET', key, `${i}`, 'NX']), (reply) => reply === 'OK')
})

it('EXPIRE NX succeeds once, and once again after PERSIST, which succeeds once', async () => {
  await first('FLUSHALL')
  await Promise.all(everyKey((key) => first('SET', key, 'v')))
  for (let round = 0; round < 2; round++) {
    const expired = await race((key, i) => ['EXPIRE', key, 1000 * (100 + i), 'NX'])
    assertOneWins(expired, (reply) => reply === 1)
    // The expiry is that of the one who was told so: each has another, a thousand seconds apart.
    for (const [key, ofKey] of expired.entries()) {
      const left = Number(await first('TTL', `k${key}`))
      assert.equal(Math.ceil(left / 1000), 100 + ofKey.indexOf(1))
    }
    assertOneWins(await race((key) => ['PERSIST', key]), (reply) => reply === 1)
  }
})

it('APPEND, SETRANGE, INCR and INCRBYFLOAT lose nothing of each other', async () => {
  await first('FLUSHALL')
  await race((key, i) => ['APPEND', `a${key}`, `${i}`])
  await race((key, i) => ['SETRANGE', `s${key}`, i, `${i}`])
  await race((key) => ['INCR', `n${key}`])
  await race((key) => ['INCRBYFLOAT', `n${key}`, '0.5'])
  const digits = '01234567'
  for (const [i, key] of everyKey((name) => name).entries()) {
    const appended = String(await first('GET', `a${key}`))
    assert.equal([...appended].sort().join(''), digits, `key ${i}`)
    assert.equal(String(await first('GET', `s${key}`)), digits)
    assert.equal(String(await first('GET', `n${key}`)), String(CONNECTIONS * 1.5))
  }
})
