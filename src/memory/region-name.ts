/**
 * Names of regions, and the files that they stand for.
 *
 *   hearth-v1-NAME        the region: there only once it is complete
 *   hearth-v1.new-NAME    a region being made, under the lock of the name; a leftover once nobody holds that
 *   hearth-v1.lock-NAME   the lock of the name (see name-lock.ts)
 *
 * The layout's version is part of the file name, so that two releases live side by side. Characters beyond letters,
 * digits, `.`, `_` and `-` are escaped as in a URL, so every name is one file and every file one name.
 */
import { constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { OperationError } from '../base/errors.js'
import { LAYOUT_VERSION } from './header.js'

const PREFIX = `hearth-v${LAYOUT_VERSION}`
/** Bytes of an escaped name: file names end at 255. */
const MAX_ESCAPED_BYTES = 200

/** Never through a symbolic link; never waiting for the other end of a pipe. */
export const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface RegionName {
  readonly name: string
  readonly directory: string
  readonly path: string
  readonly newPath: string
  readonly lockPath: string
}

/**
 * Where named regions live: `/dev/shm`, or what the environment variable HEARTH_SHM_DIR says. Absolute, so that who goes to
 * another directory finds its tables where they are.
 */
export function shmDirectory(): string {
  return resolve(process.env['HEARTH_SHM_DIR'] || '/dev/shm')
}

/** What is wrong when there is no such directory. */
export function noDirectory(directory: string, cause: unknown): OperationError {
  return new OperationError(
    'REFUSED',
    `there is no directory ${directory} for named tables: mount a tmpfs there, or name another one in HEARTH_SHM_DIR`,
    { cause },
  )
}

/** Throws TypeError or RangeError for what cannot be a name. */
export function regionName(name: string): RegionName {
  if (typeof name !== 'string') throw new TypeError(`the name of a table is a string, not ${typeof name}`)
  if (name === '') throw new RangeError('the name of a table has at least one character')
  if (!name.isWellFormed()) throw new TypeError('the name of a table has a lone surrogate in it')
  const escaped = escapeName(name)
  if (escaped.length > MAX_ESCAPED_BYTES) {
    throw new RangeError(
      `the name of a table takes at most ${MAX_ESCAPED_BYTES} bytes, this one ${escaped.length} ` +
        '(three for each byte that is no letter, digit, dot, underscore or hyphen)',
    )
  }
  const directory = shmDirectory()
  return {
    name,
    directory,
    path: join(directory, `${PREFIX}-${escaped}`),
    newPath: join(directory, `${PREFIX}.new-${escaped}`),
    lockPath: join(directory, `${PREFIX}.lock-${escaped}`),
  }
}

/** The name whose region a file of that name is; undefined if it is none. */
export function nameOfFile(file: string): string | undefined {
  return unescapeName(file, '-')
}

/** The name for which a file of that name is of passing use: a lock, or a region being made. */
export function nameOfPassingFile(file: string): string | undefined {
  return unescapeName(file, '.new-') ?? unescapeName(file, '.lock-')
}

function unescapeName(file: string, infix: string): string | undefined {
  const escaped = file.slice(PREFIX.length + infix.length)
  if (!file.startsWith(`${PREFIX}${infix}`) || escaped === '') return undefined
  try {
    const name = decodeURIComponent(escaped)
    return escapeName(name) === escaped ? name : undefined
  } catch {
    return undefined
  }
}

function escapeName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*~]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
