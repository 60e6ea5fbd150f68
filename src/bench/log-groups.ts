/**
 * The log alone: a group of records appended and synced, as large as what waits when many writers share a sync; in turns
 * with a bare write and fdatasync of as many bytes into a file that is filled already, so that both meet the same disk.
 */

import { MIB } from '../base/limits.js'
import { NO_SINK } from '../log/snapshot-reader.js'
import { atMost } from './figure.js'
import { LatencyHistogram } from './latency-histogram.js'
import { appendRecord, openBenchLog, PAYLOAD_BYTES } from './log-files.js'
import type { LogRun, LogSection } from './log-section.js'

export const GROUP_SIZES = [1, 8, 64, 512] as const
const BARE_FILE_BYTES = 32 * MIB
/** What a record may cost beyond key and value, in groups of 8 and more. */
const MOST_OVERHEAD_BYTES = 24

interface GroupResult {
  readonly log: LatencyHistogram
  readonly bare: LatencyHistogram
  readonly logNs: number
  readonly bytes: number
}

export const groupsSection: LogSection = {
  name: 'groups',
  steps: () => GROUP_SIZES.length,
  run: (bench) => bench.withFolder((path) => measureAll(bench, path)),
}

async function measureAll(bench: LogRun, path: string): Promise<void> {
  const { writer, disk } = openBenchLog(path, NO_SINK)
  const bare = disk.open('bare.tmp', 'create')
  bare.preallocate(0, BARE_FILE_BYTES)
  bare.sync()
  try {
    for (const size of GROUP_SIZES) {
      const result = await bench.step(`groups of ${size}`, () => measure(size))
      report(bench, size, result)
    }
  } finally {
    bare.close()
    writer.close()
  }

  function measure(size: number): GroupResult {
    const log = new LatencyHistogram()
    const bareTimes = new LatencyHistogram()
    let logNs = 0
    let bytes = 0
    for (let round = 0; round < bench.scale.syncs; round++) {
      const before = writer.bytesWritten
      const startNs = process.hrtime.bigint()
      for (let index = 0; index < size; index++) appendRecord(writer, round * size + index)
      writer.sync()
      const elapsedNs = Number(process.hrtime.bigint() - startNs)
      log.record(elapsedNs)
      logNs += elapsedNs
      writer.prepare()
      const block = Buffer.alloc(writer.bytesWritten - before, round)
      const bareStartNs = process.hrtime.bigint()
      bare.write(block, bytes % (BARE_FILE_BYTES - block.length))
      bare.sync()
      bareTimes.record(Number(process.hrtime.bigint() - bareStartNs))
      bytes += block.length
    }
    return { log, bare: bareTimes, logNs, bytes }
  }
}

function report(bench: LogRun, size: number, { log, bare, logNs, bytes }: GroupResult): void {
  const { syncs } = bench.scale
  const of = `of ${size} ${size === 1 ? 'record' : 'records'}`
  const times = (each: LatencyHistogram): string =>
    `p50 ${usText(each.quantileNs(0.5))}, p99 ${usText(each.quantileNs(0.99))}`
  bench.add({
    section: 'groups',
    label: `append and sync ${of}, p50 by bare`,
    unit: 'times',
    measured: log.quantileNs(0.5) / bare.quantileNs(0.5),
    detail: `${times(log)}; bare ${times(bare)} µs`,
  })
  bench.add({
    section: 'groups',
    label: `records a second, groups ${of}`,
    unit: '/s',
    measured: (syncs * size * 1e9) / logNs,
    detail: `${syncs} syncs`,
  })
  bench.add({
    section: 'groups',
    label: `bytes beyond key and value, groups ${of}`,
    unit: 'B',
    measured: bytes / syncs / size - PAYLOAD_BYTES,
    ...(size >= 8 ? { asked: atMost(MOST_OVERHEAD_BYTES) } : {}),
    detail: `${bytes} bytes in all`,
  })
}

function usText(ns: number): string {
  return (ns / 1000).toFixed(0)
}
