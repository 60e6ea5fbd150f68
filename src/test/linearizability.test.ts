import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { complaintOf, runHistory } from './history-run.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed } from './seeded-random.js'
import { VALUE_KINDS } from './table-subject.js'

describe('operations on one key of a SharedMap are linearizable', () => {
  for (const values of VALUE_KINDS) {
    for (const shape of [
      { threads: 4, keys: 1, stripes: 1 },
      { threads: 5, keys: 4 },
    ]) {
      const title = `${values}, ${shape.threads} threads on ${shape.keys} keys while other entries come and go`
      test(title, async (t) => {
        const seed = runSeed()
        t.diagnostic(`seed ${seed}`)
        const report = await runHistory({ subject: { values }, seed, operationsPerThread: 800, ...shape })
        assert.ok(report.operations > 2500)
        assert.equal(complaintOf(report), undefined)
      })
    }
  }
})

describe('operations on one key of a named table are linearizable across processes', {
  skip: NO_NAMED_TABLES,
}, () => {
  for (const values of VALUE_KINDS) {
    test(`${values}, 4 processes on 2 keys while other entries come and go`, async (t) => {
      const directory = useScratchDirectory()
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const shape = { threads: 4, keys: 2, operationsPerThread: 800, directory }
      const report = await runHistory({ subject: { values }, seed, ...shape })
      assert.ok(report.operations > 2500)
      assert.equal(complaintOf(report), undefined)
    })
  }
})

describe('operations on one key of a served table are linearizable across its clients', {
  skip: NO_NAMED_TABLES,
}, () => {
  for (const values of VALUE_KINDS) {
    test(`${values}, 4 clients that read past 2 lane workers and write through them`, async (t) => {
      useScratchDirectory()
      const seed = runSeed()
      t.diagnostic(`seed ${seed}`)
      const shape = { threads: 4, keys: 2, operationsPerThread: 800, laneWorkers: 2 }
      const report = await runHistory({ subject: { values }, seed, ...shape })
      assert.ok(report.operations > 2500)
      assert.equal(complaintOf(report), undefined)
    })
  }
})
