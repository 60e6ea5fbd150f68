import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const INDEX = new URL('../index.js', import.meta.url).href
const PROGRAM = `
import cluster from 'node:cluster'
if (cluster.isPrimary) cluster.fork().on('exit', (code) => process.exit(code))
else {
  const { Client, Server } = await import('${INDEX}')
  const server = await Server.start({ name: 'cluster', capacity: '1MiB', resp: { port: 0 } })
  const client = await Client.connect('cluster')
  await client.set('k', 'v')
  console.log(await client.command(['GET', 'k']), server.resp.port > 0)
  await client.close()
  await server.stop()
  process.exit(0)
}
`

it('a server starts in a worker of node:cluster, as pm2 makes them, too', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const program = join(useScratchDirectory(), 'program.mjs')
  writeFileSync(program, PROGRAM)
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  assert.equal(stdout, '<Buffer 24 31 0d 0a 76 0d 0a> true\n')
})
