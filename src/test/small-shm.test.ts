/** Tables that are larger than the memory of their file system: a clear FULL, and never the signal that ends a process. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { codecs, isOperationError, SharedMap } from '../index.js'
import { NO_NAMED_TABLES } from './named-scratch.js'

const MIB = 2 ** 20
/** What an entry takes beside its value, about: key, lengths, slot. */
const ENTRY_BYTES = 40
const CURE = /left\. Make it larger \(docker run --shm-size=1g, or mount -o remount,size=1g/

/** Runs `work` with named tables in a tmpfs of so many bytes. */
function withSmallShm(bytes: number, work: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-small-'))
  const before = process.env['HEARTH_SHM_DIR']
  try {
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory]).status, 0)
    process.env['HEARTH_SHM_DIR'] = directory
    work(directory)
  } finally {
    if (before === undefined) delete process.env['HEARTH_SHM_DIR']
    else process.env['HEARTH_SHM_DIR'] = before
    // Lazily: the table's memory is mapped until the collector finds it unused.
    spawnSync('umount', ['--lazy', directory])
    rmSync(directory, { recursive: true, force: true })
  }
}

function mayNotMount(): string | false {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-small-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])
  if (status === 0) spawnSync('umount', [directory])
  rmSync(directory, { recursive: true })
  return status === 0 ? false : 'this user may not mount a file system'
}

/** Sets one key after the other until FULL; returns how many. */
function fill(map: SharedMap<string, string>, value: string): number {
  for (let count = 0; ; count++) {
    try {
      map.set(`key ${count}`, value)
    } catch (error) {
      assert.ok(isOperationError(error, 'FULL'))
      assert.match(error.message, CURE)
      return count
    }
  }
}

function empty(map: SharedMap<string, string>, count: number): void {
  for (let i = 0; i < count; i++) map.delete(`key ${i}`)
}

describe('a file system smaller than the table', { skip: NO_NAMED_TABLES || mayNotMount() }, () => {
  for (const [size, valueBytes] of [
    [8, 10],
    [8, 900],
    [8, 20_000],
    [8, 600_000],
    [64, 5000],
  ] as const) {
    test(`of ${size} MiB is full of values of ${valueBytes} bytes with the cure in the message, again and again`, (t) => {
      withSmallShm(size * MIB, (directory) => {
        using map = SharedMap.open('small', { capacity: '256MiB' })
        const value = 'x'.repeat(valueBytes)
        const counts = [0, 1, 2].map(() => {
          const count = fill(map, value)
          for (let i = 0; i < count; i += 7) assert.equal(map.get(`key ${i}`), value)
          map.check()
          empty(map, count)
          assert.equal(map.size, 0)
          map.check()
          return count
        })
        const { bavail, bsize } = statfsSync(directory)
        t.diagnostic(`${counts.join(', ')} entries, ${bavail * bsize} bytes left`)
        assert.ok(counts[0]! * (valueBytes + ENTRY_BYTES) > size * MIB * 0.3)
        // What is not in the table for good serves the next round.
        assert.ok(counts[2]! >= counts[1]! * 0.95, counts.join())
      })
    })
  }

  test('makes room in a table that evicts, and says FULL to nobody', () => {
    for (const valueBytes of [100, 5000, 40_000]) {
      withSmallShm(8 * MIB, () => {
        using map = SharedMap.open('evicting', { capacity: '128MiB', eviction: 'clock' })
        const count = (24 * MIB) / (valueBytes + ENTRY_BYTES)
        for (let i = 0; i < count; i++) map.set(`key ${i}`, `${i}`.padEnd(valueBytes))
        assert.ok(map.stats().evictions > count / 2)
        map.check()
      })
    }
  })

  test('without a byte left still lets a name be removed and opened', () => {
    withSmallShm(8 * MIB, (directory) => {
      using map = SharedMap.open('last byte', { capacity: '64MiB' })
      map.set('k', 'v')
      assert.throws(() => writeFileSync(join(directory, 'other'), Buffer.alloc(8 * MIB)), { code: 'ENOSPC' })
      SharedMap.open('last byte').close()
      assert.throws(() => SharedMap.open('another'), { code: 'FULL', message: CURE })
      assert.equal(SharedMap.unlink('last byte'), true)
      assert.deepEqual(readdirSync(directory), ['other'])
    })
  })

  test('that has no room for the front of a table refuses it, and nothing stays', () => {
    withSmallShm(MIB, (directory) => {
      assert.throws(() => SharedMap.open('front', { capacity: '64MiB' }), { code: 'FULL', message: CURE })
      assert.equal(statfsSync(directory).bavail, statfsSync(directory).blocks)
    })
  })

  test('that others fill up takes nothing from what is there, and heals', () => {
    withSmallShm(8 * MIB, (directory) => {
      using map = SharedMap.open('beside', { capacity: '64MiB', values: codecs.string })
      map.set('mine', 'v'.repeat(1000))
      const other = join(directory, 'other')
      assert.throws(() => writeFileSync(other, Buffer.alloc(8 * MIB)), { code: 'ENOSPC' })
      assert.throws(() => map.set('large', 'v'.repeat(MIB)), { code: 'FULL', message: CURE })
      assert.equal(map.get('mine'), 'v'.repeat(1000))
      map.check()
      rmSync(other)
      map.set('large', 'v'.repeat(MIB))
      assert.equal(map.get('large'), 'v'.repeat(MIB))
      map.check()
    })
  })
})
