/** What conditions of a write are about: versions that every write changes, and time that never goes back. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { SharedMap } from './shared-map.js'

const isAborted = (error: unknown): boolean => isOperationError(error, 'ABORTED')

describe('versions and time', () => {
  test('every write of a key changes its version, and a read does not', () => {
    using map = new SharedMap<string, number>({ capacity: '1MiB', values: codecs.int32 })
    const version = () => map.getEntry('k')?.version ?? 0
    map.set('k', 1)
    const seen = [version()]
    const writes = [
      () => map.set('k', 1),
      () => map.replace('k', 2),
      () => map.exchange('k', 3),
      () => map.increment('k'),
      () => map.compareAndSet('k', 4, 5),
      () => map.compute('k', () => 6),
      () => map.set('k', 1, { keepTtl: true }),
      () => map.delete('k') && map.insert('k', 1),
    ]
    for (const write of writes) {
      write()
      map.get('k')
      map.has('k')
      seen.push(version())
      assert.equal(version(), seen.at(-1))
    }
    assert.equal(new Set(seen).size, seen.length)
  })

  test('what was seen expired stays so when the clock steps back', () => {
    let nowMs = 1_700_000_000_000
    using map = new SharedMap<string, string>({ capacity: '1MiB', clock: () => nowMs })
    for (const name of ['get', 'has', 'walk', 'take']) map.set(name, 'v', { ttlMs: 100 })
    nowMs += 100
    assert.equal(map.get('get'), undefined)
    nowMs -= 100_000
    assert.equal(map.get('get'), undefined)
    assert.equal(map.has('has'), false)
    assert.deepEqual([...map], [])
    assert.equal(map.take('take'), undefined)
    map.set('get', 'again', { ttlMs: 50 })
    assert.equal(map.get('get'), 'again')
    map.check()
  })

  test('a version of before does not pass after delete and insert', () => {
    using map = new SharedMap({ capacity: '1MiB' })
    map.set('k', 'old')
    const ifVersion = map.getEntry('k')?.version ?? 0
    map.delete('k')
    assert.throws(() => map.set('k', 'new', { ifVersion }), isAborted)
    map.set('k', 'old')
    assert.throws(() => map.set('k', 'new', { ifVersion }), isAborted)
    assert.equal(map.get('k'), 'old')
  })
})
