import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { SharedMap } from './shared-map.js'

const operationError = (code: Parameters<typeof isOperationError>[1]) => (error: unknown) =>
  isOperationError(error, code)

describe('bad input is refused at the edge, and nothing changes', () => {
  test('keys and values that are too long', () => {
    using map = new SharedMap({ capacity: '256MiB' })
    assert.throws(() => map.set('k'.repeat(65_537), 'v'), RangeError)
    assert.throws(() => map.get('é'.repeat(32_769)), RangeError)
    assert.throws(() => map.set('k', 'v'.repeat(64 * 1024 * 1024 + 1)), RangeError)
    map.set('k'.repeat(65_536), 'the longest key')
    map.set('', 'the empty key is a key')
    assert.equal(map.get('k'.repeat(65_536)), 'the longest key')
    assert.equal(map.get(''), 'the empty key is a key')
    const longest = 'v'.repeat(64 * 1024 * 1024)
    map.set('longest value', longest)
    assert.equal(map.get('longest value'), longest)
    assert.equal(map.size, 3)
    map.check()
  })

  test('wrong types and lone surrogates', () => {
    using map = new SharedMap()
    map.set('k', 'old')
    for (const key of [1, null, undefined, {}, Symbol('k')])
      assert.throws(() => map.set(key as never, 'v'), TypeError)
    for (const value of [1, null, undefined, {}]) assert.throws(() => map.set('k', value as never), TypeError)
    for (const text of ['\ud800', 'a\udc00b', `${'x'.repeat(50)}\ud800`]) {
      assert.throws(() => map.set(text, 'v'), TypeError)
      assert.throws(() => map.set('k', text), TypeError)
    }
    assert.deepEqual([...map], [['k', 'old']])
    map.check()
  })

  test('ttls and options that cannot be', () => {
    using map = new SharedMap()
    map.set('k', 'old')
    for (const ttlMs of [Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 1e300]) {
      assert.throws(() => map.set('k', 'v', { ttlMs }), RangeError)
      assert.throws(() => map.insert('other', 'v', { ttlMs }), RangeError)
      assert.throws(() => map.expire('k', ttlMs), RangeError)
    }
    assert.throws(() => map.set('k', 'v', { ttlMs: '5' as never }), TypeError)
    assert.throws(() => map.set('k', 'v', { ttlMs: 5, keepTtl: true }), TypeError)
    assert.throws(() => map.scan(-1), RangeError)
    assert.throws(() => map.scan(1e18), RangeError)
    assert.throws(() => map.increment('k'), TypeError)
    assert.deepEqual([...map], [['k', 'old']])
    for (const capacity of [0, -1, Number.NaN, 1, '1TiB', 'lots', {} as never]) {
      assert.throws(
        () => new SharedMap({ capacity }),
        (error) => error instanceof RangeError || error instanceof TypeError,
      )
    }
    for (const stripes of [0, -1, 1.5, 1e9, Number.NaN])
      assert.throws(() => new SharedMap({ stripes }), RangeError)
    for (const maxEntries of [0, -1, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => new SharedMap({ maxEntries }), RangeError)
    assert.throws(() => new SharedMap({ maxEntries: '5' as never }), TypeError)
    assert.throws(() => new SharedMap({ lockTimeoutMs: 0 }), RangeError)
    assert.throws(() => new SharedMap({ eviction: 'clock' }), RangeError)
    assert.throws(() => new SharedMap({ eviction: 'lru' as never }), TypeError)
    assert.throws(() => new SharedMap({ values: { name: '' } as never }), TypeError)
  })

  test('a full table says FULL and keeps what it has', () => {
    using map = new SharedMap({ capacity: '64KiB' })
    const kept: string[] = []
    assert.throws(() => {
      for (let i = 0; ; i++) {
        map.set(`key ${i}`, 'v'.repeat(1000))
        kept.push(`key ${i}`)
      }
    }, operationError('FULL'))
    assert.deepEqual([...map.keys()].sort(), kept.sort())
    assert.throws(() => map.set(kept[0] ?? '', 'w'.repeat(20_000)), operationError('FULL'))
    assert.equal(map.get(kept[0] ?? ''), 'v'.repeat(1000))
    map.check()
  })

  test('counters out of range, and values that are no numbers', () => {
    using small = new SharedMap({ values: codecs.int32 })
    small.set('k', 2 ** 31 - 1)
    assert.throws(() => small.increment('k'), operationError('BAD_VALUE'))
    assert.throws(() => small.increment('new', 2 ** 31), operationError('BAD_VALUE'))
    assert.throws(() => small.increment('k', Number.NaN), RangeError)
    assert.throws(() => small.set('k', 1.5), RangeError)
    assert.deepEqual([...small], [['k', 2 ** 31 - 1]])
    using large = new SharedMap({ values: codecs.int64 })
    large.set('k', 2n ** 63n - 1n)
    assert.throws(() => large.increment('k'), operationError('BAD_VALUE'))
    assert.equal(large.get('k'), 2n ** 63n - 1n)
  })

  test('attaching what is no map, with another codec, or using a closed one', () => {
    const map = new SharedMap({ values: codecs.int32 })
    assert.throws(() => SharedMap.attach({} as never), TypeError)
    assert.throws(() => SharedMap.attach(null as never), TypeError)
    assert.throws(() => SharedMap.attach(map.share(), { values: codecs.string }), operationError('MISMATCH'))
    assert.throws(() => SharedMap.attach(map.share(), { keys: codecs.bytes }), operationError('MISMATCH'))
    const handle = map.share()
    const damaged = handle.region.buffers.map((buffer) => buffer.slice(0))
    for (const buffer of damaged) new Int32Array(buffer).fill(7, 12, 16)
    const other = { ...handle, region: { ...handle.region, buffers: damaged } }
    assert.throws(() => SharedMap.attach(other as never), operationError('MISMATCH'))
    map.close()
    map.close()
    for (const use of [
      () => map.get('k'),
      () => map.set('k', 1),
      () => map.size,
      () => map.share(),
      () => [...map],
    ]) {
      assert.throws(use, operationError('CLOSED'))
    }
  })
})
