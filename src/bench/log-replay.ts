/**
 * Reading a log and a snapshot back, checked, into nothing: what recovery costs before a table is filled. And writing a
 * snapshot, with its being read back, while nobody writes.
 */
import { NO_SINK } from '../log/snapshot-reader.js'
import { fillLog, openBenchLog, writeSnapshot } from './log-files.js'
import type { LogRun, LogSection } from './log-section.js'
import { median } from './statistics.js'

export const replaySection: LogSection = {
  name: 'replay',
  steps: ({ rounds }) => 2 + 2 * rounds,
  run: (bench) => bench.withFolder((path) => measureAll(bench, path)),
}

async function measureAll(bench: LogRun, path: string): Promise<void> {
  const { records } = bench.scale
  const fillMs = await bench.step(`writing a log of ${records} records`, () => {
    const { writer } = openBenchLog(path, NO_SINK)
    const startMs = performance.now()
    fillLog(writer, records)
    const elapsedMs = performance.now() - startMs
    writer.close()
    return elapsedMs
  })
  rate(bench, 'records appended, groups of 64, one sync', [records / fillMs], `${fillMs.toFixed(0)} ms`)
  await reading(bench, path, 'records of the log, read and checked')
  const snapshotMs = await bench.step(`writing a snapshot of ${records} entries`, () => {
    const opened = openBenchLog(path, NO_SINK)
    const startMs = performance.now()
    writeSnapshot(opened, records)
    const elapsedMs = performance.now() - startMs
    opened.writer.close()
    return elapsedMs
  })
  rate(
    bench,
    'entries of a snapshot, written and read back',
    [records / snapshotMs],
    `${snapshotMs.toFixed(0)} ms`,
  )
  await reading(bench, path, 'entries of a snapshot, read and checked')
}

async function reading(bench: LogRun, path: string, label: string): Promise<void> {
  const rates: number[] = []
  const times: string[] = []
  for (let round = 1; round <= bench.scale.rounds; round++) {
    const { read, readMs } = await bench.step(`reading, round ${round}`, () => {
      const opened = openBenchLog(path, NO_SINK)
      opened.writer.close()
      return opened
    })
    rates.push(read / readMs)
    times.push(readMs.toFixed(0))
  }
  rate(bench, label, rates, `${times.join(', ')} ms, the files in the page cache`)
}

/** `perMs`: thousands a second, one a round. */
function rate(bench: LogRun, label: string, perMs: readonly number[], detail: string): void {
  bench.add({ section: 'replay', label, unit: 'M/s', measured: median(perMs) / 1000, detail })
}
