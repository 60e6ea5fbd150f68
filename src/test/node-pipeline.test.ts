/**
 * 64 connections, 4000 pipelined operations each, every answer checked. Each connection owns keys that only it
 * writes, so it knows every answer beforehand; all of them add to shared counters, whose sums must come out.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Reply } from '../client/reply-reader.js'
import { type Argument, RespClient } from '../client/resp-client.js'
import { SeededRandom } from './seeded-random.js'
import { startPlainNode, type UnnamedNode } from './unnamed-node.js'

const CONNECTIONS = 64
const OPERATIONS = 4000
const BATCH = 500
const OWN_KEYS = 40
const SHARED_KEYS = 4

/** One connection's knowledge of its keys. */
class Owner {
  readonly #values = new Map<string, string>()
  readonly added = new Array<number>(SHARED_KEYS).fill(0)
  readonly #name: string
  readonly #random: SeededRandom

  constructor(name: string, random: SeededRandom) {
    this.#name = name
    this.#random = random
  }

  /** A random operation and the answer it must get; `undefined`: any number. */
  next(): { readonly args: readonly Argument[]; readonly answer: Reply | undefined } {
    const pick = this.#random.below(OWN_KEYS)
    const key = `${this.#name}:${pick}`
    const old = this.#values.get(key)
    const dice = this.#random.below(100) / 100
    if (dice < 0.4) return { args: ['GET', key], answer: old === undefined ? null : Buffer.from(old) }
    if (dice < 0.75) {
      const value = `${key}=${this.#random.next()}`.repeat(1 + this.#random.below(20))
      this.#values.set(key, value)
      return { args: ['SET', key, value], answer: 'OK' }
    }
    if (dice < 0.85) {
      this.#values.delete(key)
      return { args: ['DEL', key], answer: old === undefined ? 0 : 1 }
    }
    if (dice < 0.9) {
      if (old === undefined) this.#values.set(key, 'new')
      return { args: ['SET', key, 'new', 'NX'], answer: old === undefined ? 'OK' : null }
    }
    const shared = pick % SHARED_KEYS
    this.added[shared] = (this.added[shared] ?? 0) + pick
    return { args: ['INCRBY', `shared:${shared}`, pick], answer: undefined }
  }
}

/** What assert.deepEqual says, at a fraction of its cost. */
function isSame(reply: Reply, answer: Reply): boolean {
  if (reply instanceof Uint8Array && answer instanceof Uint8Array) return Buffer.compare(reply, answer) === 0
  return reply === answer
}

async function work(node: UnnamedNode, index: number, seed: number): Promise<Owner> {
  const client = await RespClient.connect(node.host, node.port)
  const owner = new Owner(`c${index}`, new SeededRandom(seed + index))
  for (let done = 0; done < OPERATIONS; done += BATCH) {
    const operations = Array.from({ length: BATCH }, () => owner.next())
    const replies = await Promise.all(operations.map(({ args }) => client.call(...args)))
    for (const [i, reply] of replies.entries()) {
      const operation = operations[i]
      if (operation?.answer === undefined) assert.equal(typeof reply, 'number')
      else if (!isSame(reply, operation.answer))
        assert.fail(`${operation.args} was answered with ${reply}, not ${operation.answer}`)
    }
  }
  await client.close()
  return owner
}

it('64 connections with 4000 pipelined operations each get every answer right', async (t) => {
  const seed = Date.now() % 1_000_000
  t.diagnostic(`seed ${seed}`)
  const node = await startPlainNode({ capacity: '64MiB' })
  try {
    const owners = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => work(node, i, seed)))
    const client = await RespClient.connect(node.host, node.port)
    for (let shared = 0; shared < SHARED_KEYS; shared += 1) {
      const sum = owners.reduce((total, owner) => total + (owner.added[shared] ?? 0), 0)
      assert.deepEqual(await client.call('GET', `shared:${shared}`), Buffer.from(String(sum)))
    }
    const info = String(await client.call('INFO', 'stats'))
    assert.match(info, new RegExp(`total_connections_received:${CONNECTIONS + 1}\r\n`))
    await client.close()
  } finally {
    await node.stop()
  }
})
