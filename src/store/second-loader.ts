/**
 * A second thread that loads a share of a table from its data directory, seen from the thread that recovers, which never
 * comes to its event loop meanwhile. Both read the same files (log/recovery.ts) and each takes the entries of its own
 * stripes, so that the order of records holds for every key, and a clear empties each its own.
 *
 * Nobody waits for it to begin: the first loads alone until the second is ready, then gives it a share of what is left, and
 * without one (no thread to be had, one processor, little to read) it stays alone. Once it has a share, its failure or death
 * is a failure of recovery, since its stripes are in no known state.
 */
import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { OperationError } from '../base/errors.js'
import { MIB } from '../base/limits.js'
import { inheritedFlags } from '../base/worker-flags.js'
import type { Disk } from '../log/disk.js'
import { segmentNumber } from '../log/format.js'
import { snapshotLsn } from '../log/snapshot-format.js'
import type { ReadMark } from '../log/snapshot-reader.js'
import type { MappedHandle } from '../memory/mapped-region.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import { currentThread } from '../memory/threads.js'
import { type LoaderShare, LoaderWords } from './loader-words.js'

/** With less to read, compiling the code of both threads costs what the second saves (measured: 1M records, 128 MB). */
const LEAST_BYTES = 256 * MIB
const ENTRY = new URL('./loader-thread.js', import.meta.url)

/** What the second thread is started with. */
export interface LoaderData {
  readonly words: SharedArrayBuffer
  /** For its {@link LoaderReport}. */
  readonly port: MessagePort
  readonly directory: string
  readonly logId: bigint
  readonly region: MappedHandle | SharedArrayHandle
  readonly lockTimeoutMs: number
}

/** What it says in the end. */
export type LoaderReport =
  /** `undefined`: it has come upon damage, or had no room for something. */
  { readonly mark: ReadMark | undefined } | { readonly failure: string; readonly code: string | undefined }

/** For tests. */
export interface LoadingOptions {
  /** Default: 256 MiB. Infinity: no second thread. */
  readonly leastBytes?: number
  /** Default: where there is more than one. */
  readonly processors?: number
  readonly entry?: URL
  /** At this look at the second (0: the first) it is waited for, and only from there on it may get a share. */
  readonly waitAtLook?: number
}

/** Longest wait for one that is asked for by `waitAtLook`: a test on the busiest machine. */
const LONGEST_WAIT_MS = 120_000

export class SecondLoader {
  /**
   * Whether it can take its share from a snapshot. In a named region that is no gain: pages of 4 KiB are touched so fast
   * there that the system's own locks hold the two up (measured: 1.2 to 0.7 times the rate of one; the log 1.3 to 1.6).
   */
  readonly takesSnapshots: boolean
  readonly #words = LoaderWords.create()
  readonly #port: MessagePort
  #hasShare = false
  readonly #waitAtLook: number | undefined
  #looks = 0

  private constructor(
    data: Omit<LoaderData, 'words' | 'port'>,
    { entry = ENTRY, waitAtLook }: LoadingOptions,
  ) {
    this.#waitAtLook = waitAtLook
    this.takesSnapshots = takesSnapshots(data.region)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const workerData: LoaderData = { ...data, words: this.#words.buffer, port: port2 }
    const worker = new Worker(entry, { ...inheritedFlags(), workerData, transferList: [port2] })
    // What becomes of it is seen by its words; where it never begins, nobody misses it.
    worker.on('error', () => {})
    worker.unref()
  }

  /** Starts one if that is worth it here; `undefined`: there is none. */
  static start(
    disk: Disk,
    data: Omit<LoaderData, 'words' | 'port' | 'directory'>,
    options: LoadingOptions = {},
  ): SecondLoader | undefined {
    const { sharedPath } = disk
    const { leastBytes = LEAST_BYTES, processors = availableParallelism() } = options
    // Whose life cannot be asked about nobody waits for.
    if (sharedPath === undefined || processors < 2 || currentThread().thread < 0) return undefined
    try {
      if (dataBytes(disk, takesSnapshots(data.region)) < leastBytes) return undefined
      return new SecondLoader({ ...data, directory: sharedPath }, options)
    } catch {
      // No thread is to be had, or a file cannot be looked at: whoever reads it says so.
      return undefined
    }
  }

  /** Looks whether it may be given a share now. */
  isReady(): boolean {
    if (this.#hasShare) return false
    if (this.#waitAtLook !== undefined) {
      if (this.#looks++ < this.#waitAtLook) return false
      this.#words.waitForReady(LONGEST_WAIT_MS)
    }
    return this.#words.isReady
  }

  get hasShare(): boolean {
    return this.#hasShare
  }

  give(share: LoaderShare): boolean {
    this.#hasShare = this.#words.give(share)
    return this.#hasShare
  }

  /** Ends it without what it has loaded; returns when it has left the table. False: it has died in there. */
  dismiss(): boolean {
    const hasEnded = this.#words.dismiss() || this.#words.waitForEnd()
    this.#port.close()
    return hasEnded
  }

  /** The same where the first goes on in the table, which it cannot if the second has died in there. */
  dismissAlive(): void {
    if (!this.dismiss()) throw diedError()
  }

  /**
   * Waits for the second to end its share, and returns what it came to; `undefined`: its share is of no use. Throws what kept
   * it from its end: what its disk threw, or that its thread has died.
   */
  join(): ReadMark | undefined {
    const hasEnded = this.#words.waitForEnd()
    const received: { message: LoaderReport } | undefined = receiveMessageOnPort(this.#port)
    this.#port.close()
    if (!hasEnded || received === undefined) throw diedError()
    const { message } = received
    if (!('failure' in message)) return message.mark
    throw Object.assign(new Error(`the second loading thread has failed: ${message.failure}`), {
      code: message.code,
    })
  }
}

function diedError(): OperationError {
  return new OperationError(
    'REFUSED',
    'the second loading thread has died. Nothing was changed on disk; start again.',
  )
}

function takesSnapshots(region: LoaderData['region']): boolean {
  return region.kind === 'threads'
}

/** Bytes of what two may read together. */
function dataBytes(disk: Disk, withSnapshots: boolean): number {
  let bytes = 0
  for (const name of disk.list()) {
    if (segmentNumber(name) === undefined && !(withSnapshots && snapshotLsn(name) !== undefined)) continue
    const file = disk.open(name, 'read')
    bytes += file.size()
    file.close()
  }
  return bytes
}
