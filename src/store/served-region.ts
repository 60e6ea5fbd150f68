/**
 * Who serves a name: the region of a served table, and the one byte of its file that its server keeps locked.
 *
 * A name is taken and given up under its lock. The server's byte lies behind those of the participants, and is locked
 * before the region gets its name; so whoever finds a served region knows at once whether its server lives, whatever
 * became of the process: the kernel takes the lock back with it. What a dead server has left is retired before its
 * successor's region appears, and what processes share directly is never taken over.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { geometry } from '../memory/geometry.js'
import { HEADER, REGION_ROLE } from '../memory/header.js'
import { type MappedHandle, MappedRegion, retireLocked } from '../memory/mapped-region.js'
import { withNameLock } from '../memory/name-lock.js'
import { Native } from '../memory/native.js'
import type { Presence } from '../memory/region.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { sweepLeftovers } from '../memory/region-sweep.js'
import { SERVER_RECORD } from '../memory/served-files.js'
import { Space, type TableFacts } from '../table/space.js'

const FILE_MODE = 0o600
const NAME_LOCK_TIMEOUT_MS = 10_000

/**
 * Makes the region of a served table and takes its name; nobody reads it while it `isRecovering`. `announce` runs last, still under the name's lock. Throws
 * OperationError REFUSED if a live server has the name or processes share a table of that name, FULL without memory.
 */
export function takeName(
  name: RegionName,
  facts: TableFacts,
  nowMs: number,
  isRecovering: boolean,
  announce: (region: MappedRegion) => void,
): MappedRegion {
  const native = Native.load()
  const shape = geometry(facts.capacityBytes, 2 ** facts.stripeBits)
  const region = withNameLock(native, name, FILE_MODE, NAME_LOCK_TIMEOUT_MS, () => {
    checkIsFree(native, name)
    retireLocked(name, FILE_MODE)
    const created = MappedRegion.createLocked(native, name, shape, FILE_MODE, (fresh) => {
      const { words } = fresh.segments[0]!
      Space.layOut(fresh, facts, nowMs)
      words[HEADER.role] = REGION_ROLE.SERVED
      words[HEADER.serverProcess] = process.pid
      words[HEADER.isRecovering] = isRecovering ? 1 : 0
      fresh.presence.claim(SERVER_RECORD)
    })
    try {
      announce(created)
    } catch (error) {
      retireLocked(name, FILE_MODE)
      created.presence.close()
      throw error
    }
    return created
  })
  sweepLeftovers(native)
  return region
}

/** Gives the name up: readers of the region are told. `conceal` undoes what `announce` did. Does nothing a second time. */
export function giveNameUp(region: MappedRegion, conceal: () => void): void {
  withNameLock(Native.load(), region.name, FILE_MODE, NAME_LOCK_TIMEOUT_MS, () => {
    // Somebody else may have the name by now: then what is there is theirs.
    if (region.isOrphan()) return
    conceal()
    retireLocked(region.name, FILE_MODE)
  })
}

function checkIsFree(native: Native, name: RegionName): void {
  let found: MappedRegion | undefined
  try {
    found = MappedRegion.open(native, name, FILE_MODE)
  } catch (error) {
    // Damaged, or of another layout: replaced.
    if (!isOperationError(error, 'MISMATCH')) throw error
  }
  if (found === undefined) return
  const { words } = found.segments[0]!
  const isServed = words[HEADER.role] === REGION_ROLE.SERVED
  const lives = isServed ? found.presence.isPresent(SERVER_RECORD) : !found.isRetired
  const server = words[HEADER.serverProcess]!
  found.presence.close()
  if (!lives) return
  throw new OperationError(
    'REFUSED',
    isServed
      ? `'${name.name}' is served by process ${server}, which is alive: stop it, or choose another name`
      : `there is a table '${name.name}' that processes share directly: choose another name, or remove it (hearth rm)`,
  )
}

/** The region that another thread's handle tells of. Throws OperationError CLOSED if it has no name any more. */
export function attachByName({ name, id }: MappedHandle): MappedRegion {
  const region = MappedRegion.open(Native.load(), regionName(name), FILE_MODE)
  if (region !== undefined && region.id.join() === id.join()) return region
  region?.presence.close()
  throw new OperationError('CLOSED', `the table '${name}' that was shared is gone`)
}

/** Whether the server of a region lives, by somebody's opening of it. One system call. */
export function isServed(presence: Presence): boolean {
  return presence.isPresent(SERVER_RECORD)
}
