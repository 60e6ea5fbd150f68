import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test from 'node:test'
import { TurnedAway } from './turned-away.js'

test('who is turned away is told so, and is gone as soon as the front stops', async (t) => {
  // Or the time that one may linger is over before the answer has been looked at.
  t.mock.method(globalThis, 'setTimeout', () => ({ unref() {} }))
  const turnedAway = new TurnedAway()
  const server = createServer({ allowHalfOpen: true })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // It never closes its half by itself.
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  t.after(() => client.destroy())
  const [socket] = (await once(server, 'connection')) as [Socket]
  turnedAway.add(socket, 'no room\n')
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'no room\n')
  assert.equal(socket.destroyed, false)
  turnedAway.end()
  assert.equal(socket.destroyed, true)
  client.destroy()
  server.close()
  await once(server, 'close')
})
