/** `hearthkv/kvs` as its users have it: the examples as processes against a server process, and the programs of bin. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { KVS_STATUS, KVSClient, KVSServer } from '../kvs/kvs.js'
import { leftovers, NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(path: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, path), ...args], { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

/** A server process that has said its first line. */
async function serve(path: string, ...args: string[]): Promise<{ child: ChildProcess; out: () => string }> {
  const child = spawn(process.execPath, [join(ROOT, path), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  await Promise.race([
    once(child.stdout ?? child, 'data'),
    once(child, 'exit').then(() => assert.fail(`${path} ended: ${out}`)),
  ])
  return { child, out: () => out }
}

async function end({ child }: { child: ChildProcess }): Promise<number | null> {
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  const [code] = (await ended) as [number | null]
  return code
}

describe('the calls of original 002', { skip: NO_NAMED_TABLES }, () => {
  let folder: string
  let server: Awaited<ReturnType<typeof serve>>

  before(async () => {
    folder = useScratchDirectory()
    server = await serve('examples/kvs/server.mjs', 'my_kvs')
  })
  after(async () => {
    assert.equal(await end(server), 0)
    assert.equal(server.out(), 'running: true\nstored: 0\nrunning: false\n')
    assert.deepEqual(leftovers(folder), [])
  })

  const outputs: readonly (readonly [example: string, out: string])[] = [
    [
      'sync.mjs',
      'SET successful\nGET returned: 100\nPOST successful\nPOST failed - key exists\nDELETE successful\nGET after DELETE: undefined\n',
    ],
    ['async.mjs', 'task 1: stored\ntask 2: stored\ntask 3: 100\ntask 4: not found\n'],
    ['custom-types.mjs', '{ id: 7, value: 0.5 }\n1970-01-01T00:00:00.000Z\n'],
    ['string-types.mjs', 'Grüße, 世界\n1000000\n'],
    ['timeouts.mjs', 'value\nundefined\nvalue\nNO_SERVER\n'],
    ['stripes.mjs', 'false\n1000\nfalse\n'],
    ['in-flight.mjs', '10000 stored, 10000 read back\n10000 deleted\n'],
  ]
  for (const [example, out] of outputs) {
    it(`${example} prints what its comments say`, async () => {
      const name = example === 'stripes.mjs' ? 'my_striped_kvs' : 'my_kvs'
      assert.deepEqual(await run(`examples/kvs/${example}`, name), { code: 0, out, err: '' })
    })
  }

  it('kvs_server and kvs_client carry out commands, with an exit code for no', async () => {
    const served = await serve('bin/kvs_server', '-n', '2', '--name', 'texts')
    const client = (...args: string[]): Promise<Ended> => run('bin/kvs_client', '--name', 'texts', ...args)
    assert.deepEqual(await client('set', 'a', 'one'), { code: 0, out: '', err: '' })
    assert.deepEqual(await client('get', 'a'), { code: 0, out: 'one\n', err: '' })
    assert.equal((await client('post', 'a', 'two')).code, 1)
    assert.equal((await client('post', 'b', 'two')).code, 0)
    assert.equal((await client('del', 'a')).code, 0)
    assert.deepEqual(await client('get', 'a'), { code: 1, out: '', err: '' })
    assert.equal((await client('del', 'a')).code, 1)
    const shown = await client()
    assert.equal(shown.code, 0, shown.err)
    assert.match(shown.out, /^set demo:\d+ 100 -> true\n.*get_async .* SUCCESS 300\n.*-> not found\n$/s)
    const { code, err } = await client('put', 'a')
    assert.deepEqual([code, err], [2, "error: unknown command 'put'\n"])
    assert.equal(await end(served), 0)
    assert.match(served.out(), /\nstopped with 1 entries\n$/)
    const gone = await client('get', 'a')
    assert.equal(gone.code, 3)
    assert.match(gone.err, /^kvs_client: .*texts.*bin\/kvs_server/)
  })

  it('what is no answer is thrown: full, gone, closed are told apart from missing', async () => {
    const small = new KVSServer('small', { capacity: '1MiB' })
    assert.equal(small.is_running(), false)
    assert.throws(() => small.storage_size(), { code: 'CLOSED' })
    assert.equal(await small.start(1), true)
    const client = await KVSClient.connect('small')
    const value = 'v'.repeat(10_000)
    let stored = 0
    assert.throws(
      () => {
        for (;;) {
          client.set(`key ${stored}`, value)
          stored++
        }
      },
      { code: 'FULL' },
    )
    assert.equal(small.storage_size(), stored)
    const task = client.set_async('one more', value)
    const { status, error } = client.wait(task)
    assert.equal(status, KVS_STATUS.FAILED)
    assert.match(String(error), /FULL/)
    assert.equal(client.get('one more'), undefined)
    assert.equal(client.del('key 0'), true)
    // The same key: another may need a line for its bucket as well.
    assert.equal(client.set('key 0', value), true)
    await small.stop()
    await small.stop()
    assert.throws(() => client.get('one more'), { code: 'SERVER_GONE' })
    await client.close()
    assert.throws(() => client.get('one more'), { code: 'CLOSED' })
    assert.equal(await small.start(1), true)
    assert.equal(small.storage_size(), 0)
    await small.stop()
  })

  it('a name that is served is refused, and options that cannot be too', async () => {
    const second = new KVSServer('my_kvs')
    await assert.rejects(second.start(1), { code: 'REFUSED' })
    assert.equal(second.is_running(), false)
    await assert.rejects(new KVSServer('other').start(0), RangeError)
    await assert.rejects(new KVSServer('other', { stripes: 0 }).start(1), RangeError)
    await assert.rejects(new KVSServer('other', { capacity: '1B' }).start(1), RangeError)
    await assert.rejects(KVSClient.connect('nobody'), { code: 'NO_SERVER' })
  })
})
