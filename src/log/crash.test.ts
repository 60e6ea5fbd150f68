import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CrashCounts, type CrashOptions, crashEverywhere } from '../test/log-crashes.js'
import { runSeed } from '../test/seeded-random.js'

const SEED = runSeed()

function crash(options: Partial<CrashOptions>): CrashCounts {
  const counts = { points: 0, recoveries: 0, nested: 0, snapshots: 0 }
  crashEverywhere({ seed: SEED, steps: 40, plans: 6, ...options }, counts)
  return counts
}

for (const durability of ['always', 'interval', 'os'] as const) {
  test(`after a loss of power at any call, ${durability} recovers a prefix with all it promised (seed ${SEED})`, (t) => {
    const counts = crash({ steps: 24, plans: 1, exhaustiveBelow: 3, nestedEvery: 40, durability })
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.points > 50 && counts.nested > 0, 'recoveries were interrupted too')
  })
}

test(`snapshots killed at every step, with writes in between (seed ${SEED})`, (t) => {
  const counts = { points: 0, recoveries: 0, nested: 0, snapshots: 0 }
  for (let seed = SEED; counts.snapshots === 0; seed++) crashEverywhere({ seed, steps: 32, plans: 0 }, counts)
  t.diagnostic(JSON.stringify(counts))
})

test(`every subset of the unsynced changes of a short run (seed ${SEED})`, (t) => {
  const counts = crash({ steps: 10, exhaustiveBelow: 6, plans: 0 })
  t.diagnostic(JSON.stringify(counts))
})

test('a canary that acknowledges before the sync is caught', () => {
  assert.throws(() => crash({ acknowledgesEarly: true, snapshots: false }), /was promised/)
})
