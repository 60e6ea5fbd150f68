import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { type SeededRandom, seededRandom } from '../base/random.js'
import { addToBatch, applyRecord, LogModel, type ModelRecord, type State } from '../test/log-model.js'
import { reopen, TRIAL_IDENTITY } from '../test/log-trial.js'
import { type BackupMade, backupSteps } from './backup.js'
import { copyDirectory } from './copy-directory.js'
import { DROP_ALL } from './crash-plan.js'
import { DamageError } from './damage.js'
import { openLog } from './directory.js'
import type { Disk } from './disk.js'
import { HEADER_BYTES } from './format.js'
import { IDENTITY_NAME } from './identity.js'
import { RealDisk } from './real-disk.js'
import { RecordBatch } from './record-batch.js'
import { SimulatedDisk } from './simulated-disk.js'
import { NO_SINK } from './snapshot-reader.js'
import { type SnapshotEntry, type SnapshotMade, snapshotSteps } from './snapshot-writer.js'
import type { LogWriter } from './writer.js'

/** A node's log with small segments, its table a `Map`, and what it was told. */
class Rig {
  readonly disk: Disk
  readonly model = new LogModel()
  readonly table: State = new Map()
  #writer: LogWriter
  #snapshot: Generator<number, SnapshotMade> | undefined
  #value = 0

  constructor(disk: Disk = new SimulatedDisk()) {
    this.disk = disk
    this.#writer = this.#open()
  }

  /** A batch, on disk and acknowledged; `false`: only handed to the kernel. */
  write(random: SeededRandom, isSynced = true): void {
    const records = Array.from({ length: 1 + random.nextInt(3) }, (): ModelRecord => {
      const key = `key-${random.nextInt(30)}`
      if (random.nextInt(8) === 0) return { type: 'delete', key }
      return { type: 'set', key, value: `value-${++this.#value}`, expiresAtMs: Infinity }
    })
    const batch = new RecordBatch()
    for (const record of records) addToBatch(batch, record)
    const lastLsn = this.#writer.append(batch)
    this.model.append({ lastLsn, records })
    if (!isSynced) {
      this.#writer.write()
      return
    }
    this.#writer.release(this.#writer.sync())
    for (const { lastLsn: last, records: done } of this.model.batches)
      if (last > this.model.acknowledgedLsn) for (const record of done) applyRecord(this.table, record)
    this.model.acknowledgedLsn = lastLsn
  }

  restart(): void {
    this.#snapshot?.return(undefined as never)
    this.#snapshot = undefined
    this.#writer.close()
    this.#writer = this.#open()
  }

  stepSnapshot(): void {
    this.#snapshot ??= snapshotSteps({
      disk: this.disk,
      logId: TRIAL_IDENTITY.logId,
      epoch: { number: 1, startId: 1n },
      startLsn: this.model.acknowledgedLsn,
      entries: this.#entries(),
      syncLog: () => this.#writer.sync(),
      regionTimeMs: () => 5,
      blockBytes: 1,
    })
    if (this.#snapshot.next().done === true) this.#snapshot = undefined
  }

  snapshot(): void {
    do this.stepSnapshot()
    while (this.#snapshot !== undefined)
  }

  close(): void {
    this.#writer.close()
  }

  #open(): LogWriter {
    const clocks = { nowMs: () => 0, regionTimeMs: () => 5 }
    const { disk } = this
    return openLog({ disk, identity: TRIAL_IDENTITY, sink: NO_SINK, segmentBytes: 2048, ...clocks }).writer
  }

  *#entries(): Generator<SnapshotEntry> {
    for (const [key, stored] of this.table) {
      const value = Buffer.from(stored.slice(0, stored.lastIndexOf('@')))
      yield { key: Buffer.from(key), value, isAscii: true, expiresAtMs: Infinity, hash: 5 }
    }
  }
}

function finish(steps: Generator<void, BackupMade>, between: () => void = () => {}): BackupMade {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    between()
  }
}

/** Starts on the copy, after its power went, and compares. */
function assertGood(target: SimulatedDisk, rig: Rig, guaranteedLsn: number): number {
  const { outcome } = reopen(target.crash(DROP_ALL))
  assert.equal(rig.model.judge(outcome, guaranteedLsn), undefined)
  return 'lastLsn' in outcome ? outcome.lastLsn : 0
}

describe('a backup', () => {
  test('of a closed directory holds all of it, and a node goes on from there', () => {
    const random = seededRandom(1)
    const rig = new Rig()
    for (let index = 0; index < 100; index++) rig.write(random)
    rig.snapshot()
    for (let index = 0; index < 50; index++) rig.write(random)
    rig.close()
    const target = new SimulatedDisk()
    const made = finish(backupSteps({ source: rig.disk, target }))
    assert.ok(made.snapshotLsn > 0 && made.segments > 1 && made.damage === undefined)
    assert.equal(made.files, target.list().length)
    assertGood(target, rig, rig.model.acknowledgedLsn)
    const { writer } = reopen(target)
    const batch = new RecordBatch()
    batch.set(Buffer.from('more'), Buffer.from('1'), true)
    writer?.append(batch)
    writer?.sync()
    const { outcome } = reopen(target)
    assert.ok('state' in outcome && outcome.state.has('more'))
  })

  test('of a directory in use holds what was acknowledged before it began, whatever goes on meanwhile', () => {
    let grown = 0
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed)
      const rig = new Rig()
      const act = (): void => {
        const dice = random.nextInt(30)
        if (dice === 0) rig.restart()
        else if (dice < 12) rig.stepSnapshot()
        else
          for (let count = random.nextInt(20); count >= 0; count--) rig.write(random, random.nextInt(3) > 0)
      }
      for (let count = random.nextInt(30); count >= 0; count--) act()
      const guaranteed = rig.model.acknowledgedLsn
      const target = new SimulatedDisk()
      finish(backupSteps({ source: rig.disk, target }), () => {
        for (let count = random.nextInt(4); count > 0; count--) act()
      })
      if (assertGood(target, rig, guaranteed) > guaranteed) grown++
    }
    assert.ok(grown > 0, 'the copy never met a log that grew')
  })

  test('chooses again when what it wanted is removed between listing and opening', () => {
    const random = seededRandom(7)
    const rig = new Rig()
    for (let index = 0; index < 60; index++) rig.write(random)
    let isFirst = true
    const source = withHook(rig.disk, (name) => {
      if (!isFirst || !name.endsWith('2.log')) return
      isFirst = false
      for (let index = 0; index < 60; index++) rig.write(random)
      rig.snapshot()
    })
    const guaranteed = rig.model.acknowledgedLsn
    const target = new SimulatedDisk()
    const made = finish(backupSteps({ source, target }))
    assert.equal(isFirst, false)
    assert.ok(made.snapshotLsn >= guaranteed)
    assertGood(target, rig, guaranteed)
  })

  test('passes over a damaged snapshot where the log makes up for it, and refuses damage elsewhere', () => {
    const random = seededRandom(3)
    const rig = new Rig()
    for (let index = 0; index < 60; index++) rig.write(random)
    const kept = new Map(rig.disk.list().map((name) => [name, contents(rig.disk, name)]))
    rig.snapshot()
    rig.close()
    const snapshot = rig.disk.list().find((name) => name.endsWith('.snapshot')) ?? ''
    flip(rig.disk, snapshot, 600)
    // Without the segments that the snapshot has replaced there is no beginning.
    assert.throws(() => finish(backupSteps({ source: rig.disk, target: new SimulatedDisk() })), DamageError)
    for (const [name, bytes] of kept) if (!rig.disk.list().includes(name)) put(rig.disk, name, bytes)
    const target = new SimulatedDisk()
    assert.equal(finish(backupSteps({ source: rig.disk, target })).snapshotLsn, 0)
    assertGood(target, rig, rig.model.acknowledgedLsn)
    flip(rig.disk, '0000000000000002.log', 700)
    assert.throws(
      () => finish(backupSteps({ source: rig.disk, target: new SimulatedDisk() })),
      (error) => error instanceof DamageError && error.damage.file === '0000000000000002.log',
    )
  })

  test('refuses damage in the last segment, too, where the copy would end, but not what is being written just then', () => {
    const random = seededRandom(4)
    const rig = new Rig()
    for (let index = 0; index < 5; index++) rig.write(random)
    const name = '0000000000000001.log'
    flip(rig.disk, name, HEADER_BYTES + 60)
    assert.throws(
      () => finish(backupSteps({ source: rig.disk, target: new SimulatedDisk() })),
      (error) => error instanceof DamageError && error.damage.offset === HEADER_BYTES,
    )
    const damaged = contents(rig.disk, name)
    flip(rig.disk, name, HEADER_BYTES + 60)
    const target = new SimulatedDisk()
    finish(backupSteps({ source: readingOnce(rig.disk, name, damaged), target }))
    assertGood(target, rig, rig.model.acknowledgedLsn)
  })

  test('of what is no data directory is refused', () => {
    assert.throws(
      () => finish(backupSteps({ source: new SimulatedDisk(), target: new SimulatedDisk() })),
      (error) => isOperationError(error, 'REFUSED'),
    )
  })
})

describe('a copied directory', () => {
  test('takes its place whole, or leaves nothing', () => {
    const path = mkdtempSync(join(tmpdir(), 'hearth-backup-'))
    try {
      const rig = new Rig(RealDisk.open(join(path, 'data')))
      const random = seededRandom(5)
      for (let index = 0; index < 200; index++) rig.write(random)
      const progress: number[] = []
      const made = copyDirectory(join(path, 'data'), join(path, 'copy'), (done, total) =>
        progress.push(done / total),
      )
      assert.equal(made.lastLsn, rig.model.acknowledgedLsn)
      assert.equal(progress.at(-1), 1)
      assert.deepEqual(
        progress,
        progress.toSorted((a, b) => a - b),
      )
      assert.equal(statSync(join(path, 'copy')).mode & 0o077, 0)
      for (const name of readdirSync(join(path, 'copy')))
        assert.equal(statSync(join(path, 'copy', name)).mode & 0o077, 0, name)
      mkdirSync(join(path, 'empty'))
      copyDirectory(join(path, 'copy'), join(path, 'empty'))
      assert.deepEqual(readdirSync(join(path, 'empty')), readdirSync(join(path, 'copy')))
      const refused = (from: string, to: string): void =>
        assert.throws(
          () => copyDirectory(join(path, from), join(path, to)),
          (error) => isOperationError(error, 'REFUSED'),
          `${from} to ${to}`,
        )
      refused('data', 'copy')
      refused('none', 'other')
      writeFileSync(join(path, 'file'), '')
      refused('file', 'other')
      refused('data', 'file')
      mkdirSync(join(path, 'bare'))
      refused('bare', 'other')
      flip(RealDisk.open(join(path, 'copy')), '0000000000000002.log', 700)
      assert.throws(() => copyDirectory(join(path, 'copy'), join(path, 'other')), DamageError)
      assert.deepEqual(readdirSync(path).sort(), ['bare', 'copy', 'data', 'empty', 'file'])
      rig.close()
    } finally {
      rmSync(path, { recursive: true })
    }
  })
})

/** `disk`, with something done before a file is opened. */
function withHook(disk: Disk, before: (name: string) => void): Disk {
  let lists = 0
  return {
    path: disk.path,
    open: (name, mode) => {
      // Once for its header; the second time it is opened to be copied.
      if (name !== IDENTITY_NAME && lists > 2 && mode === 'read') before(name)
      return disk.open(name, mode)
    },
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    unlink: (name) => disk.unlink(name),
    list: () => {
      lists++
      return disk.list()
    },
    syncDirectory: () => disk.syncDirectory(),
  }
}

/** As `disk`, but whoever reads all of the file `name` gets `bytes` the first time. */
function readingOnce(disk: Disk, name: string, bytes: Buffer): Disk {
  let isRead = false
  const open: Disk['open'] = (opened, mode) => {
    const file = disk.open(opened, mode)
    if (opened !== name) return file
    const read = (target: Uint8Array, position: number): number => {
      if (isRead || target.length < bytes.length) return file.read(target, position)
      isRead = true
      target.set(bytes)
      return bytes.length
    }
    return { ...file, read }
  }
  return { ...withHook(disk, () => {}), open }
}

function contents(disk: Disk, name: string): Buffer {
  const file = disk.open(name, 'read')
  const bytes = Buffer.alloc(file.size())
  file.read(bytes, 0)
  file.close()
  return bytes
}

function put(disk: Disk, name: string, bytes: Buffer): void {
  const file = disk.open(name, 'create')
  file.write(bytes, 0)
  file.sync()
  file.close()
}

function flip(disk: Disk, name: string, at: number): void {
  const bytes = contents(disk, name)
  const file = disk.open(name, 'write')
  file.write(Buffer.from([(bytes[at] ?? 0) ^ 4]), at)
  file.sync()
  file.close()
}
