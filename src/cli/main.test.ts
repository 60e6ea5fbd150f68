import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NO_NAMED_TABLES } from '../test/named-scratch.js'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

describe('the command hearth', () => {
  it('says so where help is asked for on what is no command', () => {
    for (const args of [
      ['help', 'gett'],
      ['gett', '--help'],
      ['gett', 'x'],
    ]) {
      const { code, out, err } = run(...args)
      assert.deepEqual([code, out], [2, ''])
      assert.equal(err, "error: unknown command 'gett'\n(Did you mean get?)\n")
    }
  })

  it('has the same help on a command by all ways and names', () => {
    const { code, out } = run('put', '--help')
    assert.equal(code, 0)
    assert.match(out, /^Usage: hearth set\|put /)
    // Of every flag, also of those that a file of settings seldom has.
    assert.match(out, /--keep-ttl[^-]*env:\s+HEARTH_KEEP_TTL/)
    for (const args of [
      ['help', 'put'],
      ['help', 'set'],
      ['set', '-h'],
    ])
      assert.deepEqual(run(...args), { code: 0, out, err: '' })
  })

  it('takes an empty name for wrong use', { skip: NO_NAMED_TABLES }, () => {
    for (const args of [
      ['rm', ''],
      ['inspect', '--name', ''],
      ['check', ''],
    ]) {
      const { code, err } = run(...args)
      assert.deepEqual([code, err], [2, 'hearth: the name of a table has at least one character\n'])
    }
  })
})
