/**
 * Requests and replies of a storm: each says whose it is and which, and its bytes follow from that, so that whatever is
 * torn, lost, foreign or doubled shows at either end.
 */
import { strict as assert } from 'node:assert'
import type { Message } from '../channel/message.js'
import type { SeededRandom } from './seeded-random.js'

/** Words of the board that workers share: counts, then the last number of each client. */
export const STORM = { executed: 0, disorder: 1, faults: 2, clients: 16 } as const
export const STORM_WORDS = 64

const REQUEST = 3
const REPLY = 4
const DEFERRED = 1

/** Mostly small, some in an area, few in parts. */
export function stormBytes(random: SeededRandom, transferBytes: number): number {
  const kind = random.below(100)
  if (kind < 80) return random.below(150)
  return kind < 99 ? random.below(3000) : random.below(transferBytes)
}

/** Request `number` of `client`; numbers grow. */
export function askStorm(
  request: Message,
  client: number,
  number: number,
  random: SeededRandom,
  transferBytes: number,
): void {
  request.clear(REQUEST)
  request.flags = random.below(10) === 0 ? DEFERRED : 0
  request.first = client
  request.second = number
  const valueBytes = stormBytes(random, transferBytes)
  request.shape(8, valueBytes)
  request.words[0] = number
  request.words[1] = stormBytes(random, transferBytes)
  fill(request, number ^ client)
}

export function isDeferred(request: Message): boolean {
  return (request.flags & DEFERRED) !== 0
}

/** Checks a request and makes its reply. */
export function answerStorm(request: Message, reply: Message): void {
  assert.equal(request.code, REQUEST)
  assert.equal(request.words[0], request.second)
  check(request, request.second ^ request.first)
  reply.clear(REPLY)
  reply.first = request.first
  reply.second = request.second
  reply.shape(0, request.words[1]!)
  fill(reply, ~request.second ^ request.first)
}

/** Whether it is a reply to that request; throws if it is another's, or torn. */
export function checkStorm(reply: Message, client: number, number: number): void {
  assert.equal(reply.code, REPLY)
  assert.equal(reply.first, client)
  assert.equal(reply.second, number)
  check(reply, ~number ^ client)
}

/** Every word of the value, whole ones, says its place. */
function fill(message: Message, seed: number): void {
  const from = message.valueAt >>> 2
  for (let i = 0; i < message.valueBytes >>> 2; i++) message.words[from + i] = Math.imul(seed + i, 0x9e3779b1)
}

function check(message: Message, seed: number): void {
  const from = message.valueAt >>> 2
  for (let i = 0; i < message.valueBytes >>> 2; i++)
    if (message.words[from + i] !== Math.imul(seed + i, 0x9e3779b1))
      assert.fail(`word ${i} of ${message.valueBytes} bytes is torn or another's`)
}
