import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { InvariantError } from './assert.js'
import { ERROR_CODES, type ErrorCode, isOperationError, OperationError } from './errors.js'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

/** What arrives at the other end of a real channel. */
async function posted(value: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(value)
    const [arrived] = (await once(port2, 'message')) as [unknown]
    return arrived
  } finally {
    port1.close()
  }
}

test('an error carries its code, the facts of the code, and a message that starts with it', () => {
  for (const code of CODES) {
    const error = new OperationError(code, 'what was wrong')
    assert.equal(error.name, 'OperationError')
    assert.equal(error.message, `${code}: what was wrong`)
    assert.equal(error.code, code)
    assert.equal(error.outcome, ERROR_CODES[code].outcome)
    assert.equal(error.retryable, ERROR_CODES[code].retryable)
    assert.ok(error instanceof Error)
  }
})

test('the thrower may know the outcome better, and name a cause', () => {
  const cause = new Error('below')
  const error = new OperationError('TIMEOUT', 'not sent', { outcome: 'not-applied', cause })
  assert.equal(error.outcome, 'not-applied')
  assert.equal(error.cause, cause)
  assert.equal('cause' in new OperationError('FULL', 'x'), false)
})

test('isOperationError tells codes apart', () => {
  const error: unknown = new OperationError('FULL', 'x')
  assert.ok(isOperationError(error))
  assert.ok(isOperationError(error, 'FULL'))
  assert.equal(isOperationError(error, 'TIMEOUT'), false)
})

test('an error that crossed a channel is recognised and gets its properties back', async () => {
  for (const code of CODES) {
    const arrived = await posted(new OperationError(code, 'far: away'))
    assert.equal(arrived instanceof OperationError, false, 'cloning loses the class')
    const other = code === 'FULL' ? 'TIMEOUT' : 'FULL'
    assert.equal(isOperationError(arrived, other), false)
    assert.ok(isOperationError(arrived, code))
    assert.equal(arrived.code, code)
    assert.equal(arrived.outcome, ERROR_CODES[code].outcome)
    assert.equal(arrived.retryable, ERROR_CODES[code].retryable)
  }
})

test('what may have happened is not taken for what did not, after a channel', async () => {
  for (const code of CODES) {
    const arrived = await posted(new OperationError(code, 'in flight', { outcome: 'unknown' }))
    assert.ok(isOperationError(arrived, code))
    assert.equal(arrived.outcome, 'unknown', code)
    const again = new OperationError(code, arrived.message.slice(code.length + 2), { outcome: 'unknown' })
    assert.equal(again.message, arrived.message)
  }
})

test('other errors and other values are no operation errors, before and after a channel', async () => {
  const others = [
    new Error('x'),
    new Error('FULL'),
    new Error('NOPE: x'),
    new Error('toString: x'),
    new TypeError('constructor: x'),
    new InvariantError('broken'),
    Object.assign(new Error('open'), { code: 'ENOENT' }),
    'FULL: x',
    { message: 'FULL: x', code: 'FULL' },
    null,
    undefined,
  ]
  for (const other of others) {
    assert.equal(isOperationError(other), false)
    assert.equal(isOperationError(await posted(other)), false)
  }
})

test('every code says what it means, and none can be read as the start of another', () => {
  for (const code of CODES) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/)
    assert.ok(ERROR_CODES[code].meaning.length > 10)
    assert.ok(['not-applied', 'unknown'].includes(ERROR_CODES[code].outcome))
  }
})
