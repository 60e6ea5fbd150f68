import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Server } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

/** Mappings of this process of the file with that path, there or removed. */
function mappingsOf(path: string): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n')
  return lines.filter((line) => line.endsWith(` ${path}`) || line.endsWith(` ${path} (deleted)`)).length
}

test('the threads of a server that has stopped have given their mappings of its table back', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const folder = useScratchDirectory()
  // The thread that makes the table maps it under another name; all others open this one.
  const path = join(folder, 'hearth-v1-ends')
  const dataDir = join(folder, 'data')
  for (const more of [{ laneWorkers: 2 }, { dataDir }]) {
    const server = await Server.start({ name: 'ends', capacity: '1MiB', resp: { port: 0 }, ...more })
    const segments = mappingsOf(path)
    assert.ok(segments > 0, 'its threads map the table')
    const client = server.client()
    await client.set('key', 'value')
    await client.close()
    await server.stop()
    assert.equal(mappingsOf(path), 0)
  }
  rmSync(dataDir, { recursive: true })
})
