import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { isOperationError } from '../base/errors.js'
import { addToBatch, LogModel, type State, stateSink } from '../test/log-model.js'
import { reopen, runTrial, type Trial } from '../test/log-trial.js'
import { runSeed } from '../test/seeded-random.js'
import { DROP_ALL, KEEP_ALL } from './crash-plan.js'
import { DamageError } from './damage.js'
import { decodeFrameHead, FRAME_HEAD_BYTES, FRAME_MAGIC, HEADER_BYTES, segmentName } from './format.js'
import { RecordBatch } from './record-batch.js'
import { decodeRecords } from './record-reader.js'
import { SimulatedCrash, SimulatedDisk } from './simulated-disk.js'

const SEED = runSeed()

/** A log of some segments that was closed in order, without snapshots, so that all of it counts. */
function closedLog(seed: number, steps = 20): { readonly disk: SimulatedDisk; readonly trial: Trial } {
  const disk = new SimulatedDisk()
  const trial = runTrial({ seed, disk, steps, snapshots: false })
  assert.equal(trial.failure, undefined)
  return { disk, trial }
}

const segmentsOf = (disk: SimulatedDisk): string[] => disk.list().filter((name) => name.endsWith('.log'))

/** Seed of a log with at least `count` segments. */
function seedWithSegments(count: number, steps = 20): number {
  for (let seed = SEED; ; seed++) if (segmentsOf(closedLog(seed, steps).disk).length >= count) return seed
}

function assertRefused(disk: SimulatedDisk, file: string, offset?: number): void {
  const before = new Map(disk.list().map((name) => [name, disk.contents(name)]))
  const { outcome } = reopen(disk)
  assert.ok('refusal' in outcome, 'recovery refuses')
  const after = new Map(disk.list().map((name) => [name, disk.contents(name)]))
  assert.deepEqual(after, before, 'a refusal changes nothing')
  const { refusal } = outcome
  assert.ok(refusal instanceof DamageError, String(refusal))
  assert.equal(refusal.code, 'CORRUPT')
  assert.equal(refusal.damage.file, file)
  if (offset !== undefined) assert.equal(refusal.damage.offset, offset)
}

test(`bits of a closed log flipped, every third: everything is there, or a refusal with a place (seed ${SEED})`, (t) => {
  const { disk, trial } = closedLog(seedWithSegments(2, 5), 5)
  let refusals = 0
  let flips = 0
  for (const name of segmentsOf(disk)) {
    const contents = disk.contents(name)
    let copy = disk.afterExit()
    for (let bit = SEED % 3; bit < 8 * contents.length; bit += 3) {
      const flipped = Buffer.from(contents)
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      copy.put(name, flipped)
      const { outcome } = reopen(copy)
      // A refusal changes nothing, so that the same disk serves again.
      if ('state' in outcome) copy = disk.afterExit()
      const complaint = trial.model.judge(outcome, trial.model.acknowledgedLsn, true)
      assert.equal(complaint, undefined, `${name}, bit ${bit}`)
      flips++
      if ('refusal' in outcome) refusals++
    }
  }
  t.diagnostic(`${flips} flips, ${refusals} refused`)
  assert.ok(refusals > flips / 3)
})

test('a canary that reads frames without their checksums gives wrong values, and the flips find it', () => {
  const disk = new SimulatedDisk()
  const { writer } = reopen(disk)
  assert.ok(writer !== undefined)
  const model = new LogModel()
  const values = Array.from({ length: 8 }, (_, number) => `value ${number} `.repeat(number + 1))
  // Every record is the last one of its key: whatever is wrong with one shows.
  for (const [number, value] of values.entries()) {
    const record = { type: 'set', key: `key ${number}`, value, expiresAtMs: Infinity } as const
    const batch = new RecordBatch()
    addToBatch(batch, record)
    model.append({ lastLsn: writer.append(batch), records: [record] })
    writer.sync()
  }
  const [name = ''] = segmentsOf(disk)
  const contents = disk.contents(name)
  assert.equal(model.judge(trustingRead(disk), model.batches.length), undefined)
  let found = 0
  for (const value of values) {
    const at = contents.indexOf(value)
    for (let bit = 8 * at; bit < 8 * (at + value.length); bit++) {
      const flipped = Buffer.from(contents)
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      const copy = disk.afterExit()
      copy.put(name, flipped)
      if (model.judge(trustingRead(copy), 0, true) !== undefined) found++
      assert.equal(model.judge(reopen(copy).outcome, 0, true), undefined, `bit ${bit}`)
    }
  }
  assert.equal(found, 8 * values.join('').length, 'every flip in a value gives a wrong one')
})

/** What a reader would make of the log that believes lengths and never computes a checksum. */
function trustingRead(disk: SimulatedDisk): { state: State; lastLsn: number } {
  const state: State = new Map()
  let lastLsn = 0
  for (const name of segmentsOf(disk)) {
    const bytes = disk.contents(name)
    let at = HEADER_BYTES
    while (at + FRAME_HEAD_BYTES <= bytes.length) {
      const length = bytes.readUInt32LE(at + 8)
      if (length < FRAME_HEAD_BYTES || at + length > bytes.length) break
      const { kind, count, firstLsn } = decodeFrameHead(bytes, at)
      if (kind === 1)
        decodeRecords(bytes, at + FRAME_HEAD_BYTES, at + length, count, firstLsn, 1, stateSink(state))
      lastLsn += count
      at += length
    }
  }
  return { state, lastLsn }
}

test(`a log cut at every byte: a prefix, and a longer file never gives less (seed ${SEED})`, () => {
  const disk = new SimulatedDisk()
  const trial = runTrial({ seed: SEED, disk, steps: 8, snapshots: false })
  const name = segmentsOf(disk).at(-1) ?? ''
  const contents = disk.contents(name)
  let last = 0
  for (let size = HEADER_BYTES; size <= contents.length; size++) {
    const copy = disk.afterExit()
    copy.put(name, contents.subarray(0, size))
    const { outcome } = reopen(copy)
    assert.equal(trial.model.judge(outcome, last), undefined, `cut at ${size}`)
    assert.ok('lastLsn' in outcome)
    last = outcome.lastLsn
  }
  assert.ok(last >= trial.model.acknowledgedLsn, 'the whole file gives everything')
})

describe('segments', () => {
  const seed = seedWithSegments(4)

  test('missing in the middle, at the beginning, at the end, or all of them', () => {
    const names = segmentsOf(closedLog(seed).disk)
    for (const name of names) {
      const { disk } = closedLog(seed)
      disk.unlink(name)
      const { outcome } = reopen(disk)
      assert.ok('refusal' in outcome && outcome.refusal instanceof DamageError, `without ${name}`)
    }
    const { disk } = closedLog(seed)
    for (const name of names) disk.unlink(name)
    assertRefused(disk, segmentName(1))
  })

  test('whose successor was lost although the log went on there', () => {
    const disk = new SimulatedDisk()
    // Without restarts: the last change of segments was a rotation.
    disk.inject({ call: 'truncate', at: 1, code: 'crash' })
    runTrial({ seed, disk, steps: 400, snapshots: false })
    const exit = disk.afterExit()
    const names = segmentsOf(exit)
    exit.unlink(names.at(-1) ?? '')
    if (names.length > 1) assertRefused(exit, names.at(-1) ?? '', 0)
  })

  test('duplicated, swapped, or of another log', () => {
    const [first = '', second = '', third = ''] = segmentsOf(closedLog(seed).disk)
    const duplicated = closedLog(seed).disk
    duplicated.put(second, duplicated.contents(third))
    assertRefused(duplicated, second, 0)
    const swapped = closedLog(seed).disk
    const held = swapped.contents(first)
    swapped.put(first, swapped.contents(second))
    swapped.put(second, held)
    assertRefused(swapped, first, 0)
    const foreign = closedLog(seed).disk
    const bytes = foreign.contents(second)
    bytes.writeBigUInt64LE(99n, 16)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 64)), 64)
    foreign.put(second, bytes)
    assertRefused(foreign, second, 0)
  })

  test('of a newer format are refused as such, also where losses are accepted', () => {
    const { disk } = closedLog(seed)
    const name = segmentsOf(disk)[1] ?? ''
    const bytes = disk.contents(name)
    bytes.writeUInt32LE(2, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 64)), 64)
    disk.put(name, bytes)
    for (const acceptLoss of [false, true]) {
      const { outcome } = reopen(disk, acceptLoss)
      assert.ok('refusal' in outcome && isOperationError(outcome.refusal, 'MISMATCH'))
    }
  })

  test('with a sector of zeros in the middle, or the tail of an older log behind the end', () => {
    const { disk, trial } = closedLog(seed)
    const [name = ''] = segmentsOf(disk)
    const contents = disk.contents(name)
    const zeroed = Buffer.from(contents).fill(0, HEADER_BYTES, Math.min(contents.length, 2 * HEADER_BYTES))
    disk.put(name, zeroed)
    assertRefused(disk, name, HEADER_BYTES)

    const recycled = closedLog(seed).disk
    const last = segmentsOf(recycled).at(-1) ?? ''
    const older = closedLog(seed + 1).disk
    const tail = older.contents(segmentsOf(older)[0] ?? '').subarray(HEADER_BYTES)
    recycled.put(last, Buffer.concat([recycled.contents(last), tail]))
    const { outcome } = reopen(recycled)
    assert.equal(trial.model.judge(outcome, trial.model.acknowledgedLsn), undefined)
  })

  test('with a frame that is whole in itself but of another chain, position or epoch', () => {
    for (const [at, what] of [
      [12, 'the CRC of the frame before'],
      [20, 'the number of the epoch'],
      [24, 'the start id'],
      [32, 'the position'],
    ] as const) {
      const { disk } = closedLog(seed)
      const [name = ''] = segmentsOf(disk)
      const bytes = disk.contents(name)
      const length = bytes.readUInt32LE(HEADER_BYTES + 8)
      bytes.writeUInt8(bytes.readUInt8(HEADER_BYTES + at) ^ 0x10, HEADER_BYTES + at)
      const crc = crc32(bytes.subarray(HEADER_BYTES + 8, HEADER_BYTES + length))
      bytes.writeUInt32LE(crc, HEADER_BYTES + 4)
      // The next frame is made to follow, so that only what was changed can give it away.
      const next = HEADER_BYTES + length
      if (next + FRAME_HEAD_BYTES < bytes.length && bytes.readUInt32LE(next) === FRAME_MAGIC) {
        bytes.writeUInt32LE(crc, next + 12)
        const nextLength = bytes.readUInt32LE(next + 8)
        bytes.writeUInt32LE(crc32(bytes.subarray(next + 8, next + nextLength)), next + 4)
      }
      disk.put(name, bytes)
      const { outcome } = reopen(disk)
      assert.ok('refusal' in outcome && outcome.refusal instanceof DamageError, what)
      assert.equal(outcome.refusal.damage.offset, HEADER_BYTES, what)
    }
  })

  test('whose last frame is whole and chained, and holds what no frame does, is no torn tail', () => {
    for (const [what, at, mask] of [
      ['an unknown type of record', FRAME_HEAD_BYTES + 3, 0xf0],
      ['an unknown flag', FRAME_HEAD_BYTES + 7, 0x80],
      ['a longer key than there are bytes', FRAME_HEAD_BYTES + 5, 0x40],
      ['more records than there are', 16, 0x02],
      ['an unknown kind of frame', 19, 0x08],
    ] as const) {
      const disk = new SimulatedDisk()
      const { writer } = reopen(disk)
      const batch = new RecordBatch()
      batch.set(Buffer.from('key'), Buffer.from('value'), true)
      writer?.append(batch)
      writer?.sync()
      const exit = disk.afterExit()
      const [name = ''] = segmentsOf(exit)
      const bytes = exit.contents(name)
      let last = HEADER_BYTES
      for (let next = last; bytes.readUInt32LE(next) === FRAME_MAGIC; next += bytes.readUInt32LE(next + 8))
        last = next
      bytes.writeUInt8(bytes.readUInt8(last + at) ^ mask, last + at)
      const length = bytes.readUInt32LE(last + 8)
      bytes.writeUInt32LE(crc32(bytes.subarray(last + 8, last + length)), last + 4)
      exit.put(name, bytes)
      assertRefused(exit, name, last)
      const { outcome } = reopen(exit, true)
      assert.ok('state' in outcome && outcome.state.size === 0, `${what}: the loss can be accepted`)
    }
  })

  test('with lengths that are huge, negative, zero or odd', () => {
    for (const length of [0xffff_fff8, 0x8000_0000, 0, 8, 57, 64]) {
      const { disk } = closedLog(seed)
      const [name = ''] = segmentsOf(disk)
      const bytes = disk.contents(name)
      // The first frame of some logs is really that long.
      const isRight = bytes.readUInt32LE(HEADER_BYTES + 8) === length
      bytes.writeUInt32LE(isRight ? length + 8 : length, HEADER_BYTES + 8)
      disk.put(name, bytes)
      assertRefused(disk, name, HEADER_BYTES)
    }
  })
})

describe('accepting a loss', () => {
  const seed = seedWithSegments(3)

  test('keeps the original, cuts after the last good frame, and goes on from there', () => {
    const { disk, trial } = closedLog(seed)
    const names = segmentsOf(disk)
    const name = names[1] ?? ''
    const bytes = disk.contents(name)
    const at = HEADER_BYTES + FRAME_HEAD_BYTES + 4
    bytes[at] = (bytes[at] ?? 0) ^ 1
    disk.put(name, bytes)
    assertRefused(disk, name)
    const { outcome } = reopen(disk, true)
    assert.ok('state' in outcome)
    assert.equal(trial.model.judge(outcome, 1), undefined)
    assert.ok(outcome.lastLsn < trial.model.acknowledgedLsn)
    assert.deepEqual(disk.contents(`${name}.lost-1`), bytes)
    for (const later of names.slice(2)) assert.ok(disk.list().includes(`${later}.lost-1`), later)
    const again = reopen(disk).outcome
    assert.deepEqual(again, outcome)
  })

  test('interrupted after any call, keeps the original all the same', () => {
    const { disk: whole, trial } = closedLog(seed)
    const name = segmentsOf(whole)[1] ?? ''
    const bytes = whole.contents(name)
    bytes.writeUInt8(bytes.readUInt8(HEADER_BYTES + FRAME_HEAD_BYTES) ^ 1, HEADER_BYTES + FRAME_HEAD_BYTES)
    whole.put(name, bytes)
    for (let call = 1, isDone = false; !isDone; call++) {
      const disk = whole.afterExit()
      disk.inject({ at: call, code: 'crash' })
      try {
        reopen(disk, true)
        isDone = true
      } catch (error) {
        assert.ok(error instanceof SimulatedCrash)
      }
      for (const plan of [DROP_ALL, KEEP_ALL]) {
        const after = disk.crash(plan)
        const { outcome } = reopen(after, true)
        assert.equal(trial.model.judge(outcome, 1), undefined, `call ${call}`)
        const kept = after.list().filter((each) => each.startsWith(`${name}.lost-`))
        assert.ok(
          kept.some((each) => after.contents(each).equals(bytes)),
          `call ${call}: the original is kept`,
        )
      }
    }
  })

  test('works for whatever is missing or unreadable, and always ends', () => {
    const names = segmentsOf(closedLog(seed).disk)
    for (const name of names)
      for (const spoil of ['missing', 'header', 'garbage']) {
        const { disk, trial } = closedLog(seed)
        if (spoil === 'missing') disk.unlink(name)
        else if (spoil === 'header') disk.put(name, disk.contents(name).fill(7, 0, HEADER_BYTES))
        else disk.put(name, Buffer.alloc(3000, 'garbage'))
        const { outcome } = reopen(disk, true)
        assert.equal(trial.model.judge(outcome, 0), undefined, `${name}: ${spoil}`)
      }
  })
})
