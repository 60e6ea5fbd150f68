import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { crashSequenced, type SequencedCounts } from './sequenced-crashes.js'
import { SequencedTrial } from './sequenced-trial.js'

const noCounts = (): SequencedCounts => ({ points: 0, recoveries: 0, refusals: 0, snapshots: 0 })

for (const durability of ['always', 'interval', 'os'] as const) {
  it(`answers as a model does, and shows only what is released, at level ${durability}`, () => {
    for (let seed = 1; seed <= 30; seed++)
      new SequencedTrial({ seed, disk: new SimulatedDisk(), steps: 60, durability }).run()
  })
  it(`keeps every promise over a loss of power after every call, at level ${durability}`, () => {
    const counts = noCounts()
    for (let seed = 1; seed <= 3; seed++)
      crashSequenced({ seed, steps: 25, durability, plans: 2, every: 3 }, counts)
    assert.ok(counts.points > 100 && counts.snapshots > 0, JSON.stringify(counts))
  })
}
