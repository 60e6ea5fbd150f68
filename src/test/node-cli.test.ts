/** The command `hearth` from end to end: real processes, a real node, exit codes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const READY = /Redis protocol on 127\.0\.0\.1:(\d+)/

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const { HEARTH_PORT: _port, HEARTH_CONFIG: _config, ...inherited } = process.env
  return spawn(process.execPath, [MAIN, ...args], { env: { ...inherited, ...env } })
}

async function finish(child: ChildProcess, input?: string | Buffer): Promise<Result> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('latin1').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    err += text
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

const ran = (args: readonly string[], env?: Record<string, string>): Promise<Result> =>
  finish(start(args, env))

/** Starts a node; resolves with its port once it says that it is ready. */
async function serve(args: readonly string[], env?: Record<string, string>) {
  const child = start(['serve', '--resp-port', '0', '--durability', 'off', '--no-shm', ...args], env)
  nodes.push(child)
  let out = ''
  child.stdout?.setEncoding('utf8')
  for await (const text of child.stdout ?? []) {
    out += String(text)
    const port = READY.exec(out)?.[1]
    if (port !== undefined && out.includes('Ctrl-C')) return { child, port, out }
  }
  throw new Error(`the node did not start: ${out}`)
}

const nodes: ChildProcess[] = []
let directory: string
let node: { child: ChildProcess; port: string; out: string }
let here: Record<string, string>

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-cli-'))
  node = await serve(['--capacity', '8MiB', '--socket-workers', '2'])
  here = { HEARTH_PORT: node.port }
})
after(() => {
  // One left over would keep the whole file waiting.
  for (const child of nodes) child.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

const call = (...args: string[]): Promise<Result> => ran(args, here)

it('a node says where it is, how to try it, and that nothing survives', () => {
  assert.match(node.out, /2 socket workers, 8MiB/)
  assert.match(node.out, new RegExp(`redis-cli -h 127.0.0.1 -p ${node.port}`))
  assert.match(node.out, /durability off: nothing survives a stop/)
})

it('values are stored, read and deleted, and a no is exit code 1', async () => {
  const expected: readonly (readonly [args: string[], code: number, out: string])[] = [
    [['set', 'a', '1'], 0, ''],
    [['get', 'a'], 0, '1\n'],
    [['put', 'a', '2'], 0, ''],
    [['get', 'a', '--json'], 0, '{"key":"a","value":"2"}\n'],
    [['get', 'none'], 1, ''],
    [['insert', 'a', '3'], 1, ''],
    [['insert', 'b', '3', '--ttl-ms', '100000'], 0, ''],
    [['replace', 'none', '1'], 1, ''],
    [['update', 'b', '4'], 0, ''],
    [['get', 'b'], 0, '4\n'],
    [['incr', 'n'], 0, '1\n'],
    [['incr', 'n', '-6'], 0, '-5\n'],
    [['scan', '--match', 'n*'], 0, 'n\n'],
    [['delete', 'a', 'b', 'none', '--json'], 0, '{"deleted":2}\n'],
    [['del', 'a'], 1, ''],
  ]
  for (const [args, code, out] of expected) {
    const result = await call(...args)
    assert.deepEqual({ code: result.code, out: result.out }, { code, out }, args.join(' '))
  }
})

it('a dump comes back as it was, bytes, ttl and all', async () => {
  await call('set', 'plain', 'é')
  await call('set', 'short', 'v', '--ttl-ms', '500000')
  await finish(start(['set', 'binary', '--stdin'], here), Buffer.from([0xff, 0x00, 0x0a]))
  const dump = await call('dump')
  assert.equal(dump.code, 0)
  const file = join(directory, 'dump.ndjson')
  writeFileSync(file, dump.out, 'latin1')
  await call('del', 'plain', 'short', 'binary', 'n')
  assert.equal((await call('dump')).out, '')
  const loaded = await call('load', file)
  assert.deepEqual({ code: loaded.code, out: loaded.out }, { code: 0, out: '4 entries stored\n' })
  const sorted = (text: string): string[] =>
    text
      .replace(/"ttlMs":4\d{5}/, '"ttlMs":4')
      .split('\n')
      .sort()
  assert.deepEqual(sorted((await call('dump')).out), sorted(dump.out))
  assert.deepEqual(
    Buffer.from((await call('get', 'binary')).out, 'latin1'),
    Buffer.from([0xff, 0x00, 0x0a, 0x0a]),
  )
})

it('load reads standard input and names the line that is wrong', async () => {
  const good = await finish(
    start(['load', '-', '--json'], here),
    '{"key":"x","value":"1"}\n\n{"key":"y","value":"2"}',
  )
  assert.deepEqual({ code: good.code, out: good.out }, { code: 0, out: '{"stored":2}\n' })
  const bad = await finish(start(['load', '-'], here), '{"key":"x","value":"1"}\n{"key":"y"}\n')
  assert.equal(bad.code, 2)
  assert.match(bad.err, /standard input line 2: either "value" or "value64" is needed/)
  assert.equal((await call('load', join(directory, 'none'))).code, 2)
})

it('stats are text or JSON', async () => {
  const stats = JSON.parse((await call('stats', '--json')).out) as {
    loading: unknown
    hearth_durability: unknown
  }
  assert.equal(stats.loading, 0)
  assert.equal(stats.hearth_durability, 'off')
  // Those before may still be counted: a node learns that a client has gone when its turn comes.
  assert.match((await call('stats')).out, /^connected_clients: [1-9]\d*$/m)
})

it('wrong use is exit code 2, with a sentence', async () => {
  const wrong: readonly (readonly [args: string[], reason: RegExp])[] = [
    [['nope'], /unknown command/],
    [['get'], /missing required argument/],
    [['get', 'a', '--nope'], /unknown option/],
    [['get', 'a', '--port', '0'], /whole number from 1 to 65535/],
    [['set', 'a'], /--stdin/],
    [['set', 'a', '1', '--ttl-ms', '-5'], /whole number/],
    [['incr', 'a', 'x'], /not a whole number/],
    [['serve', '--durability', 'off', '--data-dir', 'd'], /leave out dataDir/],
    [['serve', '--durability', 'sometimes'], /Allowed choices/],
    [['serve', '--no-resp', '--no-shm'], /nothing to serve/],
    [['serve', '--resp-host', '0.0.0.0'], /there is no password/],
    [['serve', '--capacity', 'many'], /capacity/],
    [['serve', '--eviction', 'lru'], /Allowed choices/],
  ]
  const results = await Promise.all(wrong.map(([args]) => call(...args)))
  for (const [i, [args, reason]] of wrong.entries()) {
    assert.equal(results[i]?.code, 2, args.join(' '))
    assert.match(results[i]?.err ?? '', reason)
  }
})

it('settings come from a file, the environment and the command line, the later the stronger', async () => {
  const file = join(directory, 'hearth.json')
  writeFileSync(file, JSON.stringify({ 'socket-workers': 1, capacity: '2MiB', eviction: 'none' }))
  const started = await serve(['--config', file, '--capacity', '3MiB'], { HEARTH_EVICTION: 'none' })
  assert.match(started.out, /1 socket worker, 3MiB, refuses writes when full/)
  started.child.kill('SIGTERM')
  const [code] = (await once(started.child, 'close')) as [number]
  assert.equal(code, 0)
  const evicting = await serve(['--config', file, '--eviction', 'clock'])
  assert.match(evicting.out, /2MiB, drops what was not used lately when full/)
  evicting.child.kill('SIGTERM')
  assert.deepEqual(await once(evicting.child, 'close'), [0, null])
  for (const [text, reason] of [
    ['{"resp-prt":1}', /no setting "resp-prt"/],
    ['{"__proto__":1}', /no setting "__proto__"/],
    ['{"resp-port":"x"}', /whole number/],
    ['{"insecure":"yes"}', /true or false/],
    ['[]', /one JSON object/],
    ['{', /JSON/],
  ] as const) {
    writeFileSync(file, text)
    const result = await ran(['serve', '--config', file])
    assert.equal(result.code, 2, text)
    assert.match(result.err, reason)
  }
})

it('a variable that says no to a flag does not turn it on', async () => {
  const open = await ran(['serve', '--resp-host', '0.0.0.0', '--resp-port', '0'], {
    HEARTH_INSECURE: 'false',
  })
  assert.equal(open.code, 2)
  assert.match(open.err, /there is no password/)
})

it('one file of settings serves all commands, and a name that none of them has is an error', async () => {
  const file = join(directory, 'all.json')
  writeFileSync(file, JSON.stringify({ port: Number(node.port), 'socket-workers': 1 }))
  assert.equal((await ran(['set', 'from-file', '1'], { HEARTH_CONFIG: file })).code, 0)
  assert.equal((await ran(['get', 'from-file', '--config', file])).out, '1\n')
  const asJson = await ran(['get', 'from-file', '--config', file], { HEARTH_JSON: 'true' })
  assert.equal(asJson.out, '{"key":"from-file","value":"1"}\n')
  assert.equal((await ran(['get', 'from-file', '--port', '1'], { HEARTH_CONFIG: file })).code, 3)
  writeFileSync(file, '{"socket-wokers":1}')
  const wrong = await ran(['get', 'from-file'], { HEARTH_CONFIG: file })
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /no setting "socket-wokers"/)
})

it('help is there for every command', async () => {
  const commands = [
    'serve',
    'get',
    'set',
    'del',
    'insert',
    'replace',
    'incr',
    'load',
    'dump',
    'scan',
    'stats',
    'stop',
  ]
  const results = await Promise.all(commands.map((name) => ran([name, '--help'])))
  for (const [i, name] of commands.entries()) {
    assert.equal(results[i]?.code, 0)
    assert.match(results[i]?.out ?? '', new RegExp(`^Usage: hearth ${name}`))
  }
})

it('stop ends the node in order, and then nobody answers', async () => {
  const closed = once(node.child, 'close')
  assert.equal((await call('stop')).code, 0)
  const [code] = (await closed) as [number]
  assert.equal(code, 0)
  const result = await call('get', 'a')
  assert.equal(result.code, 3)
  assert.match(result.err, /no node answers at 127\.0\.0\.1:\d+\. Start one with: hearth serve/)
})
