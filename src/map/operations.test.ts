import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isOperationError, OperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { incrementModel, MapModel } from '../test/map-model.js'
import { runSeed } from '../test/seeded-random.js'
import { SharedMap } from './shared-map.js'

/** One step of a random sequence: everything that any operation may need. */
interface Step<V> {
  readonly name: string
  readonly key: string
  readonly keys: readonly string[]
  readonly value: V
  readonly next: V
  readonly ttlMs: number
  readonly by: number
}

interface Operation<V> {
  onMap(map: SharedMap<string, V>, step: Step<V>): unknown
  onModel(model: MapModel<V>, step: Step<V>): unknown
}
type Operations<V> = Readonly<Record<string, Operation<V>>>

const isError = (code: OperationError['code']) => (error: unknown) => isOperationError(error, code)

/** What `run` returns, or the code of one expected error. */
function orCode(code: OperationError['code'], run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (isOperationError(error, code)) return code
    throw error
  }
}

/** `map.set` answers the map: no news for the comparison. */
function silent(run: () => unknown): undefined {
  run()
  return undefined
}

function scanned<V>(map: SharedMap<string, V>, count: number): string[] {
  const keys = new Set<string>()
  let cursor = 0
  do {
    const page = map.scan(cursor, { count })
    for (const key of page.keys) keys.add(key)
    cursor = page.cursor
  } while (cursor !== 0)
  return [...keys].sort()
}

function contents<V>(map: SharedMap<string, V>): [string, V, number][] {
  return [...map]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, value, map.remainingTtlMs(key) ?? Number.NaN])
}

function operations<V>(): Operations<V> {
  const computed = (step: Step<V>): V | undefined => (step.by % 3 === 0 ? undefined : step.next)
  return {
    get: { onMap: (m, s) => m.get(s.key), onModel: (m, s) => m.get(s.key) },
    has: { onMap: (m, s) => m.has(s.key), onModel: (m, s) => m.get(s.key) !== undefined },
    set: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value)),
      onModel: (m, s) => m.set(s.key, s.value),
    },
    setTtl: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value, { ttlMs: s.ttlMs })),
      onModel: (m, s) => m.set(s.key, s.value, s.ttlMs),
    },
    setKeepTtl: {
      onMap: (m, s) => silent(() => m.set(s.key, s.value, { keepTtl: true })),
      onModel: (m, s) => m.setKeeping(s.key, s.value),
    },
    setIfVersion: {
      onMap: (m, s) => {
        const ifVersion = m.getEntry(s.key)?.version ?? 1
        return orCode('ABORTED', () => silent(() => m.set(s.key, s.value, { ifVersion })))
      },
      onModel: (m, s) => {
        if (m.get(s.key) === undefined) return 'ABORTED'
        return m.set(s.key, s.value)
      },
    },
    setIfOtherVersion: {
      onMap: (m, s) => {
        const ifVersion = (m.getEntry(s.key)?.version ?? 1) + 1
        return orCode('ABORTED', () => m.set(s.key, s.value, { ifVersion }))
      },
      onModel: () => 'ABORTED',
    },
    insert: { onMap: (m, s) => m.insert(s.key, s.value), onModel: (m, s) => m.insert(s.key, s.value) },
    insertTtl: {
      onMap: (m, s) => m.insert(s.key, s.value, { ttlMs: s.ttlMs }),
      onModel: (m, s) => m.insert(s.key, s.value, s.ttlMs),
    },
    replace: { onMap: (m, s) => m.replace(s.key, s.value), onModel: (m, s) => m.replace(s.key, s.value) },
    delete: { onMap: (m, s) => m.delete(s.key), onModel: (m, s) => m.delete(s.key) },
    take: { onMap: (m, s) => m.take(s.key), onModel: (m, s) => m.take(s.key) },
    exchange: { onMap: (m, s) => m.exchange(s.key, s.value), onModel: (m, s) => m.exchange(s.key, s.value) },
    compareAndSet: {
      onMap: (m, s) => m.compareAndSet(s.key, s.value, s.next),
      onModel: (m, s) => m.compareAndSet(s.key, s.value, s.next),
    },
    compareAndSetFound: {
      onMap: (m, s) => m.compareAndSet(s.key, m.get(s.key), s.next),
      onModel: (m, s) => m.compareAndSet(s.key, m.get(s.key), s.next),
    },
    compute: {
      onMap: (m, s) => {
        let seen: V | undefined
        const result = m.compute(s.key, (old) => {
          seen = old
          return computed(s)
        })
        return { seen, result }
      },
      onModel: (m, s) => ({ seen: m.get(s.key), result: m.compute(s.key, computed(s)) }),
    },
    computeThrows: {
      onMap: (m, s) =>
        orCode('REFUSED', () =>
          m.compute(s.key, () => {
            throw new OperationError('REFUSED', 'on purpose')
          }),
        ),
      onModel: () => 'REFUSED',
    },
    getOrInsert: {
      onMap: (m, s) => m.getOrInsert(s.key, s.value),
      onModel: (m, s) => m.getOrInsert(s.key, s.value),
    },
    getOrInsertComputed: {
      onMap: (m, s) => m.getOrInsertComputed(s.key, () => s.value),
      onModel: (m, s) => m.getOrInsert(s.key, s.value),
    },
    getEntry: {
      onMap: (m, s) => {
        const entry = m.getEntry(s.key)
        return entry && { value: entry.value, remainingTtlMs: entry.remainingTtlMs }
      },
      onModel: (m, s) => m.getEntry(s.key),
    },
    getMany: { onMap: (m, s) => m.getMany(s.keys), onModel: (m, s) => s.keys.map((key) => m.get(key)) },
    expire: { onMap: (m, s) => m.expire(s.key, s.ttlMs), onModel: (m, s) => m.expire(s.key, s.ttlMs) },
    persist: { onMap: (m, s) => m.persist(s.key), onModel: (m, s) => m.persist(s.key) },
    remainingTtlMs: {
      onMap: (m, s) => m.remainingTtlMs(s.key),
      onModel: (m, s) => m.remainingTtlMs(s.key),
    },
    scan: {
      onMap: (m, s) => scanned(m, 1 + (Math.abs(s.by) % 5)).filter((key) => m.has(key)),
      onModel: (m) => m.contents().map(([key]) => key),
    },
    clear: {
      onMap: (m, s) => (s.by % 4 === 0 ? m.clear() : undefined),
      onModel: (m, s) => (s.by % 4 === 0 ? m.clear() : undefined),
    },
    wait: {
      onMap: () => undefined,
      onModel: (m, s) => {
        m.nowMs += s.ttlMs
        return undefined
      },
    },
  }
}

const isInt32 = (sum: number): boolean => sum === (sum | 0)

function numericOperations(fits: (sum: number) => boolean): Operations<number> {
  return {
    ...operations<number>(),
    increment: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.increment(s.key, s.by)),
      onModel: (m, s) => incrementModel(m, s.key, s.by, undefined, fits),
    },
    incrementTtl: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.increment(s.key, s.by, { ttlMs: s.ttlMs })),
      onModel: (m, s) => incrementModel(m, s.key, s.by, s.ttlMs, fits),
    },
    hit: {
      onMap: (m, s) => orCode('BAD_VALUE', () => m.hit(s.key, { ttlMs: s.ttlMs, by: s.by })),
      onModel: (m, s) => {
        const value = incrementModel(m, s.key, s.by, s.ttlMs, fits)
        return value === 'BAD_VALUE' ? value : { value, remainingTtlMs: m.remainingTtlMs(s.key) }
      },
    },
  }
}

const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', '', '__proto__', 'ключ', '\0', '漢字😀') },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }).map((number) => `key ${number}`) },
  { weight: 1, arbitrary: fc.constantFrom('long '.repeat(60), 'é'.repeat(900)) },
)

function steps<V>(all: Operations<V>, value: fc.Arbitrary<V>): fc.Arbitrary<Step<V>[]> {
  const step = fc.record({
    name: fc.constantFrom(...Object.keys(all)),
    key,
    keys: fc.array(key, { maxLength: 4 }),
    value,
    next: value,
    ttlMs: fc.integer({ min: 1, max: 60 }),
    by: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 40)),
  })
  return fc.array(step, { maxLength: 150, size: 'max' })
}

/** Capacity of the map, and of what it remembers. */
interface Size {
  readonly capacity: string
  readonly decodedCache: number
}

/** Runs one sequence on both; an operation that says FULL must have changed nothing at all. */
function compare<V>(
  all: Operations<V>,
  codec: Codec<V>,
  { capacity, decodedCache }: Size,
  sequence: readonly Step<V>[],
): number {
  const model = new MapModel<V>()
  let fulls = 0
  const clock = (): number => model.nowMs
  using map = new SharedMap<string, V>({ capacity, decodedCache, values: codec, stripes: 2, clock })
  for (const step of sequence) {
    const operation = all[step.name]
    try {
      const answer = operation?.onMap(map, step)
      assert.deepEqual(answer, operation?.onModel(model, step), step.name)
    } catch (error) {
      if (!isOperationError(error, 'FULL')) throw error
      assert.equal(error.outcome, 'not-applied')
      assert.deepEqual(contents(map), model.contents(), `${step.name} that was FULL`)
      fulls++
    }
  }
  assert.deepEqual(contents(map), model.contents())
  assert.equal(map.size >= model.contents().length, true)
  map.check()
  map.clear()
  assert.equal(map.size, 0)
  map.check()
  return fulls
}

function compareRandomly<V>(
  all: Operations<V>,
  codec: Codec<V>,
  value: fc.Arbitrary<V>,
  size: Size,
): { seed: number; fulls: number } {
  const seed = runSeed()
  let fulls = 0
  fc.assert(
    fc.property(steps(all, value), (sequence) => {
      fulls += compare(all, codec, size, sequence)
    }),
    { numRuns: 60, seed },
  )
  return { seed, fulls }
}

const text = fc.oneof(
  fc.constantFrom('', 'x', 'é', '😀'),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer({ min: 0, max: 6000 }).map((length) => 'a'.repeat(length)),
  fc.integer({ min: 0, max: 3000 }).map((length) => '漢'.repeat(length)),
)
const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 0, max: 9000 }).map((n) => new Uint8Array(n).fill(n)),
  )
  .map((array): Uint8Array => Buffer.from(array))
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)))

/** Bytes as Buffers whatever the codec returns, so that both sides compare alike. */
const buffers: Codec<Uint8Array> = {
  name: 'test-buffers',
  encode: (value) => value,
  decode: (stored) => Buffer.from(stored),
}

describe('random sequences of all operations answer as the model does, and FULL changes nothing', () => {
  // The small cache changes generations all the time.
  const sizes: readonly Size[] = [
    { capacity: '1MiB', decodedCache: 0 },
    { capacity: '64KiB', decodedCache: 0 },
    { capacity: '1MiB', decodedCache: 1024 * 1024 },
    { capacity: '64KiB', decodedCache: 3000 },
  ]
  for (const size of sizes) {
    const { capacity, decodedCache } = size
    const cases: Readonly<Record<string, () => { seed: number; fulls: number }>> = {
      string: () => compareRandomly(operations<string>(), codecs.string, text, size),
      'codec of one’s own': () => compareRandomly(operations<Uint8Array>(), buffers, bytes, size),
      json: () => compareRandomly(operations<unknown>(), codecs.json<unknown>(), json, size),
      int32: () => compareRandomly(numericOperations(isInt32), codecs.int32, fc.integer(), size),
      float64: () =>
        compareRandomly(
          numericOperations(Number.isFinite),
          codecs.float64,
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          size,
        ),
    }
    for (const [name, run] of Object.entries(cases)) {
      test(`${name} in ${capacity}, remembering ${decodedCache} bytes`, (t) => {
        const { seed, fulls } = run()
        t.diagnostic(`seed ${seed}, ${fulls} times FULL`)
        if (name === 'string' && capacity === '64KiB') assert.ok(fulls > 0)
      })
    }
  }
})

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
    assert.throws(() => map.set('k', 'new', { ifVersion }), isError('ABORTED'))
    map.set('k', 'old')
    assert.throws(() => map.set('k', 'new', { ifVersion }), isError('ABORTED'))
    assert.equal(map.get('k'), 'old')
  })
})
