/**
 * A directory of the file system as the log's disk. Files are created with mode 0600.
 *
 * Node has no fallocate: `preallocate` writes zeros. That costs the bytes once more, and gives in return what
 * fallocate does not: blocks that are written already, so that a later `fdatasync` of them has no metadata to commit.
 * On file systems that never overwrite in place (btrfs, zfs) a write can still find the disk full.
 *
 * `sync` is fdatasync, which includes the size of the file where it has changed.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { MIB } from '../base/limits.js'
import { type Disk, type DiskFile, errorCode, type OpenMode, writeFully } from './disk.js'
import { makeDirectory } from './make-directory.js'

const FLAGS = { create: 'wx+', write: 'r+', read: 'r' } as const
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const ZEROS = Buffer.alloc(MIB)

class RealFile implements DiskFile {
  readonly #descriptor: number
  readonly #directory: string
  /** It was opened by. */
  readonly #name: string

  constructor(descriptor: number, directory: string, name: string) {
    this.#name = name
    this.#descriptor = descriptor
    this.#directory = directory
  }

  read(target: Uint8Array, position: number): number {
    let done = 0
    try {
      while (done < target.length) {
        const count = readSync(this.#descriptor, target, done, target.length - done, position + done)
        if (count === 0) break
        done += count
      }
    } catch (error) {
      // The system does not say of which file.
      const where = `${this.#name} at byte ${position + done}`
      throw Object.assign(new Error(`${where}: ${String(error)}`, { cause: error }), {
        code: errorCode(error),
        syscall: 'read',
      })
    }
    return done
  }

  write(source: Uint8Array, position: number): number {
    return writeSync(this.#descriptor, source, 0, source.length, position)
  }

  preallocate(from: number, to: number): void {
    for (let position = from; position < to; position += ZEROS.length) {
      writeFully(this, ZEROS.subarray(0, Math.min(ZEROS.length, to - position)), position)
    }
  }

  truncate(size: number): void {
    ftruncateSync(this.#descriptor, size)
  }

  sync(): void {
    fdatasyncSync(this.#descriptor)
  }

  size(): number {
    return fstatSync(this.#descriptor).size
  }

  isNamed(name: string): boolean {
    const named = statSync(join(this.#directory, name), { throwIfNoEntry: false })
    const { ino, dev } = fstatSync(this.#descriptor)
    return named?.ino === ino && named.dev === dev
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

export class RealDisk implements Disk {
  readonly path: string
  readonly sharedPath: string

  private constructor(path: string) {
    this.path = path
    this.sharedPath = path
  }

  /** The directory at `path`, made with mode 0700 if it is not there. */
  static open(path: string): RealDisk {
    makeDirectory(path, DIRECTORY_MODE)
    return new RealDisk(path)
  }

  open(name: string, mode: OpenMode): DiskFile {
    return new RealFile(openSync(join(this.path, name), FLAGS[mode], FILE_MODE), this.path, name)
  }

  rename(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to))
  }

  link(from: string, to: string): void {
    linkSync(join(this.path, from), join(this.path, to))
  }

  unlink(name: string): void {
    unlinkSync(join(this.path, name))
  }

  list(): string[] {
    return readdirSync(this.path, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort()
  }

  syncDirectory(): void {
    const descriptor = openSync(this.path, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}
