import assert from 'node:assert/strict'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameOfFile, nameOfPassingFile, regionName } from './region-name.js'

const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 16 })

test('every name is one file, and every file one name', () => {
  fc.assert(
    fc.property(names, names, (one, other) => {
      const { path, newPath, lockPath } = regionName(one)
      assert.match(basename(path), /^[A-Za-z0-9._%-]{1,255}$/)
      assert.equal(nameOfFile(basename(path)), one)
      assert.equal(path === regionName(other).path, one === other)
      for (const passing of [newPath, lockPath]) {
        assert.equal(nameOfFile(basename(passing)), undefined)
        assert.equal(nameOfPassingFile(basename(passing)), one)
      }
      assert.equal(nameOfPassingFile(basename(path)), undefined)
    }),
  )
})

test('files that no name has are none', () => {
  for (const file of [
    '',
    'hearth-v1',
    'hearth-v1-',
    'hearth-v2-a',
    'hearth-v1-%',
    'hearth-v1-%61',
    'hearth-v1-a b',
    'xhearth-v1-a',
    'hearth-v1.new-',
  ])
    assert.equal(nameOfFile(file), undefined, file)
})

test('a directory that is given relative to another stays where it is', () => {
  const before = process.env['HEARTH_SHM_DIR']
  process.env['HEARTH_SHM_DIR'] = 'tables'
  try {
    assert.equal(dirname(regionName('a').path), join(process.cwd(), 'tables'))
  } finally {
    if (before === undefined) delete process.env['HEARTH_SHM_DIR']
    else process.env['HEARTH_SHM_DIR'] = before
  }
})
