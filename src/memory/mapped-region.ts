/**
 * The region of every process of a machine: a file of /dev/shm, mapped at its full, sparse size from the start.
 *
 * Published by its name: a file gets it by `link` once it is complete, so nobody ever sees half of one. The state word
 * says RETIRED before the name goes, so nobody goes on with a table that others no longer see.
 *
 * A mapping lives as long as any view of it (mapping.ts). Worker threads map the file themselves: a mapped buffer that is
 * posted is copied.
 *
 * The system gives memory when a page is first touched, and kills who touches one when there is none left; so pages are
 * asked for (`commit`) before they are used.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { formatSize } from '../base/size.js'
import type { Geometry, SegmentGeometry } from './geometry.js'
import { HEADER, REGION_STATE } from './header.js'
import { KernelPresence } from './kernel-presence.js'
import type { WordIndex } from './layout.js'
import { mapSegments } from './mapping.js'
import type { Native } from './native.js'
import type { Region, Segment } from './region.js'
import {
  bootIdOf,
  checkRemovable,
  leadsTo,
  openRegionFile,
  readFront,
  segmentBytesOf,
} from './region-file.js'
import { type RegionName, SAFELY } from './region-name.js'
import { PAGE_BYTES } from './size-classes.js'

/** What another thread needs to attach: it opens the name, and looks whether it still is this region. */
export interface MappedHandle {
  readonly kind: 'mapped'
  /** None: what is mapped cannot be posted. */
  readonly buffers: readonly SharedArrayBuffer[]
  readonly name: string
  /** The region's boot id. */
  readonly id: readonly number[]
  /** Whoever shares it may only read, and so may who attaches. */
  readonly access?: 'ro'
}

/** Of housekeeping: about a second. */
const TURNS_PER_LOOK = 10

export class MappedRegion implements Region {
  readonly kind = 'mapped'
  readonly segments: readonly Segment[]
  readonly presence: KernelPresence
  readonly name: RegionName
  readonly #native: Native
  readonly #segmentBytes: readonly number[]
  /** Of the first word of segment 0. */
  readonly #address: number
  #isShort = false
  #turns = 0

  private constructor(
    native: Native,
    name: RegionName,
    segmentBytes: readonly number[],
    descriptor: number,
    path: string,
  ) {
    this.#native = native
    this.name = name
    this.#segmentBytes = segmentBytes
    const { address, segments } = mapOwnOpening(native, path, descriptor, segmentBytes)
    this.#address = address
    this.segments = segments
    this.presence = new KernelPresence(native, descriptor)
  }

  /**
   * Makes a region under a temporary name and lets `layOut` fill it before it gets its own. Needs the lock of the name,
   * and no region under it. Throws OperationError FULL if there is no memory even for its front.
   */
  static createLocked(
    native: Native,
    name: RegionName,
    shape: Geometry,
    fileMode: number,
    layOut: (region: MappedRegion) => void,
  ): MappedRegion {
    rmSync(name.newPath, { force: true })
    const segmentBytes = shape.segments.map((segment) => segment.byteLength)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFELY
    const descriptor = openSync(name.newPath, flags, 0o600)
    try {
      // Whatever the umask took away; only then may it be more.
      fchmodSync(descriptor, fileMode)
      ftruncateSync(descriptor, totalOf(segmentBytes))
      allocateFronts(native, name, descriptor, shape.segments)
      const region = new MappedRegion(native, name, segmentBytes, descriptor, name.newPath)
      layOut(region)
      linkSync(name.newPath, name.path)
      return region
    } catch (error) {
      closeSync(descriptor)
      throw error
    } finally {
      rmSync(name.newPath, { force: true })
    }
  }

  /**
   * Opens the region of that name; undefined if there is none. It may have been retired. Throws OperationError REFUSED for
   * a file that is not to be trusted, MISMATCH for one that is no such region.
   */
  static open(native: Native, name: RegionName, fileMode: number): MappedRegion | undefined {
    for (;;) {
      const descriptor = openRegionFile(name, fileMode)
      if (descriptor === undefined) return undefined
      try {
        const segmentBytes = segmentBytesOf(name, descriptor, readFront(name, descriptor))
        return new MappedRegion(native, name, segmentBytes, descriptor, name.path)
      } catch (error) {
        closeSync(descriptor)
        if (!(error instanceof ReplacedError)) throw error
      }
    }
  }

  /** Whether the file's own state word says that its successor, or nobody, has the name now. */
  get isRetired(): boolean {
    return Atomics.load(this.segments[0]!.words, HEADER.state) !== REGION_STATE.READY
  }

  /** Whether the name no longer leads to this region: retired, or its file removed by other means. */
  isOrphan(): boolean {
    const { descriptor } = this.presence
    return this.isRetired || descriptor < 0 || !leadsTo(this.name.path, descriptor)
  }

  get id(): readonly number[] {
    return bootIdOf(this.segments[0]!.words)
  }

  /**
   * Looks once in a while whether the name still leads here. If not (its file was removed or replaced by other means), who
   * opens the name gets another table; those who have this one are told, as when it was removed in order.
   */
  tend(): void {
    if (++this.#turns % TURNS_PER_LOOK !== 0) return
    try {
      if (!this.isOrphan()) return
    } catch {
      // The directory cannot be looked into: that says nothing about the table.
      return
    }
    Atomics.store(this.segments[0]!.words, HEADER.state, REGION_STATE.RETIRED)
  }

  wait(at: WordIndex, expected: number, timeoutMs: number): void {
    this.#native.futexWait(this.#address + at * 4, expected, timeoutMs)
  }

  notify(at: WordIndex): void {
    this.#native.futexWake(this.#address + at * 4)
  }

  commit(segment: number, firstByte: number, bytes: number): boolean {
    const { descriptor } = this.presence
    assert(descriptor >= 0, 'memory is asked for by an open region')
    const offset = totalOf(this.#segmentBytes.slice(0, segment)) + firstByte
    this.#isShort = !this.#native.allocate(descriptor, offset, bytes)
    return !this.#isShort
  }

  shortage(): string | undefined {
    return this.#isShort ? shortageOf(this.name.directory) : undefined
  }

  share(): MappedHandle {
    return { kind: 'mapped', buffers: [], name: this.name.name, id: this.id }
  }
}

/**
 * Takes the name from the region that has it: marked as retired first, then removed. Needs the lock of the name. False if
 * there is none. Throws OperationError REFUSED for a file that is not ours to remove.
 */
export function retireLocked(name: RegionName, fileMode: number): boolean {
  rmSync(name.newPath, { force: true })
  const descriptor = openRegionFile(name, fileMode)
  if (descriptor === undefined) return false
  try {
    const stats = fstatSync(descriptor)
    // First, or a table would be given up whose name then stays.
    checkRemovable(name, stats)
    const isWhole = stats.size >= PAGE_BYTES
    if (isWhole) writeSync(descriptor, Int32Array.of(REGION_STATE.RETIRED), 0, 4, HEADER.state * 4)
    unlinkSync(name.path)
  } finally {
    closeSync(descriptor)
  }
  return true
}

/** The path leads to another file than the one that was opened: it was replaced in between. */
class ReplacedError extends Error {}

/** Through an opening of its own: a mapping keeps its file open, and with it the locks taken through it. */
function mapOwnOpening(
  native: Native,
  path: string,
  descriptor: number,
  segmentBytes: readonly number[],
): { address: number; segments: Segment[] } {
  const mapped = openAgain(path)
  try {
    if (!leadsTo(path, descriptor) || fstatSync(mapped).ino !== fstatSync(descriptor).ino)
      throw new ReplacedError()
    return mapSegments(native, mapped, path, segmentBytes, 'write')
  } finally {
    closeSync(mapped)
  }
}

/** Throws ReplacedError if the path has been given up, or leads to what the first opening would have refused. */
function openAgain(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | SAFELY)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ELOOP', 'EACCES', 'EISDIR', 'ENXIO'].includes(code)) throw new ReplacedError()
    throw error
  }
}

/** Everything before the pages of each segment is there from the start. */
function allocateFronts(
  native: Native,
  name: RegionName,
  descriptor: number,
  segments: readonly SegmentGeometry[],
): void {
  let offset = 0
  for (const { firstPage, byteLength } of segments) {
    const frontBytes = firstPage * PAGE_BYTES
    if (!native.allocate(descriptor, offset, frontBytes))
      throw new OperationError(
        'FULL',
        `no room for the ${formatSize(frontBytes)} that '${name.name}' needs at once: ${shortageOf(name.directory)}.`,
      )
    offset += byteLength
  }
}

function shortageOf(directory: string): string {
  const { bavail, blocks, bsize } = statfsSync(directory)
  return (
    `${directory} has ${formatSize(bavail * bsize)} of ${formatSize(blocks * bsize)} left. Make it larger ` +
    `(docker run --shm-size=1g, or mount -o remount,size=1g ${directory}), or remove tables that nobody uses`
  )
}

function totalOf(bytes: readonly number[]): number {
  return bytes.reduce((sum, some) => sum + some, 0)
}
