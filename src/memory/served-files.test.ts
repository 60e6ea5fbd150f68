import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { regionName } from './region-name.js'
import {
  bellPath,
  controlPath,
  lanePath,
  removeServedLocked,
  sweepServedLocked,
  unfinishedControlPath,
} from './served-files.js'

/** Names that are made of what files of a served name are called. */
const names = fc
  .array(fc.constantFrom('a', '-', '.', '@', '7', 'new', 'bell', 'ctl', 'lane', 'x'.repeat(49)), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(''))

/** All that a server of that name may have. */
function filesOf(name: string, directory: string) {
  const parsed = { ...regionName(name), directory }
  const files = [bellPath(parsed), controlPath(parsed), lanePath(parsed, 7), `${lanePath(parsed, 7)}.bell-0`]
  return { parsed, files, unfinished: `${unfinishedControlPath(parsed)}Ab7dEf` }
}

test('what is cleared of one name is no file of another, and all of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-served-'))
  const check = (one: string, other: string): void => {
    fc.pre(one !== other)
    const own = filesOf(one, directory)
    const others = filesOf(other, directory)
    for (const file of [...own.files, ...others.files]) writeFileSync(file, '')
    for (const made of [own.unfinished, others.unfinished]) mkdirSync(made)
    sweepServedLocked(own.parsed)
    removeServedLocked(own.parsed)
    const left = [...others.files, others.unfinished].map((file) => basename(file)).sort()
    assert.deepEqual(readdirSync(directory).sort(), left)
    for (const file of left) rmSync(join(directory, file), { recursive: true })
  }
  try {
    fc.assert(fc.property(names, names, check), { numRuns: 50, examples: [['a', 'a.new-b']] })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
