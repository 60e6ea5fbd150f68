import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { crashSequenced, DISK_FAULTS, faultSequenced, type SequencedCounts } from './sequenced-crashes.js'
import { SequencedTrial } from './sequenced-trial.js'

const SEED = Date.now() % 1_000_000_000
const noCounts = (): SequencedCounts => ({ points: 0, recoveries: 0, refusals: 0, snapshots: 0 })

for (const durability of ['always', 'interval', 'os'] as const) {
  it(`answers as a model does, and shows only what is released, at level ${durability} (seed ${SEED})`, () => {
    for (let round = 0; round < 3; round++)
      new SequencedTrial({ seed: SEED + round, disk: new SimulatedDisk(), steps: 60, durability }).run()
  })

  it(`keeps every promise over a loss of power at any call, at level ${durability} (seed ${SEED})`, (t) => {
    const counts = noCounts()
    crashSequenced({ seed: SEED, steps: 25, durability, plans: 2, every: 8 }, counts)
    assert.ok(counts.points > 0, JSON.stringify(counts))
    t.diagnostic(JSON.stringify(counts))
  })
}

it(`a disk that is full now and then refuses writes; none of them ever appears, and it heals (seed ${SEED})`, (t) => {
  let refused = 0
  // Some seeds meet a full disk only where nothing is written.
  for (let round = 0; round < 6 || refused === 0; round++) {
    assert.ok(round < 1000, 'nothing is ever refused')
    const seed = SEED + round
    const trial = new SequencedTrial({
      seed,
      disk: new SimulatedDisk(),
      steps: 60,
      fills: true,
      faults: true,
    })
    refused += trial.run().refusedAtOnce
  }
  t.diagnostic(`${refused} writes refused`)
})

it(`goes on, or fails for good, with what it promised, whichever call of the disk fails (seed ${SEED})`, (t) => {
  const counts = noCounts()
  for (const [index, fault] of DISK_FAULTS.entries())
    faultSequenced({ seed: SEED + index, steps: 15, fault, every: 9 }, counts)
  t.diagnostic(JSON.stringify(counts))
})

it('a canary that answers before the commit is caught', () => {
  assert.throws(() => {
    for (let seed = 1; seed < 20; seed++)
      crashSequenced({ seed, steps: 10, plans: 1, every: 3, answersEarly: true }, noCounts())
  }, /was promised|deep-equal/)
})
