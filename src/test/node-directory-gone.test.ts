/** A data directory that is removed under a running node: nothing more is acknowledged, reads go on, and it is told. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { Server } from '../server/server.js'

for (const durability of ['always', 'os'] as const)
  it(`a directory that goes away is noticed, also without a write, at level ${durability}`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hearth-gone-'))
    let tell = (_text: string): void => {}
    const told = new Promise<string>((resolve) => {
      tell = resolve
    })
    const logger = { info: () => {}, warn: (text: string) => tell(text), error: () => {} }
    const server = await Server.start({
      shm: false,
      capacity: '16MiB',
      dataDir,
      durability,
      logger,
      resp: { port: 0 },
      text: { port: 0 },
    })
    const client = server.client()
    try {
      await client.set('before', '1')
      rmSync(dataDir, { recursive: true })
      assert.match(await told, /LOG_FAILED: the file of the log is gone/)
      assert.equal(server.stats().log?.state, 'failed')
      assert.match(
        await statsOver(server.textPort),
        /\ndurability: \w+\nlog_state: failed\nlog_position: 1\n/,
      )
      await assert.rejects(client.set('after', '2'), { code: 'LOG_FAILED', outcome: 'not-applied' })
      assert.equal(await client.get('before'), '1')
      assert.equal(await client.get('after'), undefined)
    } finally {
      await client.close()
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

function statsOver(port: number | undefined): Promise<string> {
  const socket = createConnection(port ?? 0, '127.0.0.1')
  socket.end('STATS\n')
  return text(socket)
}
