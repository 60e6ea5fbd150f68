import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const INDEX = new URL('../index.js', import.meta.url).href
/** The primary does nothing for its worker from before the server starts until it has been used. */
const PROGRAM = `
import cluster from 'node:cluster'
import { existsSync, writeFileSync } from 'node:fs'
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const waitFor = (file) => {
  while (!existsSync(file)) Atomics.wait(sleeper, 0, 0, 10)
}
const [, , blocked, used] = process.argv
if (cluster.isPrimary) {
  const worker = cluster.fork()
  worker.on('exit', (code) => process.exit(code))
  worker.once('message', () => {
    writeFileSync(blocked, '')
    waitFor(used)
  })
} else {
  const { Client, Server } = await import('${INDEX}')
  process.send('starts')
  waitFor(blocked)
  try {
    const server = await Server.start({ name: 'cluster', capacity: '1MiB', resp: { port: 0 } })
    const client = await Client.connect('cluster')
    await client.set('k', 'v')
    writeFileSync(used, '')
    console.log(await client.get('k'), server.resp.port > 0)
    await client.close()
    await server.stop()
  } finally {
    writeFileSync(used, '')
  }
  process.exit(0)
}
`

it('a server starts in a worker of node:cluster, as pm2 makes them, too', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const directory = useScratchDirectory()
  const [program, ...gates] = ['program.mjs', 'blocked', 'used'].map((file) => join(directory, file))
  assert.ok(program !== undefined)
  writeFileSync(program, PROGRAM)
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...gates])
  assert.equal(stdout, 'v true\n')
})
