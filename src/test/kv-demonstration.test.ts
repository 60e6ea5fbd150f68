/**
 * The demonstration of original 004's README, to the letter: a value is stored, the server is killed, started again, and
 * the value is there.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))
const ALICE = '{"name": "Alice", "balance": 500}'

/** Resolves when `kv_server` says where it listens; rejects with what it says if it ends instead. */
function startServer(cwd: string): Promise<{ child: ChildProcess; port: string }> {
  const child = spawn(bin('kv_server'), ['kv.conf'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return new Promise((resolve, reject) => {
    // Read to the end: who stops reading ends the server with its next line.
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      const port = /line protocol on 127\.0\.0\.1:(\d+)\n/.exec(out)?.[1]
      if (port !== undefined) resolve({ child, port })
    })
    child.once('close', () => reject(new Error(err)))
  })
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'exit')
  child.kill('SIGKILL')
  await closed
}

test('a value put through kv_client is there after the server was killed and started again', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'hearth-kv-'))
  writeFileSync(join(cwd, 'kv.conf'), 'server_port=0\nnum_segments=16\n')
  let running: ChildProcess | undefined
  const start = async (): Promise<string> => {
    const { child, port } = await startServer(cwd)
    running = child
    return port
  }
  const restart = async (): Promise<string> => {
    if (running !== undefined) await kill(running)
    return start()
  }
  const client = (port: string, ...args: string[]): Promise<{ stdout: string }> =>
    promisify(execFile)(bin('kv_client'), args, { env: { ...process.env, HEARTH_TEXT_PORT: port } })
  try {
    let port = await start()
    assert.equal((await client(port, 'PUT', 'user:42', ALICE)).stdout, 'OK\n')
    assert.equal((await client(port, 'GET', 'user:42')).stdout, `${ALICE}\n`)
    port = await restart()
    assert.equal((await client(port, 'GET', 'user:42')).stdout, `${ALICE}\n`)
    assert.ok(existsSync(join(cwd, 'kv_store.wal', 'identity')), 'the log is where wal_file says')

    const keys = Array.from({ length: 5 }, (_, index) => `key ${index}`)
    await Promise.all(keys.map((key) => client(port, 'PUT', key, `a\n"${key}"`)))
    assert.equal((await client(port, 'DELETE', 'user:42')).stdout, 'OK\n')
    assert.equal((await client(port, 'FLUSH')).stdout, 'OK\n')
    port = await restart()
    assert.equal((await client(port, 'SIZE')).stdout, '5\n')
    for (const key of keys) assert.equal((await client(port, 'GET', key)).stdout, `a\n"${key}"\n`)
    await assert.rejects(client(port, 'GET', 'user:42'), { code: 1, stdout: 'NOT_FOUND\n' })
  } finally {
    if (running !== undefined) await kill(running)
    rmSync(cwd, { recursive: true })
  }
})
