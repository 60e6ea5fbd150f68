/**
 * A server's hold on its data directory: the lock that keeps others out, and who the directory is, which the table must be
 * laid out by. What lies in it is the writer thread's.
 */
import { resolve } from 'node:path'
import { readIdentity } from '../log/directory.js'
import { lockDirectory } from '../log/directory-lock.js'
import { asRefusal } from '../log/disk.js'
import { type Identity, newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'

export interface DataDirectory {
  /** Absolute: the process may change its working directory. */
  readonly path: string
  /** Of a directory that has none yet, the one it will get. */
  readonly identity: Identity
  /** Lets the next one in. */
  release(): Promise<void>
}

/** Makes the directory if it is not there. Throws OperationError REFUSED if another node has it, CORRUPT if it is damaged. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const absolute = resolve(path)
  const lock = await lockDirectory(absolute)
  try {
    const identity = readIdentity(RealDisk.open(absolute)) ?? newIdentity()
    return { path: absolute, identity, release: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw asRefusal(error, absolute)
  }
}
