import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesBelow, installMatches, outputOf } from './setup.mjs'

const LOCK = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
    'node_modules/a-for-another-platform': { version: '1.0.0', optional: true },
  },
}
const A = { version: '1.0.0', integrity: 'sha512-a' }
const B = { version: '2.0.0', integrity: 'sha512-b' }

test('an install that is what the lock says needs nothing, optional packages or not', () => {
  assert.ok(installMatches(LOCK, { packages: { 'node_modules/a': A, 'node_modules/b': B } }))
})

test('a missing, another, a changed or a superfluous package needs an install', () => {
  assert.ok(!installMatches(LOCK, { packages: { 'node_modules/a': A } }))
  const other = { version: '2.0.1', integrity: 'sha512-b' }
  assert.ok(!installMatches(LOCK, { packages: { 'node_modules/a': A, 'node_modules/b': other } }))
  const changed = { version: '2.0.0', integrity: 'sha512-x' }
  assert.ok(!installMatches(LOCK, { packages: { 'node_modules/a': A, 'node_modules/b': changed } }))
  assert.ok(
    !installMatches(LOCK, { packages: { 'node_modules/a': A, 'node_modules/b': B, 'node_modules/c': A } }),
  )
})

test('this very file is found, and a folder that is not there has no files', () => {
  assert.ok(filesBelow('scripts', '.test.mjs').includes('scripts/setup.test.mjs'))
  assert.deepEqual(filesBelow('no-such-folder', ''), [])
})

test('a source knows where its output lies', () => {
  assert.equal(outputOf('src/src/a.test.ts'), 'dist/src/a.test.js')
})
