/**
 * Removes what those who died while they made or removed a named region have left beside it, under the lock of each name,
 * so that nothing is taken from somebody at work. A leftover of the name that is being opened is dealt with there; this is
 * for names that nobody may ever open again.
 */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { withNameLock } from './name-lock.js'
import type { Native } from './native.js'
import { nameOfPassingFile, regionName, shmDirectory } from './region-name.js'

export function sweepLeftovers(native: Native): void {
  const directory = shmDirectory()
  for (const file of readdirSync(directory)) {
    const name = nameOfPassingFile(file)
    if (name !== undefined) sweep(native, join(directory, file), name)
  }
}

function sweep(native: Native, path: string, found: string): void {
  const name = regionName(found)
  try {
    // Its own mode, so that a lock made here for a moment is nobody else's obstacle.
    const fileMode = (statSync(path).mode & 0o666) | 0o600
    withNameLock(native, name, fileMode, 0, () => rmSync(name.newPath, { force: true }))
  } catch {
    // Gone by now, or somebody is at work there, or it is not ours to remove: none of our business.
  }
}
