/**
 * Measures the log alone, without a store in front: `node dist/test/log-bench.js [DIRECTORY] [RECORDS]`.
 * Appends and syncs by size of the group beside the machine's bare write+fdatasync of as many bytes (taken in turns,
 * so that both meet the same disk), then recovery from the log into nothing and into a `Map`, then a snapshot and
 * recovery from it. 16-byte keys, 100-byte values. Prints what it finds; judges nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NativeBuffer } from '../base/native-buffer.js'
import { openLog } from '../log/directory.js'
import { newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { RecordBatch } from '../log/record-batch.js'
import { type EntrySink, NO_SINK } from '../log/snapshot-reader.js'
import { type SnapshotEntry, snapshotSteps } from '../log/snapshot-writer.js'
import type { LogWriter } from '../log/writer.js'

const [, , directory = tmpdir(), recordsText = '1000000'] = process.argv
const RECORDS = Number(recordsText)
const GROUPS = [1, 8, 64, 512]
const SYNCS = 300
const VALUE = Buffer.alloc(100, 'v')

const path = mkdtempSync(join(directory, 'hearth-log-'))
const disk = RealDisk.open(path)
const identity = newIdentity()
const key = Buffer.alloc(16, 'k')
const batch = new RecordBatch()

function open(sink: EntrySink): { writer: LogWriter; ms: number; records: number; entries: number } {
  const startedAt = performance.now()
  let readAt = startedAt
  const { writer, recovered } = openLog({
    disk,
    identity,
    sink,
    onProgress: () => {
      readAt = performance.now()
    },
    nowMs: () => performance.now(),
    regionTimeMs: Date.now,
  })
  // Without the first segment of the new start, whose zeros take as long as the disk likes.
  const ms = readAt - startedAt
  return { writer, ms, records: recovered.records, entries: recovered.entriesFromSnapshot }
}

function append(writer: LogWriter, index: number): void {
  key.write(String(index).padStart(16, '0'), 'latin1')
  batch.reset()
  batch.set(key, VALUE, true)
  writer.append(batch)
}

function percentile(times: number[], part: number): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN
}

function measureSyncs(writer: LogWriter): void {
  const bare = disk.open('bare.tmp', 'create')
  bare.preallocate(0, 64 * 1024 * 1024)
  bare.sync()
  for (const group of GROUPS) {
    const log: number[] = []
    const raw: number[] = []
    let bytes = 0
    for (let round = 0; round < SYNCS; round++) {
      const before = writer.bytesWritten
      let startedAt = performance.now()
      for (let index = 0; index < group; index++) append(writer, round * group + index)
      writer.sync()
      log.push(performance.now() - startedAt)
      writer.prepare()
      const written = writer.bytesWritten - before
      const block = Buffer.alloc(written, round)
      startedAt = performance.now()
      bare.write(block, bytes % (32 * 1024 * 1024))
      bare.sync()
      raw.push(performance.now() - startedAt)
      bytes += written
    }
    const total = log.reduce((sum, each) => sum + each, 0)
    const rate = Math.round((SYNCS * group * 1000) / total)
    const times = `p50 ${percentile(log, 0.5).toFixed(3)} ms, p99 ${percentile(log, 0.99).toFixed(3)} ms`
    const bareTimes = `bare p50 ${percentile(raw, 0.5).toFixed(3)} ms, p99 ${percentile(raw, 0.99).toFixed(3)} ms`
    const overhead = (bytes / SYNCS / group - 116).toFixed(1)
    console.log(
      `group of ${group}: ${rate} records/s, ${times}; ${bareTimes}; ${overhead} B overhead a record`,
    )
  }
  bare.close()
  disk.unlink('bare.tmp')
}

/** A sink that keeps strings in a `Map`. */
function mapSink(map: Map<string, string>): EntrySink {
  const set = (bytes: Buffer, start: number, keyEnd: number, valueEnd: number): void => {
    const text = bytes as NativeBuffer
    map.set(text.latin1Slice(start, keyEnd), text.latin1Slice(keyEnd, valueEnd))
  }
  return {
    load: set,
    set,
    delete: (bytes, start, keyEnd) => map.delete((bytes as NativeBuffer).latin1Slice(start, keyEnd)),
    clear: () => map.clear(),
  }
}

function measureRecovery(what: string, sink: EntrySink): LogWriter {
  const { writer, ms, records, entries } = open(sink)
  const count = records + entries
  console.log(
    `recovery of ${records} records and ${entries} snapshot entries into ${what}: ${ms.toFixed(0)} ms, ${Math.round(count / ms)} k/s`,
  )
  return writer
}

function* entriesOf(count: number): Generator<SnapshotEntry> {
  for (let index = 0; index < count; index++) {
    key.write(String(index).padStart(16, '0'), 'latin1')
    yield { key, value: VALUE, isAscii: true, expiresAtMs: Infinity, hash: index }
  }
}

try {
  const { writer } = open(NO_SINK)
  measureSyncs(writer)
  const startedAt = performance.now()
  for (let index = 0; index < RECORDS; index++) {
    append(writer, index)
    if (index % 64 !== 63) continue
    writer.write()
    writer.prepare()
  }
  writer.sync()
  const ms = performance.now() - startedAt
  console.log(`append in groups of 64 without sync: ${Math.round(RECORDS / ms)} k records/s`)
  const startLsn = writer.synced
  writer.close()
  measureRecovery('nothing', NO_SINK).close()
  measureRecovery('nothing, again', NO_SINK).close()
  const last = measureRecovery('a Map', mapSink(new Map()))
  const snapshotAt = performance.now()
  const steps = snapshotSteps({
    disk,
    logId: identity.logId,
    epoch: { number: 1, startId: 1n },
    startLsn: Math.max(startLsn, last.synced),
    entries: entriesOf(RECORDS),
    syncLog: () => last.sync(),
    regionTimeMs: Date.now,
  })
  while (steps.next().done !== true);
  const snapshotMs = performance.now() - snapshotAt
  console.log(
    `snapshot of ${RECORDS} entries, read back: ${snapshotMs.toFixed(0)} ms, ${Math.round(RECORDS / snapshotMs)} k/s`,
  )
  last.close()
  measureRecovery('nothing', NO_SINK).close()
  measureRecovery('a Map', mapSink(new Map())).close()
} finally {
  rmSync(path, { recursive: true })
}
