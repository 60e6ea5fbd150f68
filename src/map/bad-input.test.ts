import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { SharedMap } from './shared-map.js'

const operationError = (code: Parameters<typeof isOperationError>[1]) => (error: unknown) =>
  isOperationError(error, code)

/** A map without its types. */
type Loose = { readonly [Name in keyof SharedMap]: (...given: unknown[]) => unknown }

function caught(use: () => unknown): string {
  try {
    return `no error, ${String(use())}`
  } catch (error) {
    return String(error)
  }
}

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
    for (const [call, message] of [
      [
        () => map.set('k', 'v', { ttl: 5 } as never),
        /set has no option 'ttl'; .* ttlMs, keepTtl, ifVersion$/,
      ],
      [() => map.setMany([['k', 'v']], { ttl: 5 } as never), /set has no option 'ttl'/],
      [() => map.insert('x', 'v', { expireMs: 5 } as never), /insert has no option 'expireMs'/],
      [() => map.increment('x', 1, { ifVersion: 5 } as never), /increment has no option 'ifVersion'/],
      [() => map.hit('x', { ttlMs: 5, count: 1 } as never), /hit has no option 'count'; .* ttlMs, by$/],
      [() => map.scan(0, { size: 1 } as never), /scan has no option 'size'/],
    ] as const)
      assert.throws(call, { name: 'TypeError', message })
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
    assert.equal(new SharedMap({ eviction: 'clock' }).stats().evictions, 0)
    assert.throws(() => new SharedMap({ eviction: 'lru' as never }), TypeError)
    assert.throws(() => new SharedMap({ values: { name: '' } as never }), TypeError)
  })

  test('options that there are none of, or not yet', () => {
    const named = (message: RegExp) => (error: unknown) =>
      error instanceof TypeError && message.test(error.message)
    const misspelt = { capcity: '1MiB' } as never
    const none = /has no option 'capcity'; the options are capacity, maxEntries, .*clock/
    assert.throws(() => new SharedMap(misspelt), named(none))
    assert.throws(() => SharedMap.open('bad-input', misspelt), named(none))
    assert.throws(() => SharedMap.open('bad-input', { access: 'ro', ...(misspelt as object) }), named(none))
    using map = new SharedMap({ capacity: '64KiB', stripes: undefined as never })
    assert.throws(() => SharedMap.attach(map.share(), misspelt), named(none))
    assert.throws(() => new SharedMap({ mode: 'open' } as never), named(/has no option 'mode'/))
    for (const logger of [{}, null, 5, { info() {} }])
      assert.throws(
        () => new SharedMap({ logger } as never),
        named(/logger must have the methods info and warn/),
      )
    // What threads of one program may say alike.
    SharedMap.attach(map.share(), { capacity: '64KiB' } as never).close()
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
    using real = new SharedMap({ values: codecs.float64 })
    for (const [start, by] of [
      [Number.MAX_VALUE, Number.MAX_VALUE],
      [-Number.MAX_VALUE, -Number.MAX_VALUE],
      [Number.POSITIVE_INFINITY, 1],
      [Number.NaN, 1],
    ] as const) {
      real.set('k', start)
      const version = real.getEntry('k')?.version
      assert.throws(() => real.increment('k', by), operationError('BAD_VALUE'))
      assert.throws(() => real.hit('k', { ttlMs: 1000, by }), operationError('BAD_VALUE'))
      assert.equal(real.get('k'), start)
      assert.equal(real.getEntry('k')?.version, version)
    }
  })

  test('each wrong argument is named, with what it should be', () => {
    using map = new SharedMap<string, number>({ values: codecs.int32 })
    map.set('k', 1)
    const any = map as unknown as Loose
    const make = (options: unknown) => () => new SharedMap(options as never)
    const wrong: readonly (readonly [() => unknown, typeof TypeError | typeof RangeError, RegExp])[] = [
      [make(null), TypeError, /options of a SharedMap are an object .* not null/],
      [make('64MiB'), TypeError, /options of a SharedMap are an object .* not a string/],
      [make([['k', 1]]), TypeError, /options of a SharedMap are an object .* not an array/],
      [make({ values: null }), TypeError, /values must be a codec .* not null/],
      [make({ keys: 'string' }), TypeError, /keys must be a codec .* not a string/],
      [make({ values: codecs.json }), TypeError, /did you forget to call it/],
      [make({ capacity: null }), TypeError, /capacity/],
      [make({ initialSize: 1e15 }), RangeError, /initialSize of 1000000000000000 .* capacity of 64MiB/],
      [make({ initialSize: '9' }), TypeError, /initialSize must be a number, not a string/],
      [make({ initialSize: -1 }), RangeError, /initialSize/],
      [make({ stripes: '4' }), TypeError, /stripes must be a number, not a string/],
      [make({ maxEntries: null }), TypeError, /maxEntries must be a number, not null/],
      [make({ defaultTtlMs: null }), TypeError, /defaultTtlMs must be a number of milliseconds, not null/],
      [make({ lockTimeoutMs: '5' }), TypeError, /lockTimeoutMs must be a number of milliseconds/],
      [make({ clock: 5 }), TypeError, /clock must be a function .* not a number/],
      [make({ eviction: null }), TypeError, /eviction/],
      [() => SharedMap.attach(map.share(), null as never), TypeError, /options of attach .* not null/],
      [() => SharedMap.attach(map as never), TypeError, /what share\(\) .* not a SharedMap/],
      [() => SharedMap.attach({ hearth: 'shared-map' } as never), TypeError, /share\(\)/],
      [() => SharedMap.attach(map.share(), { values: null as never }), TypeError, /values must be a codec/],
      [() => any.get(), TypeError, /takes strings, not undefined/],
      [() => any.set('k'), TypeError, /not undefined/],
      [() => any.set('k', 1, 5000), TypeError, /options of set are an object .* not a number/],
      [() => any.set('k', 1, null), TypeError, /options of set are an object .* not null/],
      [() => any.set('k', 1, { ttlMs: null }), TypeError, /ttlMs must be a number .* not null/],
      [() => any.set('k', 1, { keepTtl: 1 }), TypeError, /keepTtl must be true or false/],
      [() => any.set('k', 1, { ifVersion: '1' }), TypeError, /ifVersion must be a number/],
      [() => any.set('k', 1, { ifVersion: -1 }), RangeError, /ifVersion/],
      [() => any.setMany({ k: 1 }), TypeError, /setMany takes an array .* not an object/],
      [() => any.setMany([5]), TypeError, /an entry of setMany is a \[key, value\], not a number/],
      [() => any.getMany('k'), TypeError, /getMany takes an array .* not a string/],
      [() => any.getMany(), TypeError, /getMany takes an array .* not undefined/],
      [() => any.insert('new', 1, 5), TypeError, /options of insert/],
      [() => any.replace('k'), TypeError, /not undefined/],
      [() => any.exchange('k'), TypeError, /not undefined/],
      [() => any.compareAndSet('k', 1), TypeError, /not undefined/],
      [() => any.compute('k', 5), TypeError, /compute takes a function, not a number/],
      [() => any.getOrInsert('new'), TypeError, /not undefined/],
      [() => any.getOrInsertComputed('k', 5), TypeError, /getOrInsertComputed takes a function/],
      [() => any.increment('k', null), TypeError, /counts by a number, not null/],
      [() => any.increment('k', '1'), TypeError, /counts by a number, not a string/],
      [() => any.increment('k', 1, 1000), TypeError, /options of increment/],
      [() => any.hit('k'), TypeError, /ttlMs must be a number of milliseconds, not undefined/],
      [() => any.hit('k', 1000), TypeError, /options of hit are an object .* not a number/],
      [() => any.hit('k', {}), TypeError, /ttlMs must be a number of milliseconds, not undefined/],
      [() => any.expire('k'), TypeError, /ttlMs must be a number of milliseconds, not undefined/],
      [() => any.forEach(5), TypeError, /forEach takes a function, not a number/],
      [() => any.scan(), RangeError, /undefined is no cursor/],
      [() => any.scan(0, null), TypeError, /options of scan/],
      [() => any.scan(0, { count: '5' }), TypeError, /count must be a number, not a string/],
      [() => any.scan(0, { count: 0 }), RangeError, /count must be a whole number/],
    ]
    for (const [use, type, message] of wrong) {
      assert.throws(
        use,
        (error) => error instanceof type && message.test(error.message),
        `${use} with ${message}: ${caught(use)}`,
      )
    }
    assert.deepEqual([...map], [['k', 1]])
    assert.equal(map.remainingTtlMs('k'), Number.POSITIVE_INFINITY)
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
