import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Server } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const INDEX = new URL('../index.js', import.meta.url).href
const PROGRAM = `
import { Client, OperationError } from '${INDEX}'
let reconnects = 0
process.on('uncaughtException', () => {})
const client = await Client.connect('again')
client.on('disconnect', () => { throw new Error('of the program') })
client.on('reconnect', () => {
  reconnects++
  throw new OperationError('TIMEOUT', 'as a call in here might')
})
await client.subscribe('c', (message) => process.send({ message, reconnects }))
process.send('listens')
`

describe('a client', { skip: NO_NAMED_TABLES, timeout: 60_000 }, () => {
  it('connects again once, and hears again, whatever the listeners of its program throw', async () => {
    useScratchDirectory()
    const first = await Server.start({ name: 'again', capacity: '1MiB' })
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    try {
      assert.deepEqual(await once(child, 'message'), ['listens', undefined])
      await first.stop()
      await using second = await Server.start({ name: 'again', capacity: '1MiB' })
      await using publisher = await Client.connect('again')
      const heard = once(child, 'message')
      while ((await publisher.publish('c', 'm')) === 0) await delay(10)
      const [told] = (await heard) as [unknown]
      assert.deepEqual(told, { message: 'm', reconnects: 1 })
      assert.equal(second.clients, 2)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})
