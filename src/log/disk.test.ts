import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { DROP_ALL, KEEP_ALL, subsetPlan } from './crash-plan.js'
import { type Disk, readFully, writeFully } from './disk.js'
import { FRAME_HEAD_BYTES, HEADER_BYTES, MAX_FRAME_BYTES } from './format.js'
import { RealDisk } from './real-disk.js'
import { SimulatedCrash, SimulatedDisk } from './simulated-disk.js'

function withRealDisk(body: (disk: Disk) => void): void {
  const path = mkdtempSync(join(tmpdir(), 'hearth-disk-'))
  try {
    body(RealDisk.open(path))
  } finally {
    rmSync(path, { recursive: true })
  }
}

const KINDS: [string, (body: (disk: Disk) => void) => void][] = [
  ['the real disk', withRealDisk],
  ['the simulated disk', (body) => body(new SimulatedDisk())],
]

function write(disk: Disk, name: string, text: string): void {
  const file = disk.open(name, 'create')
  writeFully(file, Buffer.from(text), 0)
  file.sync()
  file.close()
}

function read(disk: Disk, name: string): string {
  const file = disk.open(name, 'read')
  try {
    return readFully(file, 0, file.size()).toString('latin1')
  } finally {
    file.close()
  }
}

for (const [name, run] of KINDS) {
  describe(name, () => {
    test('reads what was written, short only at the end of the file', () =>
      run((disk) => {
        write(disk, 'a', 'hello')
        const file = disk.open('a', 'write')
        writeFully(file, Buffer.from('LL'), 2)
        writeFully(file, Buffer.from('!'), 8)
        assert.equal(readFully(file, 0, 100).toString('latin1'), 'heLLo\0\0\0!')
        assert.equal(readFully(file, 3, 2).toString('latin1'), 'Lo')
        assert.equal(readFully(file, 9, 5).length, 0)
        assert.equal(file.size(), 9)
        file.close()
      }))

    test('preallocates zeros and cuts', () =>
      run((disk) => {
        const file = disk.open('a', 'create')
        file.preallocate(0, 3_000_000)
        assert.equal(file.size(), 3_000_000)
        writeFully(file, Buffer.from('xyz'), 2_999_997)
        assert.deepEqual([...readFully(file, 2_999_996, 9)], [0, 120, 121, 122])
        file.truncate(2)
        assert.deepEqual([...readFully(file, 0, 9)], [0, 0])
        file.sync()
        file.close()
      }))

    test('renames over, links beside, unlinks, lists in order', () =>
      run((disk) => {
        write(disk, 'b', 'B')
        write(disk, 'a', 'A')
        disk.link('a', 'c')
        disk.rename('b', 'a')
        disk.syncDirectory()
        assert.deepEqual(disk.list(), ['a', 'c'])
        assert.deepEqual([read(disk, 'a'), read(disk, 'c')], ['B', 'A'])
        disk.unlink('c')
        assert.deepEqual(disk.list(), ['a'])
      }))

    test('names what is missing and what is there already', () =>
      run((disk) => {
        write(disk, 'a', 'A')
        assert.throws(() => disk.open('b', 'read'), { code: 'ENOENT' })
        assert.throws(() => disk.open('b', 'write'), { code: 'ENOENT' })
        assert.throws(() => disk.unlink('b'), { code: 'ENOENT' })
        assert.throws(() => disk.rename('b', 'c'), { code: 'ENOENT' })
        assert.throws(() => disk.open('a', 'create'), { code: 'EEXIST' })
        assert.throws(() => disk.link('a', 'a'), { code: 'EEXIST' })
      }))
  })
}

describe('a loss of power on the simulated disk', () => {
  test('keeps what was synced, by file and by name, and nothing else that it need not', () => {
    const disk = new SimulatedDisk()
    write(disk, 'unnamed', 'synced, but its name was not')
    assert.deepEqual(disk.crash(DROP_ALL).list(), [])
    disk.syncDirectory()
    const file = disk.open('unnamed', 'write')
    writeFully(file, Buffer.from('lost  '), 0)
    disk.rename('unnamed', 'named')
    const after = disk.crash(DROP_ALL)
    assert.deepEqual(after.list(), ['unnamed'])
    assert.equal(read(after, 'unnamed'), 'synced, but its name was not')
    assert.equal(read(disk.crash(KEEP_ALL), 'named'), 'lost  , but its name was not')
    assert.equal(disk.unsyncedChanges, 2)
    assert.equal(read(disk.crash(subsetPlan(0b01)), 'named'), 'synced, but its name was not')
    assert.equal(read(disk.crash(subsetPlan(0b10)), 'unnamed'), 'lost  , but its name was not')
  })

  test('tears a write at sectors, never within one', () => {
    const disk = new SimulatedDisk()
    const file = disk.open('a', 'create')
    file.preallocate(0, 2048)
    file.sync()
    disk.syncDirectory()
    writeFully(file, Buffer.alloc(1200, 'x'), 100)
    let sector = 0
    const after = disk.crash({ fate: () => 'tear', keepsSector: () => sector++ % 2 === 1, next: () => 0 })
    const expected = Buffer.alloc(2048)
    expected.fill('x', 512, 1024)
    assert.deepEqual(after.contents('a'), expected)
  })

  test('a failed sync leaves its writes lost, also to a later sync that succeeds', () => {
    const disk = new SimulatedDisk()
    write(disk, 'a', 'old')
    disk.syncDirectory()
    const file = disk.open('a', 'write')
    writeFully(file, Buffer.from('new'), 0)
    disk.inject({ call: 'sync', at: 1, code: 'EIO' })
    assert.throws(() => file.sync(), { code: 'EIO' })
    file.sync()
    assert.equal(read(disk, 'a'), 'new')
    assert.equal(read(disk.crash(KEEP_ALL), 'a'), 'old')
  })
})

test('faults come at their number, as often as asked, and a crash stops everything', () => {
  const disk = new SimulatedDisk()
  disk.capacityBytes = 10
  const file = disk.open('a', 'create')
  assert.throws(() => file.preallocate(0, 11), { code: 'ENOSPC' })
  disk.inject({ call: 'write', at: 2, times: 2, code: 'EDQUOT' })
  assert.equal(file.write(Buffer.from('ab'), 0), 2)
  assert.throws(() => file.write(Buffer.from('c'), 2), { code: 'EDQUOT' })
  assert.throws(() => file.write(Buffer.from('c'), 2), { code: 'EDQUOT' })
  disk.inject({ call: 'write', at: 1, code: 'short' })
  assert.equal(file.write(Buffer.from('cdef'), 2), 2)
  disk.inject({ at: 1, code: 'crash' })
  assert.throws(() => disk.list(), SimulatedCrash)
  assert.throws(() => file.sync(), SimulatedCrash)
  assert.ok(disk.isCrashed)
})

test('the longest file of a log is one that the system reads in one piece', () => {
  assert.ok(HEADER_BYTES + MAX_FRAME_BYTES + 2 * FRAME_HEAD_BYTES < 2 ** 31)
})
