import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPass } from './pass.js'
import { PassResults } from './passes.js'
import { StartLine, startLineMemory } from './start-line.js'
import { runTableBench } from './table.js'
import { formatTableReport } from './table-report.js'
import { makeShare, OPERATION_NAMES, PLAIN_OPERATIONS, type Workload } from './workload.js'

const WORKLOAD: Workload = {
  keys: 500,
  valueBytes: 20,
  hotKeys: 10,
  hotOperations: 300,
  mixOperations: 400,
  distribution: 'zipf',
  batch: 64,
  operations: OPERATION_NAMES,
  mostOperations: 1_000_000,
  seed: 7,
  timedReads: 1,
  timedWrites: 1,
}

test('the shares of all threads together hold every key once', () => {
  const keys = [0, 1, 2].flatMap((thread) => makeShare('get', WORKLOAD, thread, 3).keys)
  assert.equal(keys.length, WORKLOAD.keys)
  assert.equal(new Set(keys).size, WORKLOAD.keys)
  assert.ok(keys.every((key) => /^[0-9a-f]{16}$/.test(key)))
})

test('what is read is what was set: the letters of a get are the last ones of the values', () => {
  const set = makeShare('set-new', WORKLOAD, 0, 1)
  const values = new Map(set.keys.map((key, index) => [key, set.values[index]]))
  const get = makeShare('get', WORKLOAD, 0, 1)
  get.keys.forEach((key, index) => {
    assert.equal(values.get(key)?.charCodeAt(WORKLOAD.valueBytes - 1), get.letters[index])
  })
})

test('a share timed in part loads the other keys before', () => {
  const share = makeShare('set-new', { ...WORKLOAD, timedWrites: 0.1 }, 0, 1)
  assert.equal(share.keys.length, 50)
  const untimed = [...share.untimed].flatMap(({ keys }) => keys)
  assert.equal(new Set([...share.keys, ...untimed]).size, WORKLOAD.keys)
})

test('a pass times every operation of a right table', () => {
  const times = runPass(new Map(), WORKLOAD, 0, 1, new StartLine(startLineMemory(1)), () => {})
  assert.deepEqual(Object.keys(times), [...OPERATION_NAMES])
  assert.ok(Object.values(times).every((ns) => ns > 0))
})

test('a pass over a table that loses a key fails', () => {
  class Forgetful extends Map<string, string> {
    override set(key: string, value: string): this {
      return this.size === 400 ? this : super.set(key, value)
    }
  }
  const line = new StartLine(startLineMemory(1))
  assert.throws(() => runPass(new Forgetful(), WORKLOAD, 0, 1, line, () => {}), /get of thread 0 read/)
})

test('a run compares contenders by one and by two threads and says who was left out and why', async () => {
  const report = await runTableBench({
    keys: 200,
    hotOperations: 200,
    rounds: 1,
    contenders: ['hearth', 'map'],
  })
  assert.deepEqual(report.leftOut, [])
  const measured = report.measurements.map(({ contender, threads }) => `${contender} ${threads}`)
  assert.deepEqual(new Set(measured), new Set(['hearth 1', 'map 1', 'hearth 2']))
  assert.equal(measured.length, 3 * PLAIN_OPERATIONS.length)
  assert.ok(report.measurements.every(({ nsPerOperation }) => nsPerOperation.length === 1))
  const text = formatTableReport(report)
  for (const operation of PLAIN_OPERATIONS) assert.ok(text.includes(`${operation}:`), text)
})

test('a contender has one figure a round, and the median of them', () => {
  const results = new PassResults()
  const pass = { contender: 'map', threads: 1 } as const
  for (const ns of [5, 1, 2]) results.add(pass, { times: { get: ns } })
  assert.deepEqual(results.measurements(pass), [
    { ...pass, operation: 'get', nsPerOperation: [5, 1, 2], medianNsPerOperation: 2 },
  ])
})

test('a contender that is too slow is left out of this round and those to come', async () => {
  const passes: number[] = []
  const report = await runTableBench({
    // Far more than any machine does in that time, also while this process does not come to look at the clock.
    keys: 1_000_000,
    rounds: 3,
    threads: [1],
    contenders: ['map'],
    passTimeoutMs: 1,
    onPass: ({ round }) => passes.push(round),
  })
  assert.deepEqual(passes, [1])
  assert.deepEqual(report.measurements, [])
  assert.equal(report.leftOut[0]?.reason, 'took longer than the limit for one pass')
})

test('sizes that cannot be are refused by name', async () => {
  await assert.rejects(runTableBench({ keys: 0 }), /RangeError: keys/)
  await assert.rejects(runTableBench({ rounds: 1.5 }), /RangeError: rounds/)
})
