/**
 * A socket worker that dies of a bug in a real node: the node says so on stderr and ends in order, with exit code 3 and
 * without hanging, so that whoever runs it can start it again. It cannot go on with the others: the listening socket
 * is one descriptor for all of them, and it goes with the thread that dies.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Loaded in every thread of the node before its own code: the second worker gets a port that a bug waits behind. */
const BUG = `
  import { createServer } from 'node:net'
  import { workerData } from 'node:worker_threads'
  if (workerData?.index === 1) {
    const server = createServer(() => { throw new Error('a bug of the second worker') })
    server.listen(0, '127.0.0.1', () => process.stdout.write('bug at ' + server.address().port + '.\\n'))
  }`

it('a node whose socket worker dies of a bug says so, lets go of its clients, and ends with exit code 3', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-bug-'))
  const preload = join(directory, 'bug.mjs')
  writeFileSync(preload, BUG)
  const flags = ['serve', '--resp-port', '0', '--durability', 'off', '--no-shm', '--socket-workers', '3']
  const node = spawn(process.execPath, ['--import', pathToFileURL(preload).href, MAIN, ...flags])
  try {
    const ended = once(node, 'close')
    let complaint = ''
    node.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    let said = ''
    const ports = await new Promise<readonly number[]>((resolve) => {
      node.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const [bug, own] = [/bug at (\d+)\./.exec(said)?.[1], /127\.0\.0\.1:(\d+) /.exec(said)?.[1]]
        if (bug !== undefined && own !== undefined) resolve([Number(bug), Number(own)])
      })
    })
    const clients = Array.from({ length: 6 }, () => connect(ports[1] ?? 0, '127.0.0.1'))
    await Promise.all(
      clients.map(async (client) => {
        client.on('error', () => {}).write('PING\r\n')
        await once(client, 'data')
      }),
    )
    const gone = clients.map((client) => once(client.resume(), 'close'))
    connect(ports[0] ?? 0, '127.0.0.1').on('error', () => {})
    assert.deepEqual(await ended, [3, null])
    assert.match(complaint, /^hearth: .*a bug of the second worker/)
    await Promise.all(gone)
  } finally {
    node.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  }
})
