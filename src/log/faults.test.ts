import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError, type OperationError } from '../base/errors.js'
import { check } from '../test/log-crashes.js'
import { addToBatch } from '../test/log-model.js'
import { reopen, runTrial, TRIAL_IDENTITY } from '../test/log-trial.js'
import { runSeed } from '../test/seeded-random.js'
import { DROP_ALL, KEEP_ALL } from './crash-plan.js'
import { openLog } from './directory.js'
import { FRAME_HEAD_BYTES, segmentName } from './format.js'
import { SyncPolicy } from './policy.js'
import { RecordBatch } from './record-batch.js'
import { SimulatedDisk } from './simulated-disk.js'
import { NO_SINK } from './snapshot-reader.js'
import type { LogWriter } from './writer.js'

const SEED = runSeed()
const CODES = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'short']

for (const times of [1, Infinity]) {
  test(`each call fails ${times === 1 ? 'once' : 'for ever'} in each way: nothing promised is lost, nothing refused appears (seed ${SEED})`, (t) => {
    const whole = new SimulatedDisk()
    runTrial({ seed: SEED, disk: whole, steps: 16 })
    let failures = 0
    for (let call = 1; call <= whole.calls; call++) {
      const code = CODES[call % CODES.length] ?? 'EIO'
      const disk = new SimulatedDisk()
      disk.inject({ at: call, times, code })
      const trial = runTrial({ seed: SEED, disk, steps: 16 })
      if (trial.failure !== undefined) failures++
      disk.clearFaults()
      const where = `call ${call}: ${code}`
      check(disk.afterExit(), trial, trial.model.acknowledgedLsn, where)
      for (const plan of [DROP_ALL, KEEP_ALL])
        assert.equal(trial.model.judge(reopen(disk.crash(plan)).outcome, trial.durableLsn), undefined, where)
    }
    t.diagnostic(`${whole.calls} calls, ${failures} runs ended by the fault`)
    assert.ok(failures > 0)
  })
}

interface Rig {
  readonly disk: SimulatedDisk
  readonly writer: LogWriter
  nowMs: number
}

function rig(segmentBytes = 4096): Rig {
  const disk = new SimulatedDisk()
  const made = { disk, nowMs: 0 }
  const { writer } = openLog({
    disk,
    identity: TRIAL_IDENTITY,
    sink: NO_SINK,
    segmentBytes,
    nowMs: () => made.nowMs,
    regionTimeMs: () => 1,
  })
  return Object.assign(made, { writer })
}

function batchOf(...values: string[]): RecordBatch {
  const batch = new RecordBatch()
  for (const value of values)
    addToBatch(batch, { type: 'set', key: value.slice(0, 8), value, expiresAtMs: Infinity })
  return batch
}

function stateOf(disk: SimulatedDisk): Map<string, string> {
  const { outcome } = reopen(disk)
  assert.ok('state' in outcome, JSON.stringify(outcome))
  return outcome.state
}

const codeOf = (body: () => unknown): OperationError => {
  try {
    body()
  } catch (error) {
    if (isOperationError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a full disk', () => {
  test('refuses a batch before it exists, leaves the rest of the group alone, and heals', () => {
    const made = rig()
    const { disk, writer } = made
    disk.capacityBytes = 6000
    const value = 'x'.repeat(1000)
    const accepted = ['a', 'b', 'c'].map((name) => writer.append(batchOf(name + value)))
    const error = codeOf(() => writer.append(batchOf(`d${value}`)))
    assert.equal(error.code, 'DISK_FULL')
    assert.equal(error.outcome, 'not-applied')
    assert.equal(writer.sync(), accepted.at(-1), 'the group is written all the same')
    assert.equal(writer.failure, undefined)
    assert.ok(!disk.list().includes('spare.tmp'), 'no half-made segment keeps the last bytes')
    disk.capacityBytes = Infinity
    assert.equal(
      codeOf(() => writer.append(batchOf(`e${value}`))).code,
      'DISK_FULL',
      'not asked again at once',
    )
    made.nowMs += 1000
    writer.append(batchOf(`f${value}`))
    writer.sync()
    assert.deepEqual(
      [...stateOf(disk.crash(DROP_ALL)).keys()].map((key) => key[0]),
      ['a', 'b', 'c', 'f'],
    )
  })

  test('that shows itself in a write takes the group back: none of it ever appears', () => {
    const { disk, writer } = rig()
    writer.append(batchOf('kept'))
    const kept = writer.sync()
    disk.inject({ call: 'write', at: 1, code: 'short' })
    disk.inject({ call: 'write', at: 2, code: 'ENOSPC' })
    writer.append(batchOf('refused', 'too'))
    const error = codeOf(() => writer.sync())
    assert.equal(error.code, 'DISK_FULL')
    assert.equal(writer.appended, kept)
    assert.deepEqual([...stateOf(disk.crash(KEEP_ALL)).keys()], ['kept'])
    writer.append(batchOf('later'))
    writer.sync()
    assert.deepEqual([...stateOf(disk.crash(DROP_ALL)).keys()], ['kept', 'later'])
  })
})

describe('a failed sync', () => {
  for (const code of ['EIO', 'ENOSPC'])
    test(`of ${code} is final: nothing is acknowledged after it, what was before is there`, () => {
      const { disk, writer } = rig()
      writer.append(batchOf('before'))
      writer.sync()
      disk.inject({ call: 'sync', at: 1, code })
      writer.append(batchOf('in-flight'))
      const first = codeOf(() => writer.sync())
      assert.deepEqual([first.code, first.outcome], ['LOG_FAILED', 'unknown'])
      for (const call of [() => writer.append(batchOf('after')), () => writer.sync(), () => writer.write()]) {
        const later = codeOf(call)
        assert.deepEqual([later.code, later.outcome], ['LOG_FAILED', 'not-applied'])
      }
      assert.equal(writer.synced, 1)
      assert.ok(writer.failure)
      writer.close()
      assert.deepEqual([...stateOf(disk.crash(DROP_ALL)).keys()], ['before'])
    })
})

test('a file that somebody takes away fails the log for good, at the next write or look', () => {
  for (const act of ['write', 'look'] as const)
    for (const remove of [true, false]) {
      const made = rig()
      const { disk, writer } = made
      writer.append(batchOf('before'))
      writer.sync()
      const name = segmentName(writer.segment)
      if (remove) disk.unlink(name)
      else disk.put(name, disk.contents(name))
      made.nowMs += 1000
      writer.append(batchOf('lost'))
      const error = codeOf(() => writer[act]())
      assert.deepEqual([error.code, error.outcome], ['LOG_FAILED', 'unknown'])
      assert.match(error.message, new RegExp(`gone.*${name}`))
      assert.equal(codeOf(() => writer.append(batchOf('after'))).outcome, 'not-applied')
      writer.close()
    }
})

for (const call of ['write', 'sync', 'rename', 'syncDirectory'] as const)
  test(`a segment that can't be begun (${call} fails) is final, and the log can still be closed`, () => {
    const { disk, writer } = rig()
    writer.append(batchOf('before'))
    writer.append(batchOf('x'.repeat(3000)))
    writer.sync()
    disk.inject({ call, at: 1, code: 'EIO' })
    assert.equal(codeOf(() => writer.append(batchOf('y'.repeat(3000)))).code, 'LOG_FAILED')
    writer.close()
    assert.deepEqual([...stateOf(disk.crash(DROP_ALL)).keys()], ['before', 'xxxxxxxx'])
  })

test('a closed log says so', () => {
  const { writer } = rig()
  writer.close()
  assert.equal(codeOf(() => writer.append(batchOf('x'))).code, 'CLOSED')
  writer.close()
})

test('a batch larger than a segment gets a segment of its own', () => {
  const { disk, writer } = rig()
  writer.append(batchOf('small'))
  writer.append(batchOf('y'.repeat(20_000)))
  writer.append(batchOf('last'))
  writer.sync()
  assert.deepEqual([...stateOf(disk.crash(DROP_ALL)).keys()], ['small', 'yyyyyyyy', 'last'])
})

test('the interval level syncs by itself, and a group that finds an old one waits for it', () => {
  const { disk, writer } = rig()
  const policy = new SyncPolicy('interval', 100)
  assert.equal(policy.dueInMs(0), Infinity)
  writer.append(batchOf('a'))
  assert.equal(policy.commit(writer, 0), 1)
  assert.equal(writer.synced, 0)
  assert.equal(policy.dueInMs(40), 60)
  writer.append(batchOf('b'))
  assert.equal(policy.commit(writer, 99), 2)
  assert.equal(writer.synced, 0)
  writer.append(batchOf('c'))
  assert.equal(policy.commit(writer, 100), 3)
  assert.equal(writer.synced, 3)
  assert.equal(policy.dueInMs(100), Infinity)
  assert.equal(stateOf(disk.crash(DROP_ALL)).size, 3)
})

test('records cost at most 24 bytes each in groups of eight, expiries included', () => {
  for (const expiresAtMs of [Infinity, 1_900_000_000_000]) {
    const { writer } = rig(65536)
    const key = Buffer.alloc(16, 'k')
    const value = Buffer.alloc(101, 'v')
    for (let count = 0; count < 8; count++) {
      const batch = new RecordBatch()
      batch.set(key, value, true, expiresAtMs)
      writer.append(batch)
    }
    writer.sync()
    const overhead = writer.bytesWritten / 8 - key.length - value.length
    assert.ok(overhead <= 24, `${overhead} bytes`)
    assert.ok(overhead > FRAME_HEAD_BYTES / 8)
  }
})
