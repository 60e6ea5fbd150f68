import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LatencyHistogram } from './latency-histogram.js'
import { median, ratioOf } from './statistics.js'

test('the median of an even number of rounds lies between the middle two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([3, 1, 2]), 2)
  assert.ok(Number.isNaN(median([])))
})

test('a ratio is of medians, its range of rounds', () => {
  const ratio = ratioOf([10, 30, 20], [5, 10, 20])
  assert.equal(ratio.value, 2)
  assert.deepEqual(ratio.range, [1, 3])
})

test('a quantile of the histogram is at most 1.6 % above the exact one, and never below it', () => {
  const durations = fc.array(fc.double({ min: 0, max: 1e11, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, fraction) => {
      const histogram = new LatencyHistogram()
      for (const value of values) histogram.record(value)
      const sorted = [...values].sort((a, b) => a - b)
      const exact = sorted[Math.max(1, Math.ceil(fraction * values.length)) - 1] ?? 0
      const told = histogram.quantileNs(fraction)
      assert.ok(told >= Math.floor(exact), `${told} for ${exact}`)
      assert.ok(told <= exact * (1 + 1 / 64) + 1, `${told} for ${exact}`)
    }),
  )
})

test('the histogram keeps the longest duration as it is', () => {
  const histogram = new LatencyHistogram()
  for (const value of [1234.5, 77, 1e9 + 0.5]) histogram.record(value)
  assert.equal(histogram.largestNs, 1e9 + 0.5)
  assert.equal(histogram.quantileNs(1), 1e9 + 0.5)
  assert.equal(histogram.total, 3)
})
