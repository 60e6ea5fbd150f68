/** Threads and processes that end with a named table open, in every way they can, and systems that have none. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SharedMap } from '../index.js'
import type { NamedHolderData } from './named-holder-worker.js'
import { ending, nextMessage, start } from './named-process.js'
import { GATE_BYTES, mapFile, NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const options = { skip: NO_NAMED_TABLES }
const INDEX = new URL('../index.js', import.meta.url).href
const WORKER = new URL('./named-holder-worker.js', import.meta.url).href

async function startWorker(workerData: NamedHolderData): Promise<Worker> {
  const worker = new Worker(new URL('./named-holder-worker.js', import.meta.url), { workerData })
  await once(worker, 'message')
  return worker
}

/** Runs a program (ESM) in a process of its own. */
function run(program: string) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 60_000 },
  )
  return { status, signal, stdout, stderr }
}

describe('a worker thread with a named table open', options, () => {
  test('loses its place with its life, even if nobody hears of that: a lock it held comes free', async () => {
    using map = SharedMap.open('ended worker', { capacity: '1MiB', stripes: 1 })
    map.set('k', 'before')
    for (let round = 0; round < 5; round++) {
      const worker = await startWorker({ name: 'ended worker', does: 'hold' })
      assert.equal(map.stats().participants, 2)
      await worker.terminate()
      map.set('other', 'value')
      assert.equal(map.get('k'), 'before')
      map.check()
    }
    assert.equal(map.stats().participants, 1)
    assert.equal(map.stats().repairs, 5)
  })

  test('can be terminated while it waits for a lock', async () => {
    using map = SharedMap.open('waiting worker', { capacity: '1MiB', stripes: 1 })
    map.set('k', 'before')
    const gatePath = join(directory, 'gate')
    const gate = new Int32Array(mapFile(gatePath, GATE_BYTES))
    const holder = start({ task: 'hold', name: 'waiting worker', key: 'k', gatePath })
    assert.equal(await nextMessage(holder), 'holding')
    const worker = await startWorker({ name: 'waiting worker', does: 'wait' })
    await worker.terminate()
    Atomics.store(gate, 0, 1)
    assert.equal(await ending(holder), 0)
    assert.equal(map.get('k'), 'by the holder')
    map.check()
  })
})

describe('a process with a named table open', options, () => {
  test('ends while a worker of its own waits for a lock that another process keeps', async () => {
    using map = SharedMap.open('waiting process', { capacity: '1MiB', stripes: 1 })
    map.set('k', 'before')
    const gatePath = join(directory, 'gate')
    const gate = new Int32Array(mapFile(gatePath, GATE_BYTES))
    Atomics.store(gate, 0, 0)
    const holder = start({ task: 'hold', name: 'waiting process', key: 'k', gatePath })
    assert.equal(await nextMessage(holder), 'holding')
    for (const [end, code] of [
      ['process.exit(9)', 9],
      ["throw new Error('uncaught')", 1],
      ["Promise.reject(new Error('unhandled'))", 1],
    ] as const) {
      const { status, signal, stderr } = run(`
        import { Worker } from 'node:worker_threads'
        const worker = new Worker(new URL('${WORKER}'), { execArgv: [], workerData: { name: 'waiting process', does: 'wait' } })
        worker.once('message', () => setTimeout(() => { ${end} }, 30))`)
      assert.deepEqual({ status, signal }, { status: code, signal: null }, stderr)
    }
    Atomics.store(gate, 0, 1)
    assert.equal(await ending(holder), 0)
    map.set('k', 'after')
    map.check()
    assert.equal(map.stats().participants, 1)
  })

  test('loses a worker that ends with an uncaught error or by process.exit(), and goes on', async () => {
    using map = SharedMap.open('failing worker', { capacity: '1MiB' })
    for (const end of [
      "throw new Error('uncaught')",
      'process.exit(3)',
      "Promise.reject(new Error('unhandled'))",
    ]) {
      const worker = new Worker(
        `import('${INDEX}').then(({ SharedMap }) => { SharedMap.open('failing worker').set('k', 'v'); setImmediate(() => { ${end} }) })`,
        { eval: true },
      )
      const errors: unknown[] = []
      worker.on('error', (error) => errors.push(error))
      // Not `once`, which rejects at an error.
      const code = await new Promise((resolve) => worker.once('exit', resolve))
      assert.equal(code, end.includes('exit') ? 3 : 1, end)
      assert.equal(errors.length, end.includes('exit') ? 0 : 1)
    }
    assert.equal(map.get('k'), 'v')
    map.check()
  })

  const opening = `
    import { SharedMap } from '${INDEX}'
    const map = SharedMap.open('ended process', { capacity: '1MiB' })
    map.set('k', 'v')
  `
  for (const [how, program, expected] of [
    ['ends by itself', opening, 0],
    ['leaves with process.exit()', `${opening}; setInterval(() => {}, 1000); process.exit(7)`, 7],
    ['ends with an uncaught error', `${opening}; throw new Error('uncaught')`, 1],
    [
      'leaves with process.exit() while a worker of its own uses the table',
      `${opening}
       import { Worker } from 'node:worker_threads'
       const code = "import { parentPort, workerData } from 'node:worker_threads'; const { SharedMap } = await import(workerData.index); const map = SharedMap.attach(workerData.map); parentPort.postMessage(0); for (let i = 0; ; i++) map.set('k' + (i % 100), 'v')"
       new Worker(code, { eval: true, workerData: { map: map.share(), index: '${INDEX}' } }).once('message', () => process.exit(8))`,
      8,
    ],
  ] as const) {
    test(how, () => {
      const { status, stderr } = run(program)
      assert.equal(status, expected, stderr)
      using map = SharedMap.open('ended process')
      assert.equal(map.get('k'), 'v')
      map.check()
    })
  }
})

describe('where named tables cannot be had', () => {
  const attempt = `
    const { SharedMap } = await import('${INDEX}')
    const map = new SharedMap({ capacity: '64KiB' })
    map.set('k', 'v')
    let message = ''
    try { SharedMap.open('nowhere') } catch (error) { message = error.name + ': ' + error.message }
    process.stdout.write(map.get('k') + ' ' + message)
  `

  test('without koffi one sentence says what to install, and maps of one process work', () => {
    const { stdout, stderr } = run(`
      import Module from 'node:module'
      const resolve = Module._resolveFilename
      Module._resolveFilename = (name, ...rest) => {
        if (name === 'koffi') throw new Error('no such module')
        return resolve(name, ...rest)
      }
      ${attempt}`)
    assert.match(
      stdout,
      /^v UnsupportedError: Named tables need the package koffi .*: run npm install koffi/,
      stderr,
    )
  })

  test('on another system one sentence says so, and maps of one process work', () => {
    const { stdout, stderr } = run(`
      import os from 'node:os'
      import { syncBuiltinESMExports } from 'node:module'
      os.platform = () => 'darwin'
      syncBuiltinESMExports()
      ${attempt}`)
    assert.match(
      stdout,
      /^v UnsupportedError: Named tables need Linux on x64 or arm64, this is darwin/,
      stderr,
    )
  })
})

test('nothing is left but the tables themselves', options, () => {
  for (const { name } of SharedMap.list()) SharedMap.unlink(name)
  assert.deepEqual(readdirSync(directory), ['gate'])
})
