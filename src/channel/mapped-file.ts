/**
 * A plain file of the shared-memory directory, mapped whole: what lanes and bells lie in when their users are processes.
 *
 * Ready by its content: who makes it fills it, and its reader finds a magic number that was stored last. All of its memory
 * is asked for when it is made, so touching it never kills anybody. The name is given by the server, which also removes it;
 * the memory lives on until the last mapping of it has gone.
 *
 * Whoever may write the file could also shorten it, and so end all who map it: it is open to its own user alone.
 * Not for tables: those are MappedRegion, with locks, a state and a name that others look for.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { OperationError } from '../base/errors.js'
import { MAX_SEGMENT_BYTES } from '../base/limits.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import { formatSize } from '../base/size.js'
import type { WordIndex } from '../memory/layout.js'
import { cannotMap } from '../memory/mapping.js'
import { unmapWith } from '../memory/mapping-end.js'
import { Native } from '../memory/native.js'
import type { Region, Segment } from '../memory/region.js'
import { openTrusted } from '../memory/region-file.js'
import { SAFELY } from '../memory/region-name.js'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'

/** To its user alone. */
export const FILE_MODE = 0o600

/** What another thread needs to map the same file; a structured clone, since a mapping cannot be posted. */
export interface MappedFileHandle {
  readonly kind: 'file'
  readonly path: string
}

/** Of one process, or of several. */
export type SharedHandle = SharedArrayHandle | MappedFileHandle

export class MappedFile implements Region {
  readonly kind = 'mapped'
  readonly path: string
  readonly bytes: number
  readonly segments: readonly Segment[]
  readonly #native: Native
  readonly #address: number

  private constructor(native: Native, path: string, descriptor: number, bytes: number) {
    const mapping = native.map(descriptor, 0, bytes)
    if (mapping === undefined) throw cannotMap(path, bytes)
    const { address, buffer } = mapping
    unmapWith(buffer, native, address, bytes)
    this.#native = native
    this.#address = address
    this.path = path
    this.bytes = bytes
    this.segments = [
      {
        words: new Int32Array(buffer),
        floats: new Float64Array(buffer),
        longs: new BigInt64Array(buffer),
        bytes: Buffer.from(buffer) as unknown as NativeBuffer,
      },
    ]
  }

  /** Makes a file of zeros. Throws OperationError FULL if there is no memory for it, and EEXIST if the name is taken. */
  static create(path: string, bytes: number): MappedFile {
    const native = Native.load()
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFELY
    const descriptor = openSync(path, flags, FILE_MODE)
    try {
      fchmodSync(descriptor, FILE_MODE)
      ftruncateSync(descriptor, bytes)
      if (!native.allocate(descriptor, 0, bytes)) throw full(path, bytes)
      return new MappedFile(native, path, descriptor, bytes)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    } finally {
      closeSync(descriptor)
    }
  }

  /**
   * Maps a file that is there; undefined if it is not. Throws OperationError REFUSED for one that is not to be trusted,
   * MISMATCH for one of an impossible size.
   */
  static open(path: string): MappedFile | undefined {
    const native = Native.load()
    const descriptor = openTrusted(path, FILE_MODE)
    if (descriptor === undefined) return undefined
    try {
      const { size } = fstatSync(descriptor)
      if (size === 0 || size % 64 !== 0 || size > MAX_SEGMENT_BYTES)
        throw new OperationError(
          'MISMATCH',
          `${path} has ${size} bytes, which no shared file of a server has.`,
        )
      return new MappedFile(native, path, descriptor, size)
    } finally {
      closeSync(descriptor)
    }
  }

  wait(at: WordIndex, expected: number, timeoutMs: number): void {
    this.#native.futexWait(this.#address + at * 4, expected, timeoutMs)
  }

  notify(at: WordIndex): void {
    this.#native.futexWake(this.#address + at * 4)
  }

  /** Gives its memory back, though it stays mapped until the collector comes by. Who touches it finds zeros. */
  discard(): void {
    this.#native.discard(this.#address, this.bytes)
  }

  share(): MappedFileHandle {
    return { kind: 'file', path: this.path }
  }
}

/** Attaches what another thread shared. Throws OperationError SERVER_GONE if its file has been removed. */
export function attachShared(handle: SharedHandle): Region {
  if (handle.kind === 'threads') return SharedArrayRegion.attach(handle)
  const file = MappedFile.open(handle.path)
  if (file === undefined)
    throw new OperationError('SERVER_GONE', `${handle.path} is not there any more.`, {
      outcome: 'not-applied',
    })
  return file
}

function full(path: string, bytes: number): OperationError {
  const directory = dirname(path)
  const { bavail, blocks, bsize } = statfsSync(directory)
  return new OperationError(
    'FULL',
    `no room for ${formatSize(bytes)} of lanes: ${directory} has ${formatSize(bavail * bsize)} of ` +
      `${formatSize(blocks * bsize)} left. Make it larger (docker run --shm-size=1g, or mount -o ` +
      `remount,size=1g ${directory}), or give clients a smaller window.`,
  )
}
