import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { SharedMap } from './shared-map.js'

const makers: [string, () => Map<string, string>][] = [
  ['Map', () => new Map<string, string>()],
  ['SharedMap', () => new SharedMap({ capacity: '8MiB' })],
]
if (NO_NAMED_TABLES === false) {
  useScratchDirectory()
  let named = 0
  makers.push(['SharedMap.open', () => SharedMap.open(`table ${named++}`, { capacity: '8MiB' })])
}

for (const [name, make] of makers) {
  describe(`${name} has the meaning of a Map`, () => {
    test('set, get, has, delete, clear and size', () => {
      const map = make()
      assert.equal(map.set('a', '1').set('b', '2'), map)
      assert.equal(map.size, 2)
      assert.equal(map.get('a'), '1')
      assert.equal(map.get('c'), undefined)
      assert.equal(map.has('b'), true)
      assert.equal(map.has('toString'), false)
      assert.equal(map.delete('a'), true)
      assert.equal(map.delete('a'), false)
      map.set('__proto__', 'x').set('', 'empty')
      assert.equal(map.get('__proto__'), 'x')
      assert.equal(map.clear(), undefined)
      assert.equal(map.size, 0)
    })

    test('keys, values, entries, forEach and the iterator show the same entries', () => {
      const map = make()
      const expected = Array.from({ length: 500 }, (_, i) => [`key ${i}`, `value ${i} é`] as [string, string])
      for (const [key, value] of expected) map.set(key, value)
      const byKey = (a: readonly string[], b: readonly string[]) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1)
      expected.sort(byKey)
      assert.deepEqual([...map].sort(byKey), expected)
      assert.deepEqual([...map.entries()].sort(byKey), expected)
      assert.deepEqual(
        [...map.keys()].sort(),
        expected.map(([key]) => key),
      )
      assert.deepEqual([...map.values()].sort(), expected.map(([, value]) => value).sort())
      const seen: [string, string][] = []
      map.forEach(function (this: unknown, value, key, self) {
        assert.equal(self, map)
        assert.equal(this, seen)
        seen.push([key, value])
      }, seen)
      assert.deepEqual(seen.sort(byKey), expected)
    })

    test('what is deleted before its turn is not visited, and what stays is visited once', () => {
      const map = make()
      for (let i = 0; i < 1000; i++) map.set(`key ${i}`, 'v')
      const seen = new Set<string>()
      map.forEach((_, key) => {
        assert.ok(!seen.has(key))
        seen.add(key)
        const other = `key ${Number(key.slice(4)) ^ 1}`
        if (!seen.has(other)) map.delete(other)
      })
      assert.equal(seen.size, 500)
      assert.equal(map.size, 500)
    })
  })
}

test('what is there throughout is seen exactly once while the table grows', () => {
  using map = new SharedMap({ capacity: '16MiB', stripes: 1 })
  for (let i = 0; i < 300; i++) map.set(`stays ${i}`, 'v')
  const seen = new Map<string, number>()
  let more = 0
  for (const key of map.keys()) {
    if (key.startsWith('stays')) seen.set(key, (seen.get(key) ?? 0) + 1)
    if (more < 5000) for (let i = 0; i < 50; i++) map.set(`more ${more++}`, 'v')
  }
  assert.equal(seen.size, 300)
  assert.ok([...seen.values()].every((times) => times === 1))
  map.check()
})

const key = fc.constantFrom(
  'a',
  'b',
  'ü',
  '',
  'a rather longer key than the short ones that are packed',
  'c',
  'd',
)
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 9 }),
  fc.constant('z'.repeat(4000)),
)
const ttlMs = fc.integer({ min: 1, max: 50 })
const operation = fc.oneof(
  fc.record({ op: fc.constantFrom('set', 'insert', 'replace', 'exchange'), key, value }),
  fc.record({ op: fc.constant('setTtl'), key, value, ttlMs }),
  fc.record({
    op: fc.constantFrom('get', 'has', 'delete', 'take', 'persist', 'remainingTtlMs', 'clear'),
    key,
  }),
  fc.record({ op: fc.constantFrom('expire', 'wait'), key, ttlMs }),
  fc.record({ op: fc.constant('compareAndSet'), key, value, next: value }),
)

interface Step {
  op: string
  key: string
  value?: string
  next?: string
  ttlMs?: number
}

/** The plain model: a Map of values with their expiry. */
class Model {
  readonly entries = new Map<string, { value: string; expiresAtMs: number }>()
  nowMs = 1_700_000_000_000

  live(key: string) {
    const entry = this.entries.get(key)
    if (entry !== undefined && entry.expiresAtMs <= this.nowMs) this.entries.delete(key)
    return this.entries.get(key)
  }

  apply({ op, key, value = '', next = '', ttlMs = 0 }: Step): unknown {
    const entry = this.live(key)
    const store = (stored: string, expiresAtMs = Number.POSITIVE_INFINITY) =>
      this.entries.set(key, { value: stored, expiresAtMs })
    if (op === 'set' || op === 'setTtl') store(value, op === 'set' ? undefined : this.nowMs + ttlMs)
    if (op === 'insert' && entry === undefined) store(value)
    if (op === 'replace' && entry !== undefined) store(value, entry.expiresAtMs)
    if (op === 'exchange') store(value)
    if (op === 'delete' || op === 'take') this.entries.delete(key)
    if (op === 'clear') this.entries.clear()
    if (op === 'expire' && entry !== undefined) entry.expiresAtMs = this.nowMs + ttlMs
    const hadTtl = entry !== undefined && entry.expiresAtMs !== Number.POSITIVE_INFINITY
    if (op === 'remainingTtlMs') return entry === undefined ? undefined : entry.expiresAtMs - this.nowMs
    if (op === 'persist' && entry !== undefined) entry.expiresAtMs = Number.POSITIVE_INFINITY
    if (op === 'compareAndSet') {
      if (entry?.value !== value) return false
      store(next, entry.expiresAtMs)
      return true
    }
    if (op === 'wait') this.nowMs += ttlMs
    if (op === 'get' || op === 'take' || op === 'exchange') return entry?.value
    if (op === 'insert') return entry === undefined
    if (op === 'persist') return hadTtl
    return ['replace', 'has', 'delete', 'expire'].includes(op) ? entry !== undefined : undefined
  }
}

function applyToMap(map: SharedMap, { op, key, value = '', next = '', ttlMs = 0 }: Step): unknown {
  if (op === 'set') map.set(key, value)
  else if (op === 'setTtl') map.set(key, value, { ttlMs })
  else if (op === 'insert' || op === 'replace' || op === 'exchange') return map[op](key, value)
  else if (op === 'compareAndSet') return map.compareAndSet(key, value, next)
  else if (op === 'expire') return map.expire(key, ttlMs)
  else if (op === 'clear') map.clear()
  else if (op !== 'wait')
    return map[op as 'get' | 'has' | 'delete' | 'take' | 'persist' | 'remainingTtlMs'](key)
  return undefined
}

for (const capacity of ['1MiB', '64KiB']) {
  test(`random operations on ${capacity} do what a plain model does, and FULL changes nothing`, () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (steps) => {
        const model = new Model()
        using map = new SharedMap({ capacity, clock: () => model.nowMs })
        for (const step of steps as Step[]) {
          try {
            const got = applyToMap(map, step)
            assert.deepEqual(got, model.apply(step), JSON.stringify(step))
          } catch (error) {
            if (!isOperationError(error, 'FULL')) throw error
            assert.equal(map.get(step.key), model.live(step.key)?.value)
          }
        }
        for (const [k] of model.entries) model.live(k)
        assert.deepEqual(new Map(map), new Map([...model.entries].map(([k, entry]) => [k, entry.value])))
        map.check()
      }),
      { numRuns: 150 },
    )
  })
}

test('compute, getOrInsert, getEntry, ifVersion, hit and many at once', () => {
  let nowMs = 1000
  using map = new SharedMap({ values: codecs.json<{ n: number }>(), clock: () => nowMs })
  assert.deepEqual(
    map.getOrInsertComputed('k', () => ({ n: 1 })),
    { n: 1 },
  )
  assert.deepEqual(map.getOrInsert('k', { n: 5 }), { n: 1 })
  assert.deepEqual(
    map.compute('k', (old) => ({ n: (old?.n ?? 0) + 1 })),
    { n: 2 },
  )
  const entry = map.getEntry('k')
  assert.deepEqual(entry?.value, { n: 2 })
  map.set('k', { n: 3 }, { ifVersion: entry?.version ?? 0 })
  assert.throws(
    () => map.set('k', { n: 4 }, { ifVersion: entry?.version ?? 0 }),
    (e) => isOperationError(e, 'ABORTED'),
  )
  assert.equal(
    map.compute('k', () => undefined),
    undefined,
  )
  assert.equal(map.has('k'), false)
  map.setMany([
    ['x', { n: 1 }],
    ['y', { n: 2 }],
  ])
  assert.deepEqual(map.getMany(['y', 'z', 'x']), [{ n: 2 }, undefined, { n: 1 }])
  using counts = new SharedMap({ values: codecs.int32, clock: () => nowMs })
  assert.deepEqual(counts.hit('ip', { ttlMs: 100 }), { value: 1, remainingTtlMs: 100 })
  nowMs += 60
  assert.deepEqual(counts.hit('ip', { ttlMs: 100 }), { value: 2, remainingTtlMs: 40 })
  nowMs += 40
  assert.deepEqual(counts.hit('ip', { ttlMs: 100 }), { value: 1, remainingTtlMs: 100 })
})
