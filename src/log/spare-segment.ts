/**
 * The segment after the current one, made ahead: a file under a temporary name whose whole length is zeros that own
 * their space, so that a full disk is found before a write exists and a write into a segment never needs more of it.
 *
 * It is filled slice by slice as the log grows, so that no single write pays for a whole segment. **It becomes a
 * segment by its rename**, after its header has been synced: under a final name there is never half a header.
 * One thread: the log's writer.
 */
import { OperationError } from '../base/errors.js'
import { type Disk, type DiskFile, writeFully } from './disk.js'

export const SPARE_NAME = 'spare.tmp'

/** The zeros go to the disk in pieces of this size, so that a change of segments need not wait for all of them. */
const SYNC_BYTES = 4 * 1024 * 1024
/** After a failure, so long passes before the disk is asked again. */
const RETRY_MS = 50

export class SpareSegment {
  readonly #disk: Disk
  readonly #nowMs: () => number
  #file: DiskFile | undefined
  #filled = 0
  #retryAtMs = Number.NEGATIVE_INFINITY
  #failure: unknown

  /** `nowMs`: a clock that never goes back. */
  constructor(disk: Disk, nowMs: () => number) {
    this.#disk = disk
    this.#nowMs = nowMs
  }

  /** Fills up to `bytes` more, of `size` in all; a failure is kept for {@link need}. */
  fill(bytes: number, size: number): void {
    if (this.#filled >= size || this.#nowMs() < this.#retryAtMs) return
    try {
      this.#fill(Math.min(size, this.#filled + bytes))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Fills all of `size`, or throws DISK_FULL with nothing changed; soon after a failure it does not try. */
  need(size: number): void {
    if (this.#filled >= size) return
    if (this.#nowMs() >= this.#retryAtMs) {
      try {
        this.#fill(size)
        return
      } catch (error) {
        this.#fail(error)
      }
    }
    throw new OperationError(
      'DISK_FULL',
      `the log in ${this.#disk.path} cannot grow by a segment of ${size} bytes; once there is room, writes are taken again: ${String(this.#failure)}`,
      { cause: this.#failure },
    )
  }

  /** Makes the filled file the segment `name`, beginning with `header`; returns it and its length. */
  become(name: string, header: Buffer): { readonly file: DiskFile; readonly size: number } {
    const file = this.#file
    if (file === undefined) throw new Error('a spare is needed before it is used')
    const size = this.#filled
    // Whatever happens now, the file is no spare any more.
    this.#file = undefined
    this.#filled = 0
    try {
      writeFully(file, header, 0)
      file.sync()
      this.#disk.rename(SPARE_NAME, name)
      this.#disk.syncDirectory()
    } catch (error) {
      file.close()
      throw error
    }
    return { file, size }
  }

  /** Gives the space back. */
  discard(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    this.#filled = 0
    file.close()
    this.#disk.unlink(SPARE_NAME)
  }

  #fill(to: number): void {
    if (this.#file === undefined) {
      if (this.#disk.list().includes(SPARE_NAME)) this.#disk.unlink(SPARE_NAME)
      this.#file = this.#disk.open(SPARE_NAME, 'create')
    }
    this.#file.preallocate(this.#filled, to)
    if (Math.floor(to / SYNC_BYTES) > Math.floor(this.#filled / SYNC_BYTES)) this.#file.sync()
    this.#filled = to
  }

  /** A half-filled spare would keep the last bytes of a full disk from everybody. */
  #fail(error: unknown): void {
    this.#failure = error
    this.#retryAtMs = this.#nowMs() + RETRY_MS
    try {
      this.discard()
    } catch {
      // The name is swept by the next attempt or the next start.
    }
  }
}
