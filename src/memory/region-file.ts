/**
 * The file of a named region: opening it with suspicion, and what its first page says.
 *
 * A directory such as /dev/shm is everybody's. A file that is no plain file of this user, or that others may write
 * although nobody asked for that, is refused: mapped memory is trusted, and one who can truncate it can end us.
 * Everything else that does not fit (another size, another magic) is MISMATCH, and may be replaced.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { OperationError } from '../base/errors.js'
import { MAX_CAPACITY_BYTES, MIN_CAPACITY_BYTES } from '../base/limits.js'
import { geometry } from './geometry.js'
import { HEADER, HEADER_WORDS, LAYOUT_VERSION, REGION_MAGIC, REGION_STATE } from './header.js'
import { type RegionName, SAFELY } from './region-name.js'

const MOST_STRIPE_BITS = 17
const PERMISSIONS = 0o777
const OTHERS_WRITE = 0o022
const OTHERS_READ = 0o044
const ROOT = 0
const BOOT_ID_WORDS = 4
/** Of a directory such as /dev/shm: everybody may make files, and only their owners remove them. */
const STICKY = 0o1000

/** The first page of a region, a copy. */
export interface RegionFront {
  readonly words: Int32Array
  readonly floats: Float64Array
}

/** Opens the region's file; undefined if there is none. Throws OperationError REFUSED for a file that is not to be trusted. */
export function openRegionFile(name: RegionName, fileMode: number): number | undefined {
  return openTrusted(name.path, fileMode)
}

/** Opens a file that is there; undefined if it is not. Throws OperationError REFUSED for one that is not to be trusted. */
export function openTrusted(path: string, fileMode: number): number | undefined {
  return openChecked(path, constants.O_RDWR, (stats) => checkOwnership(path, stats, fileMode))
}

/**
 * As {@link openTrusted}, without the right to write. Who may write the file is trusted (to shorten it ends its readers):
 * this user, root, and others only if `fileMode` says so. That of another user needs a `fileMode` that lets others
 * read, as a sign that it is meant.
 */
export function openToRead(path: string, fileMode: number): number | undefined {
  return openChecked(path, constants.O_RDONLY, (stats) => checkWriters(path, stats, fileMode))
}

function openChecked(path: string, flags: number, check: (stats: Stats) => void): number | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, flags | SAFELY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw refusal(path, 'it is a symbolic link')
    if (code === 'EACCES') throw refusal(path, 'it belongs to another user')
    if (code === 'EISDIR' || code === 'ENXIO') throw refusal(path, 'it is no plain file')
    throw error
  }
  try {
    check(fstatSync(descriptor))
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** Throws OperationError REFUSED unless the file is plain, this user's, and open to nobody beyond `fileMode`. */
function checkOwnership(path: string, stats: Stats, fileMode: number): void {
  if (!stats.isFile()) throw refusal(path, 'it is no plain file')
  const isShared = (fileMode & OTHERS_WRITE) !== 0
  if (stats.uid !== process.geteuid?.() && !isShared)
    throw refusal(
      path,
      `it belongs to user ${stats.uid}. To share a table among users, all give the same fileMode`,
    )
  const mode = stats.mode & PERMISSIONS
  if ((mode & ~fileMode) !== 0)
    throw refusal(path, `its mode is ${octal(mode)}, which allows more than the ${octal(fileMode)} asked for`)
}

/** Throws OperationError REFUSED unless the file is plain, and nobody may write it who is not trusted to. */
function checkWriters(path: string, stats: Stats, fileMode: number): void {
  if (!stats.isFile()) throw refusal(path, 'it is no plain file')
  const isOwn = stats.uid === process.geteuid?.() || stats.uid === ROOT
  if (!isOwn && (fileMode & OTHERS_READ) === 0)
    throw refusal(
      path,
      `it belongs to user ${stats.uid}. If that user is trusted, say so with fileMode: 0o644`,
    )
  const others = stats.mode & OTHERS_WRITE & ~fileMode
  if (others !== 0)
    throw refusal(
      path,
      `its mode is ${octal(stats.mode & PERMISSIONS)}, which lets others write. If they are trusted, say so with fileMode: 0o666`,
    )
}

/** Throws OperationError REFUSED if the directory lets only another user remove the file. */
export function checkRemovable(name: RegionName, file: Stats): void {
  const directory = statSync(name.directory)
  const user = process.geteuid?.()
  const isFree = (directory.mode & STICKY) === 0 || user === 0 || user === directory.uid
  if (!isFree && user !== file.uid)
    throw refusal(name.path, `it can be removed or replaced by its owner alone, user ${file.uid}`)
}

/** Whether the path leads to the file that was opened as `descriptor`. */
export function leadsTo(path: string, descriptor: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  const own = fstatSync(descriptor)
  return found !== undefined && found.ino === own.ino && found.dev === own.dev
}

/** What tells the region with these first words from every other. */
export function bootIdOf(words: Int32Array): readonly number[] {
  return Array.from(words.subarray(HEADER.bootId, HEADER.bootId + BOOT_ID_WORDS))
}

/** The first page of the file. Throws OperationError MISMATCH if it is too short for one. */
export function readFront(name: RegionName, descriptor: number): RegionFront {
  const bytes = new ArrayBuffer(HEADER_WORDS * 4)
  if (readSync(descriptor, new Uint8Array(bytes), 0, bytes.byteLength, 0) < bytes.byteLength)
    throw mismatch(name, 'is too short for a table')
  return { words: new Int32Array(bytes), floats: new Float64Array(bytes) }
}

/** Sizes of the segments, from the first page. Throws OperationError MISMATCH if that is no table's or not of this file. */
export function segmentBytesOf(name: RegionName, descriptor: number, front: RegionFront): number[] {
  const { words, floats } = front
  if (words[HEADER.magic] !== REGION_MAGIC) throw mismatch(name, 'is no table')
  if (words[HEADER.layoutVersion] !== LAYOUT_VERSION)
    throw mismatch(
      name,
      `has layout ${words[HEADER.layoutVersion]}, this release reads layout ${LAYOUT_VERSION}`,
    )
  const state = words[HEADER.state]
  if (state !== REGION_STATE.READY && state !== REGION_STATE.RETIRED)
    throw mismatch(name, 'was never finished')
  const capacityBytes = floats[HEADER.capacityBytes >>> 1]!
  const stripeBits = words[HEADER.stripeBits]!
  const isPlausible =
    capacityBytes >= MIN_CAPACITY_BYTES &&
    capacityBytes <= MAX_CAPACITY_BYTES &&
    stripeBits >= 0 &&
    stripeBits <= MOST_STRIPE_BITS
  if (!isPlausible) throw mismatch(name, 'has a damaged header')
  const segmentBytes = geometry(capacityBytes, 2 ** stripeBits).segments.map((segment) => segment.byteLength)
  const totalBytes = segmentBytes.reduce((sum, bytes) => sum + bytes, 0)
  if (fstatSync(descriptor).size !== totalBytes)
    throw mismatch(name, `does not have the ${totalBytes} bytes its header says`)
  return segmentBytes
}

function mismatch(name: RegionName, what: string): OperationError {
  return new OperationError(
    'MISMATCH',
    `the file of '${name.name}' ${what} (${name.path}). Remove the name, or open it with onMismatch: 'recreate'.`,
  )
}

function refusal(path: string, why: string): OperationError {
  return new OperationError('REFUSED', `${path} is not opened: ${why}.`)
}

const octal = (mode: number) => `0${mode.toString(8)}`
