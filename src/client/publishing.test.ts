import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { Message } from '../channel/message.js'
import { codecs } from '../codec/codecs.js'
import type { ClientCore } from './client-core.js'
import { publish } from './publishing.js'
import { Requests } from './requests.js'

/** A client with a call on its way, until it is answered. */
function busyCore() {
  const sent: string[] = []
  let answer = (): void => {}
  const core = {
    requests: new Requests(codecs.string, codecs.bytes, new Message()),
    link: () => ({
      lane: { inFlight: 1 },
      calls: { pending: 0 },
      messenger: { publish: async (_channel: Buffer, message: Buffer) => sent.push(message.toString()) },
    }),
    call: () =>
      new Promise<number>((resolve) => {
        answer = () => resolve(0)
      }),
  }
  return { core: core as unknown as ClientCore<string, Uint8Array>, sent, answer: () => answer() }
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
