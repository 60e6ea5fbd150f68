import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { makeDirectory } from './make-directory.js'

const MODE = 0o700

describe('a directory is made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-make-'))
  after(() => rmSync(folder, { recursive: true }))

  test('with those above it, for its user alone; once more is as well', () => {
    const path = join(folder, 'a/b/c')
    makeDirectory(path, MODE)
    makeDirectory(path, MODE)
    for (const part of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(folder, part)).mode & 0o777, MODE)
    makeDirectory(`${path}/d/`, MODE)
    assert.ok(existsSync(join(path, 'd')))
  })

  test('but not where a file is, nor below one, nor through a link to nothing', () => {
    writeFileSync(join(folder, 'file'), '')
    symlinkSync(join(folder, 'nothing'), join(folder, 'link'))
    assert.throws(() => makeDirectory(join(folder, 'file'), MODE), { code: 'EEXIST' })
    assert.throws(() => makeDirectory(join(folder, 'file/below'), MODE), { code: 'ENOTDIR' })
    assert.throws(() => makeDirectory(join(folder, 'link'), MODE), { code: 'EEXIST' })
    assert.throws(() => makeDirectory(join(folder, 'link/below'), MODE), { code: 'EEXIST' })
  })

  test('not in /proc, which says so and does not hang', { skip: !existsSync('/proc/self') }, async () => {
    // In a process of its own: what hangs there would never come back to a test.
    const program = `
      import { makeDirectory } from '${new URL('./make-directory.js', import.meta.url)}'
      for (const path of ['/proc/hearth', '/proc/hearth/below']) {
        try { makeDirectory(path, 0o700) } catch (error) { console.log(error.code) }
      }`
    const flags = ['--input-type=module', '-e', program]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 30_000 })
    assert.equal(stdout, 'ENOENT\nENOENT\n')
  })
})
