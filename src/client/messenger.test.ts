import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isOperationError, OperationError } from '../base/errors.js'
import type { Request } from './control-messages.js'
import { SocketMessenger } from './messenger.js'

const CHANNEL = Buffer.from('news')

function messengerOf(timeoutMs: number) {
  const sent: Request[] = []
  const waits: boolean[] = []
  const messenger = new SocketMessenger({
    send: (request) => sent.push(request),
    timeoutMs,
    waits: (isWaiting) => waits.push(isWaiting),
  })
  return {
    messenger,
    sent,
    waits,
    answer: (id: number) => messenger.receive({ kind: 'done', id, value: id }),
  }
}

it('it says from the first question to the last answer that there is something to wait for', async () => {
  const { messenger, waits, answer } = messengerOf(10_000)
  const first = messenger.publish(CHANNEL, CHANNEL)
  const second = messenger.publish(CHANNEL, CHANNEL)
  answer(2)
  assert.equal(await second, 2)
  assert.deepEqual(waits, [true])
  answer(1)
  assert.equal(await first, 1)
  assert.deepEqual(waits, [true, false])
})

it('what is not answered in time has an unknown outcome, and its answer goes nowhere', async (t) => {
  const { messenger, waits, answer } = messengerOf(1)
  const stopped = messenger.subscribe('channel', CHANNEL)
  // The messenger's own timer keeps nothing alive: its socket does.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  await assert.rejects(stopped, (error) => isOperationError(error, 'TIMEOUT') && error.outcome === 'unknown')
  assert.deepEqual(waits, [true, false])
  answer(1)
  assert.deepEqual(waits, [true, false])
})

it('an answer that is read late, in the turn of the event loop that found its time over, counts', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { messenger, answer } = messengerOf(100)
  const late = messenger.publish(CHANNEL, CHANNEL)
  t.mock.timers.tick(1000)
  answer(1)
  assert.equal(await late, 1)
})

it('what waits at the end is told why, and nothing is asked after it', async () => {
  const { messenger, sent, waits } = messengerOf(10_000)
  const open = messenger.publish(CHANNEL, CHANNEL)
  messenger.end(new OperationError('CLOSED', 'a reason'))
  await assert.rejects(open, (error) => isOperationError(error, 'CLOSED'))
  messenger.end()
  assert.deepEqual(waits, [true, false])
  await assert.rejects(
    messenger.publish(CHANNEL, CHANNEL),
    (error) => isOperationError(error, 'SERVER_GONE') && error.outcome === 'not-applied',
  )
  assert.equal(sent.length, 1)
})
