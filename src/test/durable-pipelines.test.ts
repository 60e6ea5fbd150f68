/**
 * Pipelines of everything that a connection can say, cut into pieces anywhere: a node that logs its writes, where replies come
 * from two threads, answers the very bytes of one that carries out each command where it reads it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { KIB, MIB } from '../base/limits.js'
import { runSeed, SeededRandom } from './seeded-random.js'
import { startDurableNode, startPlainNode } from './unnamed-node.js'

const ROUNDS = 15
const MOST_COMMANDS = 600
const CAPACITY_BYTES = 64 * MIB
const KEYS = 6

/** The commands of one connection, which knows what it may say next. */
class Talk {
  readonly #random: SeededRandom
  #isQueueing = false
  #isResp3 = false

  constructor(random: SeededRandom) {
    this.#random = random
  }

  next(): readonly string[] {
    const below = (count: number): number => this.#random.below(count)
    const key = (): string => `k${below(KEYS)}`
    const channel = `ch${below(2)}`
    const isFree = !this.#isQueueing
    const canListen = isFree && this.#isResp3
    const dice = below(100)
    if (dice < 22) return ['SET', key(), this.#value()]
    if (dice < 42) return ['GET', key()]
    if (dice < 49) return ['INCR', key()]
    if (dice < 53) return ['MGET', key(), key(), key()]
    if (dice < 57) return ['MSET', key(), this.#value(), key(), this.#value()]
    if (dice < 60) return ['SETRANGE', key(), String(below(50)), 'abc']
    if (dice < 63) return ['DEL', key(), key()]
    if (dice < 66) return ['SET', key(), 'v', 'PX', '100000']
    if (dice < 68) return ['PERSIST', key()]
    if (dice < 70) return ['EXISTS', key(), key()]
    if (dice < 72) return ['DBSIZE']
    if (dice < 74) return ['ECHO', 'here']
    if (dice < 76) return below(2) === 0 ? ['NOPE', 'x'] : ['GET']
    if (dice < 80) return this.#say(true, 'MULTI')
    if (dice < 87) return isFree ? ['WATCH', key()] : this.#say(false, below(4) === 0 ? 'DISCARD' : 'EXEC')
    if (dice < 88) return isFree ? ['EXEC'] : ['PING']
    if (dice < 90) return isFree ? ['FLUSHALL'] : ['UNWATCH']
    if (dice < 93) return isFree ? this.#hello(!this.#isResp3) : ['PING']
    if (dice < 95) return canListen ? ['SUBSCRIBE', channel] : ['STRLEN', key()]
    if (dice < 96) return canListen ? ['UNSUBSCRIBE', channel] : ['GETDEL', key()]
    if (dice < 98) return canListen ? ['PUBLISH', channel, 'message'] : ['APPEND', key(), 'x']
    if (!isFree) return ['PING']
    this.#isResp3 = false
    return ['RESET']
  }

  #say(isQueueing: boolean, command: string): readonly string[] {
    this.#isQueueing = isQueueing
    return [command]
  }

  #hello(isResp3: boolean): readonly string[] {
    this.#isResp3 = isResp3
    return ['HELLO', isResp3 ? '3' : '2']
  }

  #value(): string {
    const dice = this.#random.below(40)
    if (dice === 0) return 'l'.repeat(this.#random.below(300 * KIB))
    return dice < 4 ? 's'.repeat(this.#random.below(2 * KIB)) : String(this.#random.below(1000))
  }
}

/** A pipeline that ends its connection, in pieces. */
function pipeline(random: SeededRandom): Buffer[] {
  const talk = new Talk(random)
  let text = 'FLUSHALL\r\n'
  for (let left = 1 + random.below(MOST_COMMANDS); left > 0; left--) {
    const words = talk.next()
    text += `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
  }
  // Either ends with the byte that ends the connection: nothing is sent to one that may be closed already.
  const bytes = Buffer.from(text + (random.below(3) === 0 ? '*1\r\n!' : 'QUIT\r\n'))
  const pieces: Buffer[] = []
  const most = 10 ** (2 + random.below(4))
  for (let at = 0; at < bytes.length; at += pieces.at(-1)!.length)
    pieces.push(bytes.subarray(at, at + 1 + random.below(most)))
  return pieces
}

async function answer(node: { readonly host: string; readonly port: number }, pieces: readonly Buffer[]) {
  const socket = connect(node.port, node.host)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(socket, 'close')
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await closed
  // HELLO tells the number of the connection.
  return Buffer.concat(chunks)
    .toString('latin1')
    .replaceAll(/id\r\n:\d+/g, 'id')
}

it('a node that logs its writes answers pipelines byte for byte as one that does not', async (t) => {
  const seed = runSeed()
  t.diagnostic(`seed ${seed}`)
  const random = new SeededRandom(seed)
  const directory = mkdtempSync(join(tmpdir(), 'hearth-pipelines-'))
  const durable = await startDurableNode(directory, CAPACITY_BYTES, 1)
  const plain = await startPlainNode({ socketWorkers: 1, capacity: CAPACITY_BYTES })
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const pieces = pipeline(random)
      const [found, expected] = await Promise.all([answer(durable, pieces), answer(plain, pieces)])
      if (found === expected) continue
      let at = 0
      while (found[at] === expected[at]) at++
      const from = Math.max(0, at - 200)
      assert.equal(found.slice(from, at + 200), expected.slice(from, at + 200), `round ${round}, byte ${at}`)
      assert.equal(found.length, expected.length)
    }
  } finally {
    await Promise.all([durable.stop(), plain.stop()])
    rmSync(directory, { recursive: true })
  }
})
