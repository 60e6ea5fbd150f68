import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freezeIfPlain } from './freeze.js'

test('plain data is frozen all the way down, also where it leads back to itself', () => {
  const value: Record<string, unknown> = { list: [1, { deep: [null, 'text'] }], bare: Object.create(null) }
  value['self'] = value
  assert.equal(freezeIfPlain(value), true)
  const { list, bare } = value as { list: [number, { deep: unknown[] }]; bare: object }
  for (const part of [value, list, list[1], list[1].deep, bare]) assert.ok(Object.isFrozen(part))
  for (const primitive of [undefined, null, 0, '', 5n, true]) assert.equal(freezeIfPlain(primitive), true)
})

test('what would not hold still when frozen is refused, and nothing of it is frozen', () => {
  class Account {
    readonly #secret = 1
    get secret(): number {
      return this.#secret
    }
  }
  const unfit = [
    new Map(),
    new Set(),
    new Date(0),
    new Uint8Array(2),
    Buffer.alloc(2),
    new ArrayBuffer(2),
    new Account(),
    /x/,
    new Error('x'),
    () => 1,
    new (class extends Array {})(),
  ]
  for (const part of unfit) {
    assert.equal(freezeIfPlain(part), false)
    const value = { first: {}, list: [{}, { part }] }
    assert.equal(freezeIfPlain(value), false)
    for (const object of [value, value.first, value.list]) assert.equal(Object.isFrozen(object), false)
  }
})

test('depth is no limit', () => {
  let value: { inner?: unknown } = {}
  for (let depth = 0; depth < 100_000; depth++) value = { inner: value }
  assert.equal(freezeIfPlain(value), true)
})
