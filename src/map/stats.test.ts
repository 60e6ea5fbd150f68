import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMap } from './shared-map.js'

test('what chunks take is told by their size', () => {
  using map = new SharedMap({ capacity: '256KiB' })
  assert.deepEqual(map.stats().bytesByClass, {})
  for (let i = 0; i < 100; i++) map.set(`key ${i}`, 'v'.repeat(90))
  const { bytesByClass, usedBytes } = map.stats()
  const sizes = Object.keys(bytesByClass).map(Number)
  assert.ok(sizes.length > 0 && sizes.every((size) => size >= 100))
  const sum = Object.values(bytesByClass).reduce((total, bytes) => total + bytes, 0)
  assert.ok(sum >= 100 * 100 && sum < usedBytes, `${sum} of ${usedBytes}`)
})
