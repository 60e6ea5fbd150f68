import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { OperationError } from '../base/errors.js'
import type { Connection } from './connection.js'
import { Reconnection } from './reconnection.js'

test('the pauses between tries double up to half a second, and it ends with the first that is answered', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const connection = { close: () => {} } as Connection
  let tries = 0
  const taken: Connection[] = []
  const reconnection = new Reconnection(
    async () => {
      if (++tries < 9) throw new OperationError('NO_SERVER', 'there is none')
      return connection
    },
    (next) => taken.push(next),
  )
  reconnection.begin()
  for (const [before, pauseMs] of [10, 20, 40, 80, 160, 320, 500, 500, 500].entries()) {
    t.mock.timers.tick(pauseMs - 1)
    assert.equal(tries, before)
    t.mock.timers.tick(1)
    assert.equal(tries, before + 1)
    await nextTurn()
  }
  assert.deepEqual(taken, [connection])
  t.mock.timers.tick(10_000)
  assert.equal(tries, 9)
})

test('a connection that is made while the client closes is closed, and none is tried for afterwards', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let closed = 0
  let answer: (connection: Connection) => void = () => {}
  let tries = 0
  const reconnection = new Reconnection(
    () => {
      tries++
      return new Promise<Connection>((resolve) => {
        answer = resolve
      })
    },
    () => assert.fail('nobody is there to take it'),
  )
  reconnection.begin()
  t.mock.timers.tick(10)
  reconnection.end()
  answer({ close: () => closed++ } as unknown as Connection)
  await nextTurn()
  assert.equal(closed, 1)
  reconnection.begin()
  t.mock.timers.tick(10_000)
  assert.equal(tries, 1)
})
