/**
 * imkv with several threads on one table: order across threads, memory that goes from one to another, threads that are
 * terminated in the midst, the end of the table for everyone, and the original's sample job.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import {
  HT_RET,
  ht_attach,
  ht_count,
  ht_delete,
  ht_destroy,
  ht_init,
  ht_insert,
  ht_iterate,
  ht_lookup,
  ht_share,
} from '../imkv/imkv.js'
import { ImkvTable } from '../imkv/imkv-table.js'
import type { ImkvCall, ImkvWorkerData } from './imkv-worker.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const seed = runSeed()

afterEach(ht_destroy)

function startThread(
  job: ImkvWorkerData['job'],
  buckets: number,
  name = '',
  stop = new SharedArrayBuffer(4),
): Worker {
  const table = ht_share()
  assert.ok(table !== undefined)
  return new Worker(new URL('./imkv-worker.js', import.meta.url), {
    workerData: { table, job, buckets, name, seed: seed + name.length * 7919, stop } satisfies ImkvWorkerData,
  })
}

async function call(worker: Worker, request: ImkvCall): Promise<unknown> {
  worker.postMessage(request)
  const [answer] = await once(worker, 'message')
  return answer
}

async function leave(...workers: readonly Worker[]): Promise<void> {
  await Promise.all(
    workers.map(async (worker) => {
      worker.postMessage('leave')
      await once(worker, 'exit')
    }),
  )
}

function check(): void {
  const table = ImkvTable.attach(ht_share())
  table.check()
  table.close()
}

test('what one thread inserts after another is done comes behind it in the chain', async () => {
  ht_init(1)
  const threads = [startThread('calls', 1), startThread('calls', 1)]
  const expected: string[] = []
  for (let round = 0; round < 60; round++) {
    for (const [index, thread] of threads.entries()) {
      const key = `${round}-${index}`
      assert.equal(await call(thread, ['insert', key, 'v']), HT_RET.INSERT_OK)
      assert.equal(ht_insert(`${round}-main`, 'v'), index === 0 ? HT_RET.INSERT_OK : HT_RET.INSERT_FAILED)
      expected.push(...(index === 0 ? [key, `${round}-main`] : [key]))
    }
    if (round % 7 === 3) {
      const [gone = ''] = expected.splice(round % expected.length, 1)
      assert.equal(ht_delete(gone), HT_RET.DELETE_OK)
    }
  }
  assert.deepEqual(
    ht_iterate(0).map(([key]) => key),
    expected,
  )
  check()
  await leave(...threads)
})

test('a thread finds what another has inserted, and the copy stays when it is deleted there', async () => {
  ht_init(16)
  const thread = startThread('calls', 16)
  ht_insert('key', 'value')
  assert.deepEqual(await call(thread, ['lookup', 'key']), [HT_RET.FOUND, 'value'])
  const out: { val?: string } = {}
  ht_lookup('key', out)
  assert.equal(await call(thread, ['delete', 'key']), HT_RET.DELETE_OK)
  assert.equal(ht_lookup('key', {}), HT_RET.NOTFOUND)
  assert.equal(out.val, 'value')
  await leave(thread)
})

test('a table that one thread filled and another emptied takes as many from a third', async () => {
  ht_init(256, { arenaBytes: 2 ** 20 })
  const [first, second, third] = [
    startThread('calls', 256),
    startThread('calls', 256),
    startThread('calls', 256),
  ]
  const count = await call(first, ['fill', 'key '])
  assert.ok(Number(count) > 1000)
  assert.equal(ht_count(), count)
  assert.equal(await call(second, ['empty', 'key ']), count)
  assert.equal(ht_count(), 0)
  assert.equal(await call(third, ['fill', 'key ']), count)
  check()
  await leave(first, second, third)
})

test('a chain is read as it was at one moment, while another thread inserts and deletes without rest', async () => {
  ht_init(1)
  const stop = new SharedArrayBuffer(4)
  const thread = startThread('parade', 1, 'parade', stop)
  await once(thread, 'message')
  for (let round = 0; round < 3000; round++) {
    const numbers = ht_iterate(0).map(([key]) => Number(key))
    const [first = 0] = numbers
    assert.ok(numbers.length === 30 || numbers.length === 31, `${numbers}`)
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => first + at),
    )
  }
  Atomics.store(new Int32Array(stop), 0, 1)
  await once(thread, 'exit')
  check()
})

test('four threads that insert, delete, fight and read chains see their own entries in order, always', async (context) => {
  context.diagnostic(`HEARTH_TEST_SEED=${seed}`)
  const buckets = 24
  ht_init(buckets, { arenaBytes: 2 ** 22 })
  const stop = new SharedArrayBuffer(4)
  const threads = ['a', 'bb', 'ccc', 'dddd'].map((name) => startThread('storm', buckets, name, stop))
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  const results = Promise.all(threads.map((thread) => once(thread, 'message')))
  for (let round = 0; round < 200; round++) {
    for (let bucket = 0; bucket < buckets; bucket++) ht_iterate(bucket)
  }
  Atomics.store(new Int32Array(stop), 0, 1)
  const entries = (await results).reduce((sum, [count]) => sum + Number(count), 0)
  const chained = Array.from({ length: buckets }, (_, bucket) => ht_iterate(bucket)).flat()
  const contested = chained.filter(([key]) => key.startsWith('contested')).length
  assert.equal(chained.length, entries + contested)
  assert.equal(ht_count(), chained.length)
  check()
})

test('threads terminated in the midst leave a whole table, and the others never notice', async (context) => {
  context.diagnostic(`HEARTH_TEST_SEED=${seed}`)
  const buckets = 24
  ht_init(buckets, { arenaBytes: 2 ** 22 })
  const stop = new SharedArrayBuffer(4)
  const random = new SeededRandom(seed)
  const survivors = ['a', 'bb'].map((name) => startThread('storm', buckets, name, stop))
  await Promise.all(survivors.map((thread) => once(thread, 'message')))
  const results = Promise.all(survivors.map((thread) => once(thread, 'message')))
  for (let round = 0; round < 25; round++) {
    const victim = startThread('storm', buckets, `victim ${'v'.repeat(round)}`, stop)
    await once(victim, 'message')
    // At some instruction of its storm: the main thread's own calls take a time of their own.
    for (let at = random.below(200); at >= 0; at--) ht_iterate(random.below(buckets))
    await victim.terminate()
    assert.equal(ht_insert(`after round ${round}`, 'v'.repeat(round)), HT_RET.INSERT_OK)
  }
  Atomics.store(new Int32Array(stop), 0, 1)
  await results
  check()
  for (const [key] of Array.from({ length: buckets }, (_, bucket) => ht_iterate(bucket)).flat()) {
    assert.equal(ht_delete(key), HT_RET.DELETE_OK)
  }
  assert.equal(ht_count(), 0)
  check()
})

test('ht_destroy in one thread ends the table for all of them, and they may start another', async () => {
  ht_init(8)
  ht_insert('a', 'b')
  const handle = ht_share()
  const [one, other] = [startThread('calls', 8), startThread('calls', 8)]
  assert.equal(await call(other, ['count']), 1)
  await call(one, ['destroy'])
  assert.equal(ht_lookup('a', {}), HT_RET.NOTFOUND)
  assert.equal(ht_insert('a', 'b'), HT_RET.INSERT_FAILED)
  assert.deepEqual(ht_iterate(0), [])
  assert.equal(ht_share(), undefined)
  assert.ok(handle !== undefined)
  assert.equal(ht_attach(handle), HT_RET.INIT_FAILED)
  assert.deepEqual(await call(other, ['lookup', 'a']), [HT_RET.NOTFOUND, undefined])
  assert.equal(await call(other, ['delete', 'a']), HT_RET.DELETE_FAILED)
  assert.equal(await call(other, ['count']), 0)
  assert.equal(ht_init(8), HT_RET.INIT_OK)
  assert.equal(ht_count(), 0)
  await leave(one, other)
})

test('the sample job, 8 threads and 800 000 operations, gives what one thread replays', async () => {
  const example = join(ROOT, 'examples/imkv/imkv.mjs')
  const { stdout } = await run(process.execPath, [example], { timeout: 120_000 })
  assert.match(stdout, /^8 threads, 800000 operations, 16384 buckets\n9\d{4} entries, .*\n/)
  assert.match(stdout, /^equal to what one thread replays$/m)
})

test('the sample job prints its throughput and speed-up by threads', async () => {
  const example = join(ROOT, 'examples/imkv/imkv.mjs')
  const options = ['--speed-up', '--rounds', '1', '--operations', '40000', '--buckets', '100']
  const { stdout } = await run(process.execPath, [example, ...options], { timeout: 120_000 })
  const lines = stdout.trim().split('\n')
  assert.deepEqual(
    lines.map((line) => /^\d/.exec(line)?.[0]),
    ['1', '2', '4', '8'],
  )
  for (const line of lines)
    assert.match(line, /^\d threads: \d+\.\d\d M operations\/s, \d+\.\d\dx, \d+\.\d\d us of processor each$/)
})
