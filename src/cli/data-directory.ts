/**
 * The argument DIR of commands that look at a data directory: what it is, opened for reading. A node may be writing to it.
 */
import { statSync } from 'node:fs'
import { readIdentity } from '../log/directory.js'
import { errorCode } from '../log/disk.js'
import { IDENTITY_NAME, type Identity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { CouldNotError, UsageError } from './exit.js'

export interface DataDirectory {
  readonly path: string
  readonly disk: RealDisk
  readonly identity: Identity
}

/** Throws {@link UsageError} if there is no data directory at `path`, CORRUPT if it does not know itself any more. */
export function openDataDirectory(path: string): DataDirectory {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new UsageError(`there is no directory ${path}`)
  if (!stat.isDirectory()) throw new UsageError(`${path} is no directory`)
  const disk = asCouldNot(() => RealDisk.open(path))
  const identity = asCouldNot(() => readIdentity(disk))
  if (identity === undefined)
    throw new UsageError(`${path} holds no data of a node: there is no ${IDENTITY_NAME}`)
  return { path, disk, identity }
}

const MAX_ATTEMPTS = 10

/**
 * Runs `read`, again if a file went away meanwhile: a node that writes to the directory removes what a new snapshot has
 * replaced. What the system refuses becomes {@link CouldNotError}.
 */
export function readWhileInUse<T>(read: () => T): T {
  return asCouldNot(() => {
    for (let attempt = 1; ; attempt++) {
      try {
        return read()
      } catch (error) {
        if (errorCode(error) !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error
      }
    }
  })
}

/** An error of the system is no bug of ours. */
export function asCouldNot<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new CouldNotError(error.message)
    throw error
  }
}
