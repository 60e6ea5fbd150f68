import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { withNameLock } from './name-lock.js'
import { Native } from './native.js'
import { regionName } from './region-name.js'
import { sweepLeftovers } from './region-sweep.js'

const directory = mkdtempSync(join(tmpdir(), 'hearth-names-'))
process.env['HEARTH_SHM_DIR'] = directory
after(() => rmSync(directory, { recursive: true }))

describe('the lock of a name', { skip: platform() === 'linux' ? false : 'named regions need Linux' }, () => {
  test('is held by one at a time, and leaves nothing', () => {
    const native = Native.load()
    const name = regionName('one')
    const result = withNameLock(native, name, 0o600, 0, () => {
      assert.throws(() => withNameLock(native, name, 0o600, 20, () => 'both'), {
        code: 'TIMEOUT',
        message: new RegExp(`'one' is being changed by process ${process.pid}`),
      })
      withNameLock(native, regionName('other'), 0o600, 0, () => undefined)
      return 'alone'
    })
    assert.equal(result, 'alone')
    assert.throws(() => withNameLock(native, name, 0o600, 0, () => assert.fail('thrown')), /thrown/)
    assert.deepEqual(readdirSync(directory), [])
  })

  test('keeps a sweep from what is being made; leftovers of the dead go', () => {
    const native = Native.load()
    const { newPath, lockPath, path } = regionName('made')
    const make = () => {
      writeFileSync(newPath, 'half')
      writeFileSync(path, 'whole')
      writeFileSync(join(directory, 'hearth-v1x'), 'of others')
    }
    withNameLock(native, regionName('made'), 0o600, 0, () => {
      make()
      sweepLeftovers(native)
      assert.ok(existsSync(newPath))
    })
    make()
    writeFileSync(lockPath, '12345 ')
    sweepLeftovers(native)
    assert.deepEqual(readdirSync(directory).sort(), [basename(path), 'hearth-v1x'])
  })

  test('is given back where its file must stay: another user may not remove it', {
    skip: process.geteuid?.() === 0 ? false : 'needs root to become another user',
  }, () => {
    const native = Native.load()
    const name = regionName('of root')
    chmodSync(directory, 0o1777)
    writeFileSync(name.lockPath, '')
    chmodSync(name.lockPath, 0o666)
    const take = () => withNameLock(native, name, 0o666, 0, () => existsSync(name.lockPath))
    process.seteuid?.(12345)
    try {
      assert.ok(take())
      assert.ok(take())
    } finally {
      process.seteuid?.(0)
    }
    assert.ok(existsSync(name.lockPath))
    assert.ok(take())
    assert.ok(!existsSync(name.lockPath))
  })

  test('goes with its own file only, not with that of who came after a removal by other means', () => {
    const native = Native.load()
    const name = regionName('removed')
    withNameLock(native, name, 0o600, 0, () => {
      rmSync(name.lockPath)
      withNameLock(native, name, 0o600, 0, () => undefined)
      writeFileSync(name.lockPath, 'of the next', { mode: 0o600 })
    })
    assert.ok(existsSync(name.lockPath))
    rmSync(name.lockPath)
  })

  test('is refused where somebody has put a link in its place', () => {
    const name = regionName('linked')
    const target = join(directory, 'target')
    writeFileSync(target, 'untouched', { mode: 0o600 })
    symlinkSync(target, name.lockPath)
    assert.throws(() => withNameLock(Native.load(), name, 0o600, 0, () => undefined), {
      code: 'REFUSED',
      message: /symbolic link/,
    })
    assert.equal(readFileSync(target, 'latin1'), 'untouched')
    for (const path of [target, name.lockPath]) rmSync(path)
  })
})
