/**
 * What may go from a data directory. Nothing goes before what replaces it has been read back whole; the order in
 * which removals reach the disk does not matter, since recovery looks only at what it needs.
 */
import type { Disk } from './disk.js'
import { segmentNumber } from './format.js'
import { snapshotLsn } from './snapshot-format.js'

/** Removes what unfinished work left. */
export function removeLeftovers(disk: Disk): void {
  const leftovers = disk.list().filter((name) => name.endsWith('.tmp'))
  for (const name of leftovers) disk.unlink(name)
  if (leftovers.length > 0) disk.syncDirectory()
}

/** Removes segments below number `firstSegment` and snapshots of positions below `snapshotAt`. */
export function removeObsolete(disk: Disk, snapshotAt: number, firstSegment: number): void {
  const obsolete = disk.list().filter((name) => {
    const isOldSegment = (segmentNumber(name) ?? Infinity) < firstSegment
    return isOldSegment || (snapshotLsn(name) ?? Infinity) < snapshotAt
  })
  for (const name of obsolete) disk.unlink(name)
  if (obsolete.length > 0) disk.syncDirectory()
}
