import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'

const PROGRAM = `
import { Server } from '${new URL('../index.js', import.meta.url)}'
const server = await Server.start({ shm: false, dataDir: process.argv[1], resp: { port: 0 } })
const client = server.client()
await client.set('key', 'value')
console.log(await client.get('key'))
await server.stop()
`

test('a program on the command line can start a server with all its threads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-evaluated-'))
  try {
    const flags = ['--expose-gc', '--input-type=module', '-e', PROGRAM]
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, folder])
    assert.equal(stdout, 'value\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
