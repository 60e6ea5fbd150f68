import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { LatencyHistogram } from './latency-histogram.js'
import { isMemory, runLogBench } from './log.js'
import { bareLogSubject } from './log-peers.js'
import { measureDurable } from './log-subject.js'

async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'hearth-log-bench-'))
  try {
    await body(path)
  } finally {
    rmSync(path, { recursive: true })
  }
}

describe('the benchmark of the log', () => {
  test('measures groups and replay, tells of every step, and leaves nothing', () =>
    withFolder(async (directory) => {
      const steps: number[] = []
      const report = await runLogBench({
        directory,
        records: 200,
        syncs: 3,
        rounds: 2,
        sections: ['groups', 'replay'],
        onProgress: ({ done, total }) => steps.push(done / total),
      })
      assert.equal(steps.at(-1), 1)
      assert.deepEqual(readdirSync(directory), [])
      assert.equal(report.figures.length, 12 + 4)
      for (const { label, measured } of report.figures) assert.ok((measured ?? 0) > 0, label)
      const bytes = report.figures.find(
        ({ label }) => label.includes('bytes beyond') && label.includes('of 8 '),
      )
      // A head of 56 bytes for eight records, 8 for each, padding.
      assert.ok((bytes?.measured ?? 0) >= 15 && (bytes?.measured ?? 0) < 16)
      assert.equal(bytes?.asked?.value, 24)
    }))

  test('keeps as many sets in flight as asked, and counts those it has timed', (t) =>
    withFolder(async (folder) => {
      // Time passes by the sets alone: each takes a millisecond of it.
      let nowMs = 0
      t.mock.method(performance, 'now', () => nowMs)
      let inFlight = 0
      let most = 0
      const keys = new Set<string>()
      let isClosed = false
      const result = await measureDurable(
        {
          name: 'a double',
          open: async () => ({
            set: async (key) => {
              assert.equal(key.length, 16)
              assert.ok(!keys.has(key), 'each key once')
              keys.add(key)
              most = Math.max(most, ++inFlight)
              nowMs++
              await new Promise((resolve) => setImmediate(resolve))
              inFlight--
            },
            close: async () => {
              isClosed = true
            },
          }),
        },
        folder,
        7,
        20,
      )
      assert.equal(most, 7)
      assert.ok(isClosed && result.times instanceof LatencyHistogram)
      assert.equal(result.times.total, result.sets)
      assert.equal(result.sets, 20)
      // Those before the clock starts are not counted.
      assert.ok(keys.size > 20)
    }))

  test('answers a set of the log alone once it is on disk', () =>
    withFolder(async (folder) => {
      const opened = await bareLogSubject.open(folder)
      await Promise.all([opened.set('a', '1'), opened.set('b', '2')])
      await opened.close()
      assert.ok(readdirSync(join(folder, 'log')).includes('identity'))
    }))

  test('knows memory from a disk', { skip: process.platform !== 'linux' }, () => {
    assert.equal(isMemory('/dev/shm'), true)
  })
})
