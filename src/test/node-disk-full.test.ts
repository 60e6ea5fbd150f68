/** A durable node on a disk that fills up: writes are refused, reads go on, it heals, and no refused write ever appears. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RespClient } from '../client/resp-client.js'
import { Server } from '../index.js'

const MIB = 2 ** 20
const DISK_BYTES = 112 * MIB
const VALUE = 'v'.repeat(64 * 1024)

/** A file system of its own, in a directory that is removed again. */
async function withSmallDisk(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', directory])
  assert.equal(mounted.status, 0)
  try {
    await work(directory)
  } finally {
    spawnSync('umount', ['--lazy', directory])
    rmSync(directory, { recursive: true, force: true })
  }
}

function mayNotMount(): string | false {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-disk-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])
  if (status === 0) spawnSync('umount', [directory])
  rmSync(directory, { recursive: true })
  return status === 0 ? false : 'this user may not mount a file system'
}

test('a full disk refuses writes, keeps reads, and heals', { skip: mayNotMount() }, () =>
  withSmallDisk(async (directory) => {
    const told: string[] = []
    const note = (message: string): void => void told.push(message)
    const options = {
      dataDir: join(directory, 'data'),
      shm: false,
      capacity: 64 * MIB,
      resp: { port: 0 },
      logger: { info: note, warn: note },
    }
    let server = await Server.start(options)
    let client = await RespClient.connect('127.0.0.1', server.resp?.port ?? 0)
    const kept = new Map<string, string>()
    const filler = join(directory, 'filler')
    await client.call('SET', 'first', 'kept')
    kept.set('first', 'kept')
    const { bavail, bsize } = statfsSync(directory)
    writeFileSync(filler, Buffer.alloc(bavail * bsize))

    // The segment in use has its space already: it takes some more writes.
    let refusal: unknown
    for (let i = 0; refusal === undefined; i++) {
      const value = `${i}${VALUE}`
      try {
        await client.call('SET', `key ${i % 100}`, value)
        kept.set(`key ${i % 100}`, value)
      } catch (error) {
        refusal = error
      }
    }
    assert.match(String(refusal), /MISCONF DISK_FULL/)
    await assert.rejects(client.call('SET', 'refused', VALUE), /MISCONF DISK_FULL/)
    await assert.rejects(client.call('APPEND', 'first', VALUE), /MISCONF DISK_FULL/)
    // A small one has room where a large one has none.
    await client.call('SET', 'small', 'fits')
    kept.set('small', 'fits')
    assert.equal(String(await client.call('GET', 'first')), 'kept')
    assert.match(
      String(await client.call('INFO', 'persistence')),
      /aof_last_write_status:err\r\n.*hearth_log_state:disk-full/s,
    )
    assert.equal(server.stats().log?.state, 'disk-full')
    assert.ok(told.some((text) => text.includes('writes are refused, reads go on')))

    rmSync(filler)
    while (server.stats().log?.state !== 'ok') await client.call('SET', 'after', VALUE).catch(() => {})
    kept.set('after', VALUE)
    // What is told comes by another way than the state.
    while (!told.some((text) => text.includes('there is space again')))
      await new Promise((resolve) => setImmediate(resolve))
    await client.close()
    await server.stop()

    server = await Server.start(options)
    client = await RespClient.connect('127.0.0.1', server.resp?.port ?? 0)
    assert.equal(await client.call('DBSIZE'), kept.size)
    for (const [key, value] of kept) assert.equal(String(await client.call('GET', key)), value)
    await client.close()
    await server.stop()
  }),
)
