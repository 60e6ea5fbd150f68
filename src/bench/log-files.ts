/** A log of the benchmark's own: 16-byte keys, 100-byte values, opened without a table behind it. */
import { openLog, readIdentity } from '../log/directory.js'
import { type Identity, newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { RecordBatch } from '../log/record-batch.js'
import type { EntrySink } from '../log/snapshot-reader.js'
import { type SnapshotEntry, snapshotSteps } from '../log/snapshot-writer.js'
import type { LogWriter } from '../log/writer.js'

const KEY_BYTES = 16
const VALUE = Buffer.alloc(100, 'v')
export const PAYLOAD_BYTES = KEY_BYTES + VALUE.length

export interface OpenedLog {
  readonly disk: RealDisk
  readonly identity: Identity
  readonly writer: LogWriter
  /** Records and snapshot entries that were read. */
  readonly read: number
  /** Time of reading alone. */
  readonly readMs: number
}

/** Opens the log in `path`, recovering it into `sink`. */
export function openBenchLog(path: string, sink: EntrySink): OpenedLog {
  const disk = RealDisk.open(path)
  const identity = readIdentity(disk) ?? newIdentity()
  const startMs = performance.now()
  let readMs = 0
  const { writer, recovered } = openLog({
    disk,
    identity,
    sink,
    // The last call: what comes then, the zeros of a new log's first segment, takes as long as the disk likes.
    onProgress: () => {
      readMs = performance.now() - startMs
    },
    nowMs: () => performance.now(),
    regionTimeMs: Date.now,
  })
  return { disk, identity, writer, read: recovered.records + recovered.entriesFromSnapshot, readMs }
}

const batch = new RecordBatch()
const key = Buffer.alloc(KEY_BYTES)

/** One set, as a batch of its own. */
export function appendRecord(writer: LogWriter, index: number): void {
  batch.reset()
  batch.set(keyOf(index), VALUE, true)
  writer.append(batch)
}

/** Appends `count` records in groups of 64, unsynced but for the last. */
export function fillLog(writer: LogWriter, count: number): void {
  for (let index = 0; index < count; index++) {
    appendRecord(writer, index)
    if (index % 64 !== 63) continue
    writer.write()
    writer.prepare()
  }
  writer.sync()
}

/** A snapshot of `count` entries, at the end of the log. */
export function writeSnapshot({ disk, identity, writer }: OpenedLog, count: number): void {
  const steps = snapshotSteps({
    disk,
    logId: identity.logId,
    epoch: { number: 1, startId: 1n },
    startLsn: writer.sync(),
    entries: entriesOf(count),
    syncLog: () => writer.sync(),
    regionTimeMs: Date.now,
  })
  while (steps.next().done !== true);
}

function* entriesOf(count: number): Generator<SnapshotEntry> {
  for (let index = 0; index < count; index++)
    yield { key: keyOf(index), value: VALUE, isAscii: true, expiresAtMs: Infinity, hash: index }
}

function keyOf(index: number): Buffer {
  key.write(String(index).padStart(KEY_BYTES, '0'), 'latin1')
  return key
}
