import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SequencedStore } from '../store/sequenced-store.js'
import { LogStatus } from './log-status.js'

test('groups are counted that were written, not turns in which there was nothing to write', () => {
  const status = LogStatus.create()
  const store = { released: 0, position: 0, synced: 0, bytesWritten: 0, isSnapshotRunning: false }
  const turn = (bytes: number) => {
    store.bytesWritten += bytes
    status.noteGroup(store as unknown as SequencedStore, 0)
  }
  turn(0)
  turn(72)
  turn(0)
  turn(0)
  turn(56)
  assert.deepEqual([status.facts.groups, status.facts.bytesWritten], [2, 128])
})
