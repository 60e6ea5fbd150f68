import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
})
