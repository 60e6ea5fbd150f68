import assert from 'node:assert/strict'
import test from 'node:test'
import { workerFlags } from './worker-flags.js'

test('threads inherit all flags of a program that is a file', () => {
  assert.equal(workerFlags(['--expose-gc', '--import=./hooks.js']), undefined)
  assert.equal(workerFlags(['-e', 'text --input-type=module']), undefined)
})

test('of an evaluated module, threads inherit what says how modules are loaded', () => {
  assert.deepEqual(workerFlags(['--input-type=module', '-e', '--import=x']), [])
  assert.deepEqual(workerFlags(['--input-type', 'module', '--expose-gc', '--eval', 'code']), [])
  assert.deepEqual(
    workerFlags(['--import=./a.js', '-r', './b.cjs', '--no-warnings', '--input-type=module', '-C', 'dev']),
    ['--import=./a.js', '-r', './b.cjs', '--no-warnings', '-C', 'dev'],
  )
})
