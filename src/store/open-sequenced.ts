/**
 * Opens a data directory as a store: lock it, read its identity, make the table under its hash key, recover everything
 * into that, and go on writing where the log ends.
 *
 * Throws REFUSED (another process has the directory), CORRUPT (damage, with file and offset; `acceptLoss` cuts there and
 * keeps the original), MISMATCH (a newer format), FULL (what is there does not fit; names the capacity that does), and
 * what the disk throws.
 */
import { type Clock, monotonicMs as realMonotonicMs, wallClockMs } from '../base/clock.js'
import { MIB } from '../base/limits.js'
import { openLog, readIdentity } from '../log/directory.js'
import { type DirectoryLock, lockDirectory } from '../log/directory-lock.js'
import type { Disk } from '../log/disk.js'
import { type Identity, newIdentity } from '../log/identity.js'
import { type LogDurability, SyncPolicy } from '../log/policy.js'
import { RealDisk } from '../log/real-disk.js'
import type { RecoveryEvent } from '../log/recovery.js'
import { listSegments } from '../log/segment-list.js'
import type { LogWriter } from '../log/writer.js'
import { EVICTION } from '../memory/header.js'
import type { Region } from '../memory/region.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Space, type TableFacts } from '../table/space.js'
import { Table } from '../table/table.js'
import type { SnapshotEvent } from './chores.js'
import { factsOf } from './direct-store-options.js'
import { reservedPages } from './headroom.js'
import { RecoverySink } from './recovery-sink.js'
import { type LoaderData, type LoadingOptions, SecondLoader } from './second-loader.js'
import { SequencedStore } from './sequenced-store.js'

export interface RecoveryProgress {
  readonly doneBytes: number
  readonly totalBytes: number
  /** Records and entries read so far. */
  readonly records: number
  readonly elapsedMs: number
}

/** What opening found and did. */
export interface OpenReport {
  readonly entriesFromSnapshot: number
  readonly records: number
  readonly elapsedMs: number
  /** 2: a second thread has loaded a share of the table. */
  readonly threads: number
}

export interface SequencedOptions {
  readonly capacityBytes: number
  /** Default 'none': writes into a full table fail with FULL. */
  readonly eviction?: 'none' | 'clock'
  /** Number of stripes as a power of two. Default: one for every 512 KiB, at least 16. */
  readonly stripeBits?: number
  readonly durability: LogDurability
  /** Longest time between a write and its sync at level `interval`, in milliseconds. Default 1000. */
  readonly intervalMs?: number
  /** Cut the log at damage, once the original has been kept. */
  readonly acceptLoss?: boolean
  readonly segmentBytes?: number
  /** Bytes of log that call for a snapshot. Default 256 MiB; Infinity: only when asked for. */
  readonly snapshotAfterBytes?: number
  /** Of the directory, where it has been read or made already. */
  readonly identity?: Identity
  /** Makes the region, laid out by these facts (`Space.layOut`). Default: one for threads of this process. */
  readonly region?: (facts: TableFacts) => Region
  readonly lockTimeoutMs?: number
  /** When a second thread helps to recover, for tests. Default: where there are two processors and enough to read. */
  readonly loading?: LoadingOptions
  readonly onProgress?: (progress: RecoveryProgress) => void
  readonly onEvent?: (event: RecoveryEvent | SnapshotEvent) => void
  /** Wall clock, milliseconds since 1970, for tests. */
  readonly clock?: Clock
  /** A clock that never goes back, for tests. */
  readonly monotonicMs?: Clock
}

const DEFAULT_LOCK_TIMEOUT_MS = 1000
const DEFAULT_SNAPSHOT_AFTER_BYTES = 256 * MIB

/** Opens the directory at `directory`, made if it is not there, and holds its lock until the store is closed. */
export async function openSequencedStore(
  options: SequencedOptions & { readonly directory: string },
): Promise<{ readonly store: SequencedStore; readonly report: OpenReport; readonly lock: DirectoryLock }> {
  const lock = await lockDirectory(options.directory)
  try {
    return { ...openOnDisk({ ...options, disk: RealDisk.open(options.directory) }), lock }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** As above, on a disk that the caller knows to be nobody else's. */
export function openOnDisk(options: SequencedOptions & { readonly disk: Disk }): {
  readonly store: SequencedStore
  readonly report: OpenReport
} {
  const { disk, clock = wallClockMs, monotonicMs = realMonotonicMs } = options
  const startedAt = monotonicMs()
  const identity = options.identity ?? readIdentity(disk) ?? newIdentity()
  const facts: TableFacts = factsOf({ ...options, hashKey: identity.hashKey, isSequenced: true })
  const table = attach(options, facts)
  const { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS, loading } = options
  const region = table.space.region.share() as LoaderData['region']
  const second = SecondLoader.start(disk, { logId: identity.logId, region, lockTimeoutMs }, loading)
  const sink = RecoverySink.create(table, second)
  let opened: ReturnType<typeof openLog> | undefined
  try {
    const time = { nowMs: 0 }
    opened = openLog({
      ...options,
      identity,
      sink,
      nowMs: monotonicMs,
      regionTimeMs: () => time.nowMs,
      onProgress: (doneBytes, totalBytes) =>
        options.onProgress?.({
          doneBytes,
          totalBytes,
          records: sink.records,
          elapsedMs: monotonicMs() - startedAt,
        }),
    })
    const { recovered, writer } = opened
    const dropped = sink.finish(facts.eviction === EVICTION.CLOCK, options.capacityBytes)
    table.staging.reservePages(reservedPages(options.capacityBytes, table.space.shape.totalPages))
    time.nowMs = recovered.end.regionTimeMs
    table.clock.advance(time.nowMs)
    const policy = new SyncPolicy(options.durability, options.intervalMs)
    const store = new SequencedStore({
      table,
      writer,
      policy,
      clock,
      time,
      monotonicMs,
      disk,
      logId: identity.logId,
      epoch: writer.epoch,
      snapshotAfterBytes: options.snapshotAfterBytes ?? DEFAULT_SNAPSHOT_AFTER_BYTES,
      logBytes: logBytesOf(disk, identity.logId),
      onEvent: options.onEvent,
    })
    store.forget(dropped)
    const { records, entriesFromSnapshot } = recovered
    return {
      store,
      report: { records, entriesFromSnapshot, elapsedMs: monotonicMs() - startedAt, threads: sink.threads },
    }
  } catch (error) {
    sink.abandon()
    letGo(opened?.writer)
    table.close()
    throw error
  }
}

/** Of a start that has failed. */
function letGo(writer: LogWriter | undefined): void {
  try {
    writer?.close()
  } catch {
    // What ended the start is what there is to tell.
  }
}

function attach(options: SequencedOptions, facts: TableFacts): Table {
  const { clock = wallClockMs, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options
  const region = options.region?.(facts) ?? layOut(facts, clock())
  return Table.attach(region, { lockTimeoutMs, isSequenced: true })
}

function layOut(facts: TableFacts, nowMs: number): Region {
  const region = SharedArrayRegion.create(Space.regionBytes(facts))
  Space.layOut(region, facts, nowMs)
  return region
}

function logBytesOf(disk: Disk, logId: bigint): number {
  return listSegments(disk, logId).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
