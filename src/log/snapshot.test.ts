import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { isOperationError } from '../base/errors.js'
import { addToBatch, type State } from '../test/log-model.js'
import { reopen, TRIAL_IDENTITY } from '../test/log-trial.js'
import { DROP_ALL } from './crash-plan.js'
import { DamageError } from './damage.js'
import { openLog } from './directory.js'
import { encodeSegmentHeader, FORMAT_VERSION, HEADER_BYTES, segmentName } from './format.js'
import { encodeIdentity, IDENTITY_NAME } from './identity.js'
import { RecordBatch } from './record-batch.js'
import { SimulatedDisk } from './simulated-disk.js'
import { BLOCK_HEAD_BYTES, END_BLOCK_BYTES } from './snapshot-format.js'
import { NO_SINK, readSnapshot } from './snapshot-reader.js'
import { type SnapshotEntry, type SnapshotMade, snapshotSteps } from './snapshot-writer.js'
import type { LogWriter } from './writer.js'

/** A log whose table is a `Map`, applied as it is written. */
class Rig {
  readonly disk = new SimulatedDisk()
  readonly table: State = new Map()
  readonly writer: LogWriter

  constructor() {
    const clocks = { nowMs: () => 0, regionTimeMs: () => 77 }
    const options = { disk: this.disk, identity: TRIAL_IDENTITY, sink: NO_SINK, segmentBytes: 1024 }
    this.writer = openLog({ ...options, ...clocks }).writer
  }

  set(key: string, value: string): void {
    const batch = new RecordBatch()
    addToBatch(batch, { type: 'set', key, value, expiresAtMs: Infinity })
    this.writer.append(batch)
    this.writer.release(this.writer.sync())
    this.table.set(key, `${value}@Infinity`)
  }

  fill(count: number, value: string): void {
    for (let index = 0; index < count; index++) this.set(`key-${index}`, value)
  }

  steps(): Generator<number, SnapshotMade> {
    return snapshotSteps({
      disk: this.disk,
      logId: TRIAL_IDENTITY.logId,
      epoch: { number: 1, startId: 1n },
      startLsn: this.writer.synced,
      entries: this.#entries(),
      syncLog: () => this.writer.sync(),
      regionTimeMs: () => 88,
      blockBytes: 1,
    })
  }

  snapshot(): SnapshotMade {
    const steps = this.steps()
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  assertRecovers(disk = this.disk.crash(DROP_ALL)): void {
    const { outcome } = reopen(disk)
    assert.ok('state' in outcome, JSON.stringify(outcome))
    assert.deepEqual([...outcome.state].sort(), [...this.table].sort())
  }

  *#entries(): Generator<SnapshotEntry> {
    for (const [key, stored] of this.table) {
      const value = Buffer.from(stored.slice(0, stored.lastIndexOf('@')))
      yield { key: Buffer.from(key), value, isAscii: true, expiresAtMs: Infinity, hash: 5 }
    }
  }
}

const filesOf = (disk: SimulatedDisk, ending: string): string[] =>
  disk.list().filter((name) => name.endsWith(ending))

test('a snapshot takes the place of the log before it, and of the snapshot before', () => {
  const rig = new Rig()
  rig.fill(30, 'first')
  const segments = filesOf(rig.disk, '.log').length
  const first = rig.snapshot()
  assert.equal(first.entries, 30)
  assert.ok(segments > 3)
  assert.equal(filesOf(rig.disk, '.log').length, 1)
  rig.assertRecovers()
  rig.fill(30, 'second')
  const second = rig.snapshot()
  assert.deepEqual(filesOf(rig.disk, '.snapshot'), [second.name])
  rig.assertRecovers()
  assert.equal(rig.snapshot().name, second.name, 'nothing has changed since')
})

test('writes between its blocks are set right by the log', () => {
  const rig = new Rig()
  rig.fill(20, 'before')
  const steps = rig.steps()
  for (let index = 0; steps.next().done !== true; index++) {
    rig.set(`key-${index % 20}`, 'behind the walk')
    rig.set(`key-${19 - (index % 20)}`, 'ahead of the walk')
    if (index < 3) rig.set(`new-${index}`, 'new')
    rig.assertRecovers()
  }
  rig.assertRecovers()
})

test('one that is stopped leaves nothing; what a dead process left is removed at the next start', () => {
  const rig = new Rig()
  rig.fill(5, 'x')
  const stopped = rig.steps()
  stopped.next()
  stopped.return({ name: '', entries: 0, bytes: 0 })
  assert.deepEqual(filesOf(rig.disk, '.tmp'), [])
  const killed = rig.steps()
  killed.next()
  const exit = rig.disk.afterExit()
  assert.deepEqual(filesOf(exit, 'snapshot.tmp'), ['snapshot.tmp'])
  rig.assertRecovers(exit)
  assert.deepEqual(filesOf(exit, 'snapshot.tmp'), [])
})

test('a full disk stops a snapshot and nothing else', () => {
  const rig = new Rig()
  rig.fill(5, 'x')
  rig.disk.inject({ call: 'write', at: 3, code: 'ENOSPC' })
  assert.throws(() => rig.snapshot(), { code: 'ENOSPC' })
  assert.deepEqual(filesOf(rig.disk, 'snapshot.tmp'), [])
  rig.fill(3, 'y')
  rig.snapshot()
  rig.assertRecovers()
})

test('one whose file could not be removed when it failed does not stand in the way of the next', () => {
  const rig = new Rig()
  rig.fill(5, 'x')
  rig.disk.inject({ call: 'write', at: 3, code: 'EIO' })
  rig.disk.inject({ call: 'unlink', at: 1, code: 'EIO' })
  assert.throws(() => rig.snapshot(), { code: 'EIO' })
  assert.deepEqual(filesOf(rig.disk, 'snapshot.tmp'), ['snapshot.tmp'])
  rig.snapshot()
  rig.assertRecovers()
})

test('a log goes on beyond 2^32 positions where no frame behind the snapshot says what was released', () => {
  const disk = new SimulatedDisk()
  const { logId } = TRIAL_IDENTITY
  const startLsn = 2 ** 32 + 5
  const epoch = { number: 1, startId: 1n }
  const facts = { version: FORMAT_VERSION, logId, number: 7, firstLsn: startLsn + 1, epoch }
  const header = encodeSegmentHeader({ ...facts, previousCrc: 9, regionTimeMs: 5 })
  const times = { syncLog: () => startLsn, regionTimeMs: () => 5 }
  const steps = snapshotSteps({ disk, logId, epoch, startLsn, entries: [], ...times })
  disk.put(segmentName(7), header)
  disk.put(IDENTITY_NAME, encodeIdentity(TRIAL_IDENTITY))
  while (steps.next().done !== true) {}
  const { writer } = reopen(disk)
  const batch = new RecordBatch()
  addToBatch(batch, { type: 'set', key: 'key', value: 'value', expiresAtMs: Infinity })
  writer?.append(batch)
  assert.equal(writer?.sync(), startLsn + 1)
  const { outcome } = reopen(disk.crash(DROP_ALL))
  assert.ok('lastLsn' in outcome && outcome.lastLsn === startLsn + 1)
})

describe('a damaged snapshot', () => {
  function flipEverywhere(rig: Rig, name: string, judge: (disk: SimulatedDisk, bit: number) => void): void {
    const contents = rig.disk.contents(name)
    for (let bit = 0; bit < 8 * contents.length; bit += 7) {
      const flipped = Buffer.from(contents)
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      const disk = rig.disk.afterExit()
      disk.put(name, flipped)
      judge(disk, bit)
    }
  }

  test('beside a log that is all there does not matter', () => {
    const rig = new Rig()
    rig.fill(3, 'x')
    const segments = filesOf(rig.disk, '.log').map((name) => [name, rig.disk.contents(name)] as const)
    const { name } = rig.snapshot()
    for (const [segment, contents] of segments)
      if (!rig.disk.list().includes(segment)) rig.disk.put(segment, contents)
    flipEverywhere(rig, name, (disk) => rig.assertRecovers(disk))
  })

  test('whose log is gone is refused by name, whichever bit it is', () => {
    const rig = new Rig()
    rig.fill(30, 'x')
    const { name } = rig.snapshot()
    flipEverywhere(rig, name, (disk, bit) => {
      const { outcome } = reopen(disk)
      assert.ok('refusal' in outcome && outcome.refusal instanceof DamageError, `bit ${bit}`)
      assert.equal(outcome.refusal.damage.file, name)
    })
  })

  test('cut at any length is refused too', () => {
    const rig = new Rig()
    rig.fill(30, 'x')
    const { name } = rig.snapshot()
    const contents = rig.disk.contents(name)
    for (let size = 0; size < contents.length; size++) {
      const disk = rig.disk.afterExit()
      disk.put(name, contents.subarray(0, size))
      const { outcome } = reopen(disk)
      assert.ok('refusal' in outcome && isOperationError(outcome.refusal, 'CORRUPT'), `cut at ${size}`)
    }
  })
})

describe('a snapshot whose checksums hold is refused all the same', () => {
  /** Changes the block at `offset` and puts all checksums right again. */
  function forge(bytes: Buffer, offset: number, change: (block: Buffer) => void): void {
    change(bytes.subarray(offset, offset + bytes.readUInt32LE(offset + 8)))
    let previous = bytes.readUInt32LE(48)
    for (let at = HEADER_BYTES; at < bytes.length; at += bytes.readUInt32LE(at + 8)) {
      bytes.writeUInt32LE(previous, at + 12)
      previous = crc32(bytes.subarray(at + 8, at + bytes.readUInt32LE(at + 8)))
      bytes.writeUInt32LE(previous, at + 4)
    }
  }

  function refusalOf(change: (block: Buffer) => void, isEnd: boolean): DamageError {
    const rig = new Rig()
    rig.fill(30, 'x')
    const { name } = rig.snapshot()
    const bytes = rig.disk.contents(name)
    const offset = isEnd ? bytes.length - END_BLOCK_BYTES : HEADER_BYTES
    forge(bytes, offset, change)
    const disk = rig.disk.afterExit()
    disk.put(name, bytes)
    const { outcome } = reopen(disk)
    assert.ok('refusal' in outcome && outcome.refusal instanceof DamageError, JSON.stringify(outcome))
    assert.equal(outcome.refusal.damage.file, name)
    return outcome.refusal
  }

  test('where a block holds a record that is no entry', () => {
    const record = BLOCK_HEAD_BYTES + 8
    const toDelete = (block: Buffer): unknown => block.writeUInt8((block[record + 3]! & 7) | 16, record + 3)
    assert.match(refusalOf(toDelete, false).message, /what is no entry/)
  })

  test('where the last block has a number that is none', () => {
    for (const at of [0, 8, 16])
      assert.match(
        refusalOf((block) => block.fill(0xff, BLOCK_HEAD_BYTES + at, BLOCK_HEAD_BYTES + at + 8), true)
          .message,
        /impossible number/,
      )
  })
})

test('a damaged length of a block is told as such, however long the file is', () => {
  const rig = new Rig()
  rig.fill(3, 'x')
  const { name } = rig.snapshot()
  const bytes = rig.disk.contents(name)
  bytes.writeUInt32LE(0x9000_0000, HEADER_BYTES + 8)
  rig.disk.put(name, bytes)
  const open = rig.disk.open.bind(rig.disk)
  rig.disk.open = (file, mode) => {
    const opened = open(file, mode)
    opened.size = () => 2 ** 32
    return opened
  }
  const read = readSnapshot({ disk: rig.disk, name, logId: undefined, sink: NO_SINK })
  assert.ok('fault' in read)
  assert.deepEqual(
    [read.file, read.offset, read.fault],
    [name, HEADER_BYTES, 'the length of a block is impossible'],
  )
})

test('a snapshot whose log ends before its end is refused', () => {
  const rig = new Rig()
  rig.fill(3, 'x')
  const steps = rig.steps()
  steps.next()
  const log = filesOf(rig.disk, '.log').at(-1) ?? ''
  const before = rig.disk.contents(log)
  rig.set('key-0', 'later')
  while (steps.next().done !== true);
  rig.disk.put(log, before)
  const { outcome } = reopen(rig.disk.afterExit())
  assert.ok('refusal' in outcome && outcome.refusal instanceof DamageError)
  assert.match(outcome.refusal.message, /snapshot needs/)
})
