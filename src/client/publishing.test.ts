import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { Message } from '../channel/message.js'
import { codecs } from '../codec/codecs.js'
import type { ClientCore } from './client-core.js'
import { publish } from './publishing.js'
import { Requests } from './requests.js'

/** A client with a call on its way, until it is answered, and then with none. */
function busyCore() {
  const sent: string[] = []
  const waiting: (() => void)[] = []
  const lane = { inFlight: 1 }
  const core = {
    unsentMessages: 0,
    requests: new Requests(codecs.string, codecs.bytes, new Message()),
    link: () => ({
      lane,
      calls: { pending: 0 },
      messenger: { publish: async (_channel: Buffer, message: Buffer) => sent.push(message.toString()) },
    }),
    call: () =>
      new Promise<number>((resolve) => {
        waiting.push(() => resolve(0))
      }),
  }
  const answer = (): void => {
    lane.inFlight = 0
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { core: core as unknown as ClientCore<string, Uint8Array>, sent, answer }
}

test('what is published is what the message was at the call, whatever becomes of its bytes until it is sent', async () => {
  const { core, sent, answer } = busyCore()
  const message = Buffer.from('as it was')
  const published = publish(core, 'news', message, undefined)
  message.fill('x')
  answer()
  await published
  assert.deepEqual(sent, ['as it was'])
})

test('a message that is given up before it is sent is not sent', async () => {
  const { core, sent, answer } = busyCore()
  const giveUp = new AbortController()
  const published = publish(core, 'news', Buffer.from('too late'), { signal: giveUp.signal })
  answer()
  giveUp.abort()
  await assert.rejects(
    published,
    (error) => isOperationError(error, 'ABORTED') && error.outcome === 'not-applied',
  )
  assert.deepEqual(sent, [])
})

test('messages are sent in the order in which they were published, also where the first has just been waiting', async () => {
  const { core, sent, answer } = busyCore()
  const first = publish(core, 'news', Buffer.from('first'), undefined)
  answer()
  // As one does who has awaited the same answer.
  const second = publish(core, 'news', Buffer.from('second'), undefined)
  await first
  answer()
  await second
  await publish(core, 'news', Buffer.from('third'), undefined)
  assert.deepEqual(sent, ['first', 'second', 'third'])
})
