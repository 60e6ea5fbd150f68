/** Threads that are told to end at any moment; what goes wrong ends the process, so most of it is a process of its own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { noteEnd } from './thread-ends.js'

const NATIVE = new URL('./native.js', import.meta.url).href
const ENDS = new URL('./thread-ends.js', import.meta.url).href
const directory = mkdtempSync(join(tmpdir(), 'hearth-ends-'))
const path = join(directory, 'file')
writeFileSync(path, new Uint8Array(8192))
after(() => rmSync(directory, { recursive: true }))

/** Maps a file again and again, from its first message on. */
const MAPPER = `
  import { openSync } from 'node:fs'
  import { parentPort } from 'node:worker_threads'
  const { Native } = await import('${NATIVE}')
  const native = Native.load()
  const descriptor = openSync('${path}', 'r+')
  parentPort.postMessage('mapping')
  for (;;) native.unmap(native.map(descriptor, 0, 4096).address, 4096)`

/** Starts a mapper, passes its message on, and waits. */
const STARTER = `
  import { parentPort, Worker } from 'node:worker_threads'
  await import('${NATIVE}')
  const mapper = new Worker(new URL(${JSON.stringify(asModule(MAPPER))}))
  mapper.once('message', (message) => parentPort.postMessage(message))`

const LOADER = `
  import { parentPort } from 'node:worker_threads'
  const { Native } = await import('${NATIVE}')
  parentPort.postMessage('loading')
  Native.load()
  for (;;) {}`

function asModule(program: string): string {
  return `data:text/javascript,${encodeURIComponent(program)}`
}

/** Runs a program (ESM) that can start threads of the others, and says how it ended. */
function run(program: string): { status: number | null; signal: string | null; stderr: string } {
  const preface = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    await import('${NATIVE}')
    const start = (program) => new Worker(new URL(program))
    const [mapper, starter, loader] = ${JSON.stringify([MAPPER, STARTER, LOADER].map(asModule))};`
  const argv = ['--input-type=module', '--eval', preface + program]
  const { status, signal, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 200_000 })
  return { status, signal, stderr }
}

function assertEnds(program: string, expected: number): void {
  const { status, signal, stderr } = run(program)
  assert.deepEqual({ status, signal }, { status: expected, signal: null }, stderr)
}

describe('the process lives on', {
  skip: platform() === 'linux' ? false : 'named regions need Linux',
}, () => {
  for (const thread of ['mapper', 'starter'])
    test(`when a thread is terminated while it, or one that it started, maps memory: ${thread}`, () => {
      assertEnds(
        `for (let round = 0; round < 8; round++) {
           const worker = start(${thread})
           await once(worker, 'message')
           await worker.terminate()
         }`,
        0,
      )
    })

  test('until it exits by its own code, while threads map memory or load koffi', () => {
    for (let round = 0; round < 2; round++) {
      assertEnds(`start(mapper); start(mapper).once('message', () => process.exit(7))`, 7)
      assertEnds(
        `for (let i = 0; i < 3; i++) start(loader).once('message', () => setImmediate(() => process.exit(7)))`,
        7,
      )
    }
  })

  test('until an uncaught error ends it, while threads map memory', () => {
    for (let round = 0; round < 2; round++)
      assertEnds(`start(mapper); start(mapper).once('message', () => { throw new Error('uncaught') })`, 1)
  })
})

describe('uncut work', () => {
  const program = (told: string, workMs = 30) => `
    const { parentPort, workerData } = require('node:worker_threads')
    import('${ENDS}').then(({ uncut }) => {
      parentPort.postMessage('here')
      ${told}
      uncut(() => {
        Atomics.store(workerData, 0, 1)
        Atomics.notify(workerData, 0)
        const until = performance.now() + ${workMs}
        while (performance.now() < until);
        Atomics.store(workerData, 1, 1)
      })
    })`

  test('is done when terminate returns, though the thread is cut off right after it', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const worker = new Worker(`${program('')}.then(() => { for (;;) ; })`, { eval: true, workerData: words })
    Atomics.wait(words, 0, 0)
    const ended = worker.terminate()
    assert.equal(Atomics.load(words, 1), 1)
    assert.equal(await ended, 1)
  })

  test('is waited for as long as a library takes to load on a machine that is busy', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const worker = new Worker(program('', 2500), { eval: true, workerData: words })
    Atomics.wait(words, 0, 0)
    await worker.terminate()
    assert.equal(Atomics.load(words, 1), 1)
  })

  test('is not begun by a thread that has been told to end', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const worker = new Worker(program('Atomics.wait(workerData, 1, 0)'), { eval: true, workerData: words })
    await once(worker, 'message')
    noteEnd(worker.threadId)
    Atomics.store(words, 1, 1)
    Atomics.notify(words, 1)
    assert.equal(Atomics.wait(words, 0, 0, 200), 'timed-out')
    assert.equal(await worker.terminate(), 1)
    assert.equal(Atomics.load(words, 0), 0)
  })
})
