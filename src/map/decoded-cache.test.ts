/** Decoded values that a map remembers, as its callers see them: one object as long as the entry is the same, and never longer. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import type { MapOptions } from './options.js'
import { SharedMap } from './shared-map.js'

interface Thing {
  readonly n: number
  readonly list?: readonly { readonly deep: boolean }[]
}

function thingMap(options: MapOptions<string, Thing> = {}): SharedMap<string, Thing> {
  return new SharedMap<string, Thing>({
    capacity: '4MiB',
    stripes: 1,
    values: codecs.json(),
    decodedCache: '1MiB',
    ...options,
  })
}

/** The same table as another thread has it: without what this one remembers. */
function elsewhere<V>(map: SharedMap<string, V>, values: Codec<V>): SharedMap<string, V> {
  return SharedMap.attach<string, V>(map.share(), { values })
}

const json = codecs.json<Thing>()

describe('with decodedCache, get', () => {
  test('returns one frozen object until the key changes, and without it a new one', () => {
    using map = thingMap()
    map.set('k', { n: 1, list: [{ deep: true }] })
    const first = map.get('k')
    assert.deepEqual(first, { n: 1, list: [{ deep: true }] })
    assert.equal(map.get('k'), first)
    for (const part of [first, first?.list, first?.list?.[0]]) assert.ok(Object.isFrozen(part))
    map.set('k', { n: 1, list: [{ deep: true }] })
    assert.notEqual(map.get('k'), first)
    assert.deepEqual(map.get('k'), first)
    using plain = elsewhere(map, json)
    assert.notEqual(plain.get('k'), plain.get('k'))
    assert.equal(Object.isFrozen(plain.get('k')), false)
  })

  test('sees at once every kind of change, made here or elsewhere', () => {
    using map = new SharedMap<string, number>({
      stripes: 1,
      values: codecs.float64,
      decodedCache: 100_000,
    })
    using other = elsewhere(map, codecs.float64)
    const changes: readonly (readonly [(m: typeof map) => unknown, number | undefined])[] = [
      [(m) => m.set('k', 2), 2],
      [(m) => m.replace('k', 3), 3],
      [(m) => m.exchange('k', 4), 4],
      [(m) => m.compareAndSet('k', 4, 5), 5],
      [(m) => m.compute('k', () => 6), 6],
      [(m) => m.increment('k'), 7],
      [(m) => m.hit('k', { ttlMs: 1000 }), 8],
      [(m) => m.setMany([['k', 9]]), 9],
      [(m) => m.delete('k'), undefined],
      [(m) => m.insert('k', 10), 10],
      [(m) => m.take('k'), undefined],
      [(m) => m.getOrInsert('k', 11), 11],
      [(m) => m.clear(), undefined],
    ]
    for (const writer of [map, other]) {
      map.set('k', 1)
      assert.equal(map.get('k'), 1)
      for (const [change, expected] of changes) {
        change(writer)
        assert.equal(map.get('k'), expected, String(change))
        assert.equal(map.get('k'), expected, String(change))
      }
    }
  })

  test('is not misled by another key in the slot, nor by the key in another slot', () => {
    using map = thingMap()
    using other = elsewhere(map, json)
    map.set('a', { n: 1 })
    map.get('a')
    other.delete('a')
    other.set('b', { n: 2 })
    assert.equal(map.get('a'), undefined)
    assert.deepEqual(map.get('b'), { n: 2 })
    other.delete('b')
    other.set('a', { n: 3 })
    assert.equal(map.get('b'), undefined)
    assert.deepEqual(map.get('a'), { n: 3 })
  })

  test('sees changes of entries that growth has moved', () => {
    using map = thingMap()
    using other = elsewhere(map, json)
    const keys = Array.from({ length: 3000 }, (_, index) => `key ${index}`)
    for (const [index, key] of keys.entries()) {
      other.set(key, { n: index })
      assert.equal(map.get(key)?.n, index)
      // Each of those before, remembered before they moved.
      const before = (index * 7919) % (index + 1)
      other.set(keys[before] ?? '', { n: before })
      assert.equal(map.get(keys[before] ?? '')?.n, before)
    }
    for (const [index, key] of keys.entries()) {
      assert.equal(map.get(key)?.n, index)
      other.set(key, { n: -1 - index })
      assert.equal(map.get(key)?.n, -1 - index)
    }
    map.check()
  })

  test('forgets what expires, and minds a ttl that changes', () => {
    let nowMs = 1_700_000_000_000
    using map = thingMap({ clock: () => nowMs })
    using other = SharedMap.attach<string, Thing>(map.share(), { values: json, clock: () => nowMs })
    map.set('k', { n: 1 }, { ttlMs: 100 })
    const first = map.get('k')
    nowMs += 99
    assert.equal(map.get('k'), first)
    nowMs += 1
    assert.equal(map.get('k'), undefined)
    nowMs -= 50
    assert.equal(map.get('k'), undefined)
    nowMs += 50
    map.set('k', { n: 2 })
    assert.deepEqual(map.get('k'), { n: 2 })
    other.expire('k', 10)
    assert.deepEqual(map.get('k'), { n: 2 })
    nowMs += 10
    assert.equal(map.get('k'), undefined)
    map.set('k', { n: 3 }, { ttlMs: 10 })
    map.get('k')
    other.persist('k')
    nowMs += 1000
    assert.deepEqual(map.get('k'), { n: 3 })
  })

  test('does not find what was evicted', () => {
    using map = thingMap({ capacity: '128KiB', eviction: 'clock' })
    using other = elsewhere(map, json)
    const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`)
    for (const [n, key] of keys.entries()) {
      map.set(key, { n })
      assert.equal(map.get(key)?.n, n)
    }
    for (let n = 0; n < 5000; n++) other.set(`new ${n}`, { n })
    const gone = keys.filter((key) => map.get(key) === undefined)
    assert.ok(gone.length > 0)
    for (const key of keys) assert.deepEqual(map.get(key), other.get(key))
    map.check()
  })

  test('counts its hits', () => {
    using map = thingMap()
    map.set('k', { n: 1 })
    for (let times = 0; times < 5; times++) map.get('k')
    map.get('absent')
    const { hits, misses } = map.stats()
    assert.deepEqual([hits, misses], [5, 1])
  })

  test('keeps within its bytes, and keeps what is used', () => {
    const limitBytes = 200_000
    using map = new SharedMap<string, { text: string }>({ values: codecs.json(), decodedCache: limitBytes })
    const text = 'x'.repeat(1000)
    const keys = Array.from({ length: 2000 }, (_, index) => `key ${index}`)
    for (const key of keys) map.set(key, { text })
    const hot = map.get('key 0')
    const seen = keys.map((key) => {
      assert.equal(map.get('key 0'), hot, 'used throughout')
      return map.get(key)
    })
    const kept = keys.filter((key, index) => map.get(key) === seen[index])
    assert.ok(kept.length * 1000 <= limitBytes, `${kept.length} kept`)
    assert.ok(kept.includes('key 0'))
  })

  test('keeps a working set of half of its bytes, and no value larger than that', () => {
    // Buckets for all from the start: an entry that growth moves is decoded anew.
    using map = new SharedMap<string, { text: string }>({
      values: codecs.json(),
      decodedCache: 100_000,
      initialSize: 10_000,
    })
    for (let index = 0; index < 30; index++) map.set(`key ${index}`, { text: 'x'.repeat(1000) })
    map.set('large', { text: 'x'.repeat(60_000) })
    const first = Array.from({ length: 30 }, (_, index) => map.get(`key ${index}`))
    for (let round = 0; round < 10; round++) {
      assert.notEqual(map.get('large'), map.get('large'))
      for (const [index, value] of first.entries()) {
        assert.equal(map.get(`key ${index}`), value)
        map.set(`written ${index}`, { text: 'short lived' })
      }
    }
  })

  test('does not keep or freeze what cannot be frozen', () => {
    using map = new SharedMap<string, unknown>({ values: codecs.msgpack(), decodedCache: '1MiB' })
    const unfit = [
      new Map([['a', 1]]),
      new Set([1]),
      new Date(5),
      new Uint8Array([1, 2]),
      { inner: [new Date(5)] },
    ]
    for (const value of unfit) {
      map.set('k', value)
      const first = map.get('k')
      assert.deepEqual(first, value)
      assert.equal(Object.isFrozen(first), false)
      assert.notEqual(map.get('k'), first)
    }
    map.set('k', { plain: [1n, null, 'text'] })
    assert.equal(map.get('k'), map.get('k'))
    using bytes = new SharedMap({ values: codecs.bytes, decodedCache: '1MiB' })
    bytes.set('k', Buffer.from('one'))
    const first = bytes.get('k')
    bytes.set('other', Buffer.from('two'))
    bytes.get('other')
    assert.deepEqual(first, bytes.get('k'))
    assert.notEqual(first, bytes.get('k'))
  })

  test('tells keys apart that a Map takes for one, and takes keys of any codec', () => {
    using map = new SharedMap<number, string>({ keys: codecs.float64, decodedCache: '1MiB' })
    map.set(0, 'zero').set(-0, 'minus zero').set(Number.NaN, 'not a number').set(1.5, 'a number')
    for (let times = 0; times < 2; times++) {
      assert.equal(map.get(0), 'zero')
      assert.equal(map.get(-0), 'minus zero')
      assert.equal(map.get(Number.NaN), 'not a number')
      assert.equal(map.get(1.5), 'a number')
    }
    using longs = new SharedMap<bigint, string>({ keys: codecs.int64, decodedCache: '1MiB' })
    longs.set(2n ** 60n, 'long')
    assert.equal(longs.get(2n ** 60n), longs.get(2n ** 60n))
    using objects = new SharedMap<object, string>({ keys: codecs.json<object>(), decodedCache: '1MiB' })
    const key = { id: 1 }
    objects.set(key, 'one')
    assert.equal(objects.get(key), 'one')
    key.id = 2
    assert.equal(objects.get(key), undefined)
    using texts = new SharedMap({ decodedCache: '1MiB' })
    texts.set('k', 'text')
    for (const wrong of [5, null, undefined, {}]) {
      assert.equal(texts.get('k'), 'text')
      assert.throws(() => texts.get(wrong as never), TypeError)
    }
  })

  test('holds with a codec that comes back to the map', () => {
    let depth = 0
    const nosy: Codec<Thing> = {
      name: 'nosy',
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (stored) => {
        const text = Buffer.from(stored).toString()
        if (depth++ === 0) {
          map.set('other', { n: 99 })
          map.get('other')
          map.get('k')
        }
        depth--
        return JSON.parse(text) as Thing
      },
    }
    using map = thingMap({ values: nosy })
    map.set('k', { n: 1 })
    for (let times = 0; times < 3; times++) {
      assert.deepEqual(map.get('k'), { n: 1 })
      assert.deepEqual(map.get('other'), { n: 99 })
    }
    map.set('k', { n: 2 })
    assert.deepEqual(map.get('k'), { n: 2 })
  })

  test('says CLOSED once the map is closed', () => {
    const map = thingMap()
    map.set('k', { n: 1 })
    map.get('k')
    map.close()
    assert.throws(
      () => map.get('k'),
      (error) => isOperationError(error, 'CLOSED'),
    )
  })

  test('refuses sizes that are none', () => {
    for (const decodedCache of [-1, Number.NaN, 'lots', 1.5])
      assert.throws(() => new SharedMap({ decodedCache }), RangeError)
    assert.throws(() => new SharedMap({ decodedCache: null as never }), TypeError)
    assert.throws(() => new SharedMap({ decodedCache: true as never }), TypeError)
  })
})
