import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { POSITION_BITS, POSITIONS, residueAt } from '../table/positions.js'
import { BucketPlan, MAX_BUCKETS, planStripeBits, positionOf } from './bucket-plan.js'

const hashes = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const bucketCounts = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: MAX_BUCKETS }))
const arenas = fc.constantFrom(2 ** 16, 2 ** 26, 2 ** 35)

function planFor(buckets: number, arenaBytes: number): { plan: BucketPlan; stripeBits: number } {
  const stripeBits = planStripeBits(buckets, arenaBytes)
  return { plan: new BucketPlan(buckets, stripeBits), stripeBits }
}

describe('the plan of buckets', () => {
  test('gives every hash a bucket that lies in its stripe, and its position between the ends of that bucket', () => {
    fc.assert(
      fc.property(hashes, bucketCounts, arenas, (hash, buckets, arenaBytes) => {
        const { plan, stripeBits } = planFor(buckets, arenaBytes)
        const bucket = plan.bucketOf(hash)
        assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets, `bucket ${bucket}`)
        assert.equal(plan.stripeOf(bucket), Math.floor((hash >>> 0) / 2 ** (32 - stripeBits)))
        assert.ok(plan.startOf(bucket) <= positionOf(hash))
        assert.ok(plan.endOf(bucket) > positionOf(hash))
      }),
      { numRuns: 2000 },
    )
  })

  test('keeps the ends of every bucket inside its stripe', () => {
    fc.assert(
      fc.property(
        bucketCounts,
        arenas,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (buckets, arenaBytes, part) => {
          const { plan, stripeBits } = planFor(buckets, arenaBytes)
          const bucket = Math.min(buckets - 1, Math.floor(part * buckets))
          assert.ok(plan.stripeOf(bucket) < 2 ** stripeBits)
          assert.ok(plan.startOf(bucket) >= 0)
          assert.ok(plan.endOf(bucket) <= POSITIONS)
        },
      ),
    )
  })

  test('orders hashes as the table walks them', () => {
    fc.assert(
      fc.property(hashes, fc.integer({ min: 0, max: POSITION_BITS }), (hash, level) => {
        assert.equal(residueAt(positionOf(hash), level), (hash & (2 ** POSITION_BITS - 1)) % 2 ** level)
      }),
    )
  })

  test('deals random hashes out evenly: with few buckets none has half or twice its share', () => {
    for (const buckets of [1, 2, 3, 7, 20, 64, 100]) {
      const { plan } = planFor(buckets, 2 ** 20)
      const shares = new Array<number>(buckets).fill(0)
      const draws = 2000 * buckets
      // A Weyl sequence: spreads over all 32 bits without any chance in it.
      for (let i = 0; i < draws; i++) shares[plan.bucketOf(Math.imul(i, 0x9e3779b1))]! += 1
      for (const share of shares) assert.ok(share > 1000 && share < 4000, `${buckets} buckets: ${shares}`)
    }
  })
})
