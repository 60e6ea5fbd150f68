/** Codecs and callbacks that throw, meddle or come back to the map while one of its operations is under way. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { SharedMap } from './shared-map.js'

describe('user code inside operations', () => {
  test('a codec that throws leaves everything as it was', () => {
    let isThrowing = false
    const touchy: Codec<string> = {
      name: 'touchy',
      encode: (value) => {
        if (isThrowing) throw new Error('encode')
        return Buffer.from(value)
      },
      decode: (stored) => {
        if (isThrowing) throw new Error('decode')
        return Buffer.from(stored).toString()
      },
    }
    using map = new SharedMap<string, string>({ capacity: '1MiB', values: touchy })
    map.set('k', 'old', { ttlMs: 60_000 })
    const uses: Readonly<Record<string, () => unknown>> = {
      get: () => map.get('k'),
      set: () => map.set('k', 'new'),
      insert: () => map.insert('other', 'new'),
      replace: () => map.replace('k', 'new'),
      compareAndSet: () => map.compareAndSet('k', 'old', 'new'),
      compute: () => map.compute('k', () => 'new'),
      getOrInsert: () => map.getOrInsert('other', 'new'),
      getOrInsertComputed: () => map.getOrInsertComputed('k', () => 'new'),
      take: () => map.take('k'),
      exchange: () => map.exchange('k', 'new'),
      getEntry: () => map.getEntry('k'),
      getMany: () => map.getMany(['k']),
      setMany: () => map.setMany([['k', 'new']]),
      entries: () => [...map],
    }
    for (const [name, use] of Object.entries(uses)) {
      isThrowing = true
      assert.throws(use, /encode|decode/, name)
      isThrowing = false
      assert.deepEqual([...map], [['k', 'old']], name)
      map.check()
    }
  })

  test('a value that cannot be decoded is not lost by the operations that return it', () => {
    const unreadable: Codec<string> = {
      name: 'unreadable',
      encode: (value) => Buffer.from(value),
      decode: () => {
        throw new Error('decode')
      },
    }
    using map = new SharedMap<string, string>({ capacity: '1MiB', values: unreadable })
    using readable = SharedMap.attach<string, string>(map.share(), {
      values: { ...unreadable, decode: (stored) => Buffer.from(stored).toString() },
    })
    const uses: Readonly<Record<string, () => unknown>> = {
      take: () => map.take('k'),
      exchange: () => map.exchange('k', 'new'),
      compute: () => map.compute('k', () => undefined),
      getOrInsert: () => map.getOrInsert('k', 'new'),
      getOrInsertComputed: () => map.getOrInsertComputed('k', () => 'new'),
    }
    for (const [name, use] of Object.entries(uses)) {
      readable.set('k', 'old', { ttlMs: 60_000 })
      const version = readable.getEntry('k')?.version
      assert.throws(use, /decode/, name)
      assert.deepEqual([...readable], [['k', 'old']], name)
      assert.equal(readable.getEntry('k')?.version, version, name)
      map.check()
    }
  })

  test('take and exchange return what was there last when decoding itself changes the entry', () => {
    let changes = 0
    const restless: Codec<string> = {
      name: 'restless',
      encode: (value) => Buffer.from(value),
      decode: (stored) => {
        const value = Buffer.from(stored).toString()
        if (changes > 0) map.set('k', `change ${changes--}`)
        return value
      },
    }
    using map = new SharedMap<string, string>({ capacity: '1MiB', values: restless })
    map.set('k', 'old')
    changes = 2
    assert.equal(map.exchange('k', 'new'), 'change 1')
    changes = 2
    assert.equal(map.take('k'), 'change 1')
    assert.equal(map.size, 0)
  })

  test('a codec that decodes to undefined does not make getOrInsert try for ever', () => {
    const nothing: Codec<string | undefined> = {
      name: 'nothing',
      encode: () => Buffer.from('stored'),
      decode: () => undefined,
    }
    using map = new SharedMap<string, string | undefined>({ capacity: '1MiB', values: nothing })
    map.set('k', undefined)
    assert.equal(map.getOrInsert('k', 'new'), undefined)
    assert.equal(
      map.getOrInsertComputed('k', () => 'new'),
      undefined,
    )
  })

  test('the count and the remaining time of a hit are those of one moment', () => {
    let meddle = (): void => {}
    const keys: Codec<string> = {
      name: 'meddling',
      encode: (key) => {
        meddle()
        return Buffer.from(key)
      },
      decode: (stored) => Buffer.from(stored).toString(),
    }
    const clock = (): number => 1_700_000_000_000
    using map = new SharedMap<string, number>({ keys, values: codecs.int32, clock })
    assert.deepEqual(map.hit('k', { ttlMs: 60_000 }), { value: 1, remainingTtlMs: 60_000 })
    let calls = 0
    // Whoever looks the key up a second time finds another expiry.
    meddle = () => {
      if (++calls === 2) map.expire('k', 5)
    }
    assert.deepEqual(map.hit('k', { ttlMs: 1000 }), { value: 2, remainingTtlMs: 60_000 })
    meddle = () => {}
    map.set('without ttl', 5)
    assert.deepEqual(map.hit('without ttl', { ttlMs: 1000, by: 2 }), {
      value: 7,
      remainingTtlMs: Number.POSITIVE_INFINITY,
    })
  })

  test('a codec that uses its own map does not disturb the operation it is part of', () => {
    let depth = 0
    const nosy = (name: string): Codec<string> => ({
      name,
      encode: (value) => {
        visit()
        return Buffer.from(value)
      },
      decode: (stored) => {
        visit()
        return Buffer.from(stored).toString()
      },
    })
    using map = new SharedMap<string, string>({
      capacity: '1MiB',
      keys: nosy('nosy-k'),
      values: nosy('nosy-v'),
    })
    function visit(): void {
      if (depth++ === 0) {
        map.set(`visitor with a long key ${depth}`, 'v'.repeat(500))
        map.get('absent')
        map.get(`visitor with a long key ${depth}`)
        map.take(`visitor with a long key ${depth}`)
      }
      depth--
    }
    map.set('k', 'one')
    assert.equal(map.get('k'), 'one')
    assert.equal(map.exchange('k', 'two'), 'one')
    assert.equal(map.compareAndSet('k', 'two', 'three'), true)
    assert.equal(
      map.compute('k', (old) => `${old} and four`),
      'three and four',
    )
    assert.equal(map.getOrInsert('k', 'five'), 'three and four')
    assert.equal(map.getEntry('k')?.value, 'three and four')
    assert.deepEqual([...map], [['k', 'three and four']])
    assert.equal(map.take('k'), 'three and four')
    assert.equal(map.size, 0)
    map.check()
  })

  test('compute tries again when its key changes meanwhile', () => {
    using map = new SharedMap<string, number>({ capacity: '1MiB', values: codecs.int32 })
    map.set('k', 1)
    let runs = 0
    const result = map.compute('k', (old) => {
      if (runs++ < 3) map.increment('k', 10)
      return (old ?? 0) + 1
    })
    assert.deepEqual([runs, result, map.get('k')], [4, 32, 32])
    map.compute('k', () => {
      if (runs++ < 6) map.delete('k')
      return undefined
    })
    assert.equal(map.has('k'), false)
  })

  test('forEach may set, delete and clear the map it walks', () => {
    using map = new SharedMap<string, string>({ capacity: '4MiB', stripes: 2 })
    for (let number = 0; number < 500; number++) map.set(`key ${number}`, 'first')
    let visits = 0
    map.forEach((value, visited) => {
      if (value === 'first') visits++
      map.set(visited, 'second')
      if (visits < 300) map.set(`more ${visits}`, 'second')
    })
    assert.equal(visits, 500)
    map.check()
    map.forEach(() => {
      map.clear()
    })
    assert.equal(map.size, 0)
    map.check()
  })
})
