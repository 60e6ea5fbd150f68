/**
 * What the log asks of a disk: one directory of files, read and written at positions. Calls are synchronous, since
 * whoever writes the log is a thread of its own and has nothing else to do meanwhile.
 *
 * Two implementations: `RealDisk` (node:fs) and `SimulatedDisk` (memory, with crashes and faults by number), one
 * contract test for both. Errors carry the system's code (`ENOSPC`, `EIO`) in `code`, as Node's own do.
 *
 * What every implementation promises, and nothing more:
 * - what `write` has returned is seen by every later `read`, and survives the death of the process;
 * - what `sync` has covered survives the loss of power, the file's size included; what it has not may be there
 *   whole, in part (sectors of 512 bytes, each old or new) or not at all, in any order;
 * - names (create, rename, link, unlink) survive once `syncDirectory` has returned; `rename` is atomic;
 * - after a failed `sync` nothing is known about what it was to cover, even if a later one succeeds.
 *
 * Not for locks (directory-lock.ts): those must die with their process, which no file does.
 */
import { isOperationError, OperationError } from '../base/errors.js'

/** `create`: a new file, an error if the name is taken; `write`: an existing one; `read`: it is never changed. */
export type OpenMode = 'create' | 'write' | 'read'

export interface DiskFile {
  /** Fills `target` from `position` on; fewer bytes than asked for only where the file ends. */
  read(target: Uint8Array, position: number): number
  /** Returns how many bytes were written, which may be fewer than given: see {@link writeFully}. */
  write(source: Uint8Array, position: number): number
  /** Makes bytes `from` to `to` zeros that own their space, so that writing there needs no more of it. */
  preallocate(from: number, to: number): void
  truncate(size: number): void
  sync(): void
  size(): number
  /** Whether `name`, in the directory, still stands for this file: nobody has removed or replaced it. */
  isNamed(name: string): boolean
  close(): void
}

export interface Disk {
  /** Says which directory this is, for messages. */
  readonly path: string
  /** What another thread opens the same files by (`RealDisk`); absent where no other thread can. */
  readonly sharedPath?: string
  open(name: string, mode: OpenMode): DiskFile
  /** Replaces `to` if it exists. */
  rename(from: string, to: string): void
  /** A second name for the file; an error if `to` is taken. */
  link(from: string, to: string): void
  unlink(name: string): void
  /** Names of the files, sorted. */
  list(): string[]
  syncDirectory(): void
}

/** The system's code of an error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What the system says no to, as REFUSED that names the directory; every other error as it is. */
export function asRefusal(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || isOperationError(error) || errorCode(error) === undefined) return error
  return new OperationError('REFUSED', `the directory ${path} cannot be used: ${error.message}`, {
    cause: error,
  })
}

/** Whether the disk, or somebody's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Writes all of `source`, however many calls that takes. */
export function writeFully(file: DiskFile, source: Uint8Array, position: number): void {
  let done = file.write(source, position)
  while (done < source.length) {
    const more = file.write(source.subarray(done), position + done)
    if (more === 0) throw Object.assign(new Error('the disk takes no more bytes'), { code: 'ENOSPC' })
    done += more
  }
}

/** Reads up to `length` bytes from `position`; shorter where the file ends. */
export function readFully(file: DiskFile, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, file.read(bytes, position))
}
