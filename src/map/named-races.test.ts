/**
 * What others do to a name while it is being opened, tried at every call of the system that opening makes. The other is
 * played by this thread, inside the call; not while the opener holds the name's lock, for then others wait.
 */
import assert from 'node:assert/strict'
import fs, { existsSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { leftovers, NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { SharedMap } from './shared-map.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const name = 'raced for'
const FILE_CALLS = [
  'openSync',
  'closeSync',
  'fstatSync',
  'statSync',
  'readSync',
  'linkSync',
  'rmSync',
] as const
const NATIVE_CALLS = ['map', 'allocate', 'lockByte'] as const
type Call = (...values: unknown[]) => unknown

/** Runs `work`, and `other` before its call number `at`. How many calls there were. */
function interrupted(at: number, other: () => void, work: () => void): number {
  let calls = 0
  let isOther = false
  const undo: (() => void)[] = []
  const watch = (owner: object, name: string) => {
    const calling = owner as Record<string, Call>
    const original = calling[name]!
    calling[name] = function (this: unknown, ...values) {
      if (!isOther && calls++ === at) {
        isOther = true
        other()
        isOther = false
      }
      return original.apply(this, values)
    }
    undo.push(() => {
      calling[name] = original
    })
  }
  for (const name of FILE_CALLS) watch(fs, name)
  for (const name of NATIVE_CALLS) watch(Native.prototype, name)
  syncBuiltinESMExports()
  try {
    work()
  } finally {
    for (const restore of undo) restore()
    syncBuiltinESMExports()
  }
  return calls
}

/** Whoever opens the name now finds what is written, or the writer is told. */
function expectOneTable(map: SharedMap<string, string>, mayTell: boolean): void {
  try {
    map.set('k', 'v')
    map.check()
  } catch (error) {
    assert.ok(isOperationError(error, 'CLOSED'), `${error}`)
    return
  }
  using again = SharedMap.open(name, { capacity: '64KiB' })
  if (mayTell) assert.equal(again.get('k'), 'v')
}

describe('opening a name', { skip: NO_NAMED_TABLES }, () => {
  const { path, lockPath } = NO_NAMED_TABLES === false ? regionName(name) : { path: '', lockPath: '' }
  const open = () => SharedMap.open(name, { capacity: '64KiB' })
  const others: Record<string, () => void> = {
    'removes it': () => void SharedMap.unlink(name),
    'makes it or opens it': () => open().close(),
    'removes it and makes it anew': () => {
      SharedMap.unlink(name)
      open().close()
    },
    'replaces it by one of another codec': () =>
      SharedMap.open(name, {
        capacity: '64KiB',
        values: codecs.json<string>(),
        onMismatch: 'recreate',
      }).close(),
  }
  // By no rule of ours, and under nobody's lock.
  const removesFile = () => rmSync(path, { force: true })

  for (const [what, other] of [...Object.entries(others), ['removes its file', removesFile] as const])
    for (const isThere of [true, false])
      test(`that is ${isThere ? '' : 'not '}there gives a table, when another ${what} in between`, () => {
        let calls = Number.POSITIVE_INFINITY
        for (let at = 0; at < calls; at++) {
          SharedMap.unlink(name)
          if (isThere) open().close()
          let map: SharedMap<string, string> | undefined
          const act = () => {
            if (other === removesFile || !existsSync(lockPath)) other()
          }
          calls = interrupted(at, act, () => {
            map = SharedMap.open(name, { capacity: '64KiB', onMismatch: 'recreate' })
          })
          assert.ok(map)
          expectOneTable(map, other !== removesFile)
          map.close()
        }
        assert.ok(calls > 10)
        SharedMap.unlink(name)
        assert.deepEqual(leftovers(directory), [])
      })
})
