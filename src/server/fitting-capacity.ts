/** How much memory a node takes if nobody says: a usual amount, or what the shared-memory directory has room for. */
import { statfsSync } from 'node:fs'
import { MIB, MIN_CAPACITY_BYTES } from '../base/limits.js'
import { shmDirectory } from '../memory/region-name.js'

const USUAL_BYTES = 256 * MIB
/** Of what is free there: others want some, and the region needs a little beside the table. */
const SHARE = 0.75

/** `inShm`: the table lies in the shared-memory directory, if there is one. */
export function fittingCapacity(inShm: boolean): number {
  if (!inShm) return USUAL_BYTES
  const freeBytes = freeShmBytes()
  if (freeBytes === undefined) return USUAL_BYTES
  const fitting = Math.floor((freeBytes * SHARE) / MIB) * MIB
  return Math.max(MIN_CAPACITY_BYTES, Math.min(USUAL_BYTES, fitting))
}

/** Undefined where there is no such directory. */
function freeShmBytes(): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(shmDirectory())
    return bavail * bsize
  } catch {
    return undefined
  }
}
