import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GIB, MIB } from '../base/limits.js'
import { bad, findingLines, poor } from './doctor-finding.js'
import {
  judgeDirectory,
  judgeHugePages,
  judgeMemoryLimit,
  judgeNode,
  judgePlatform,
  memoryLimitOf,
  mountOptionsOf,
  TMPFS_MAGIC,
} from './doctor-system.js'

describe('the doctor', () => {
  test('knows which releases of Node are too old, and which lack the fix of CVE-2026-21717', () => {
    for (const version of ['18.20.0', '20.18.3']) assert.equal(judgeNode(version).verdict, 'bad')
    for (const version of [
      '20.19.0',
      '20.20.1',
      '21.7.3',
      '22.22.1',
      '22.3.9',
      '23.11.0',
      '24.14.0',
      '24.2.0',
    ]) {
      assert.equal(judgeNode(version).verdict, 'poor', version)
      assert.match(judgeNode(version).advice ?? '', /20\.20\.2, 22\.22\.2, 24\.14\.1/)
    }
    for (const version of ['20.20.2', '20.21.0', '22.22.2', '22.23.0', '24.14.1', '25.0.0', '26.1.0'])
      assert.equal(judgeNode(version).verdict, 'good', version)
  })

  test('knows the systems', () => {
    assert.equal(judgePlatform('linux', 'x64').verdict, 'good')
    assert.equal(judgePlatform('linux', 'arm64').verdict, 'poor')
    assert.equal(judgePlatform('linux', 's390x').verdict, 'bad')
    assert.equal(judgePlatform('darwin', 'arm64').verdict, 'bad')
  })

  test('wants a tmpfs with room', () => {
    const facts = { path: '/dev/shm', type: TMPFS_MAGIC, sizeBytes: GIB, freeBytes: GIB / 2 }
    assert.equal(judgeDirectory(facts).verdict, 'good')
    const small = judgeDirectory({
      ...facts,
      sizeBytes: 64 * MIB,
      freeBytes: 60 * MIB,
      mountOptions: 'tmpfs, size=64M',
    })
    assert.equal(small.verdict, 'poor')
    assert.match(small.found, /60MiB of 64MiB free \(tmpfs, size=64M\)/)
    assert.match(small.advice ?? '', /--shm-size=1g/)
    assert.match(judgeDirectory({ ...facts, type: 0xef53 }).found, /no tmpfs/)
    assert.equal(judgeDirectory({ path: '/gone', trouble: 'it is not there' }).verdict, 'bad')
  })

  test('warns of a memory limit that is met before the shared memory is full', () => {
    assert.equal(judgeMemoryLimit(undefined, GIB).verdict, 'good')
    assert.equal(judgeMemoryLimit(2 * GIB, GIB).verdict, 'good')
    assert.equal(judgeMemoryLimit(GIB, 2 * GIB).verdict, 'poor')
    assert.equal(memoryLimitOf('max'), undefined)
    assert.equal(memoryLimitOf('9223372036854771712'), undefined)
    assert.equal(memoryLimitOf('1073741824'), GIB)
    assert.equal(memoryLimitOf(undefined), undefined)
  })

  test('reads the setting of huge pages', () => {
    assert.equal(
      judgeHugePages('always [madvise] never', 'always within_size advise [never] deny force').verdict,
      'good',
    )
    assert.equal(judgeHugePages('[always] madvise never', undefined).verdict, 'good')
    assert.match(judgeHugePages('always madvise [never]', undefined).advice ?? '', /echo madvise/)
    assert.equal(judgeHugePages(undefined, undefined).verdict, 'poor')
  })

  test('finds the mount that a directory is on', () => {
    const mounts = [
      '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
      '25 24 0:23 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,size=64M',
      '26 24 0:24 / /dev/shm rw,noexec - tmpfs tmpfs rw,size=128M,huge=advise',
      'what is this',
    ].join('\n')
    assert.equal(mountOptionsOf(mounts, '/dev/shm'), 'tmpfs, noexec, size=128M, huge=advise')
    assert.equal(mountOptionsOf(mounts, '/dev/shm/below'), 'tmpfs, noexec, size=128M, huge=advise')
    assert.equal(mountOptionsOf(mounts, '/dev/shmother'), 'ext4, discard')
    assert.equal(mountOptionsOf('', '/dev/shm'), undefined)
  })

  test('keeps within 80 columns', () => {
    const words = 'some words that go on and on '.repeat(8).trim()
    for (const finding of [bad('a subject', words, words), poor('another one', words, words)])
      for (const line of findingLines(finding)) assert.ok(line.length <= 80, line)
  })
})
