import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_CAPACITY_BYTES, MIN_CAPACITY_BYTES } from '../base/limits.js'
import { capacityWithin, withHeadroom } from './headroom.js'

test('the capacity of a region with headroom is the one it was made for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: MIN_CAPACITY_BYTES, max: Math.floor(MAX_CAPACITY_BYTES * 0.88) }),
      (capacity) => {
        assert.equal(capacityWithin(withHeadroom(capacity)), capacity)
      },
    ),
  )
})
