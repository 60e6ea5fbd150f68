/** `bin/kv_client` and `bin/kv_server`, as they are called from a shell. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RespClient } from '../client/resp-client.js'
import { startPlainNode } from './unnamed-node.js'

const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(bin(program), args, options)
  let out = ''
  let err = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

test('a client stores, reads, counts and deletes on a node that has a text port', async () => {
  const node = await startPlainNode({ text: { port: 0 } })
  try {
    const client = (...args: string[]) => run('kv_client', ['--port', String(node.textPort), ...args])
    const session: readonly (readonly [args: string[], code: number, out: string])[] = [
      [['PING'], 0, 'PONG\n'],
      [['PUT', 'user:42', '{"name": "Alice", "balance": 500}'], 0, 'OK\n'],
      [['GET', 'user:42'], 0, '{"name": "Alice", "balance": 500}\n'],
      [['put', 'lines', 'a\nb"\\\'\n'], 0, 'OK\n'],
      [['get', 'lines'], 0, 'a\nb"\\\'\n\n'],
      [['PUT', '-n', '--help'], 0, 'OK\n'],
      [['GET', '-n'], 0, '--help\n'],
      [['PUT', 'none', 'NOT_FOUND'], 0, 'OK\n'],
      [['GET', 'none'], 0, 'NOT_FOUND\n'],
      [['SIZE'], 0, '4\n'],
      [['EXISTS', 'lines'], 0, 'true\n'],
      [['DELETE', 'lines'], 0, 'OK\n'],
      [['DELETE', 'lines'], 1, 'NOT_FOUND\n'],
      [['GET', 'lines'], 1, 'NOT_FOUND\n'],
      [['EXISTS', 'lines'], 1, 'false\n'],
    ]
    for (const [args, code, out] of session) {
      const result = await client(...args)
      assert.deepEqual(
        { code: result.code, out: result.out },
        { code, out },
        `${args.join(' ')}: ${result.err}`,
      )
    }
    let stats = await client('STATS')
    // The node hears of a client's end when it comes to it.
    while (/^connections: (?!1$)/m.test(stats.out)) stats = await client('STATS')
    assert.equal(stats.code, 0)
    assert.match(stats.out, /^keys: 3\n[\s\S]*\nconnections: 1\n[\s\S]*\ndurability: off\n/)
    assert.doesNotMatch(stats.out, /END/)
    // Durability is off in this node.
    const flush = await client('FLUSH')
    assert.equal(flush.code, 3)
    assert.match(flush.err, /^kv_client: REFUSED: there is nothing to flush to/)
    // One table behind both fronts.
    const resp = await RespClient.connect(node.host, node.port)
    assert.deepEqual(await resp.call('GET', '-n'), Buffer.from('--help'))
    await resp.close()
  } finally {
    await node.stop()
  }
})

describe('wrong use', () => {
  test('of the client is told, with exit code 2, and a server that is not there with 3', async () => {
    const wrong: readonly (readonly [args: string[], code: number, reason: RegExp])[] = [
      [[], 2, /missing required argument/],
      [['NOPE'], 2, /there is no command NOPE; there are PUT key value/],
      [['GET'], 2, /GET takes 1 words behind it/],
      [['PUT', 'a'], 2, /PUT takes 2 words/],
      [['SIZE', 'a'], 2, /SIZE takes 0 words/],
      [['--port', '0', 'PING'], 2, /whole number from 1 to 65535/],
      [['--port', '1', 'PING'], 3, /no server answers at 127\.0\.0\.1:1\. Start one with: bin\/kv_server/],
    ]
    const results = await Promise.all(wrong.map(([args]) => run('kv_client', args)))
    for (const [index, [args, code, reason]] of wrong.entries()) {
      assert.equal(results[index]?.code, code, args.join(' '))
      assert.match(results[index]?.err ?? '', reason)
    }
  })

  test('of the server is told with the line of its config file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hearth-kv-'))
    try {
      writeFileSync(join(directory, 'kv_config.conf'), 'server_port=0\nsync_wal=maybe\n')
      const found = await run('kv_server', [], { cwd: directory })
      assert.equal(found.code, 2)
      assert.match(found.err, /^kv_server: kv_config\.conf line 2: "sync_wal" is true or false, not "maybe"/)
      const missing = await run('kv_server', ['none.conf'], { cwd: directory })
      assert.equal(missing.code, 2)
      assert.match(missing.err, /none\.conf/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
