/**
 * The table of a server with what clients reach it by: under a name for every process, or in memory of this process alone.
 *
 * A name is taken under its lock, with all that belongs to it: what a dead server left is swept, the bell made, and the
 * registration socket put in place. Clients that come at once wait there until the server is ready.
 */
import { isOperationError } from '../base/errors.js'
import { Bell } from '../channel/bell.js'
import type { MappedRegion } from '../memory/mapped-region.js'
import { UnsupportedError } from '../memory/native.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { DirectStore, type DirectStoreOptions } from '../store/direct-store.js'
import { giveNameUp, takeName } from '../store/served-region.js'
import { ControlServer } from './control-server.js'
import { bellPath, sweepServedLocked } from './lane-paths.js'

export interface ServedTable {
  readonly store: DirectStore
  readonly bell: Bell
  /** Undefined for a table without a name. */
  readonly control: ControlServer | undefined
  readonly region: MappedRegion | undefined
  /** Ends it, and gives the name up. */
  close(): void
}

/** Where no name can be had, `shm` decides: true throws, undefined does without. */
export function openServedTable(
  name: string,
  shm: boolean | undefined,
  options: DirectStoreOptions,
  release: string,
): ServedTable {
  const parsed = regionName(name)
  if (shm === false) return openUnnamed(options)
  try {
    return openNamed(parsed, options, release)
  } catch (error) {
    if (shm === true || !(error instanceof UnsupportedError)) throw error
    return openUnnamed(options)
  }
}

function openUnnamed(options: DirectStoreOptions): ServedTable {
  const store = DirectStore.create(options)
  return { store, bell: Bell.create(), control: undefined, region: undefined, close: () => store.close() }
}

function openNamed(name: RegionName, options: DirectStoreOptions, release: string): ServedTable {
  const parts: { bell?: Bell; control?: ControlServer } = {}
  const region = takeName(name, DirectStore.factsOf(options), Date.now(), () => {
    sweepServedLocked(name)
    parts.bell = Bell.create(bellPath(name))
    parts.control = ControlServer.listenLocked(name, release)
  })
  const { bell, control } = parts as Required<typeof parts>
  const conceal = (): void => {
    control.concealLocked()
    sweepServedLocked(name)
  }
  const giveUp = (): void => {
    control.close()
    try {
      giveNameUp(region, conceal)
    } catch (error) {
      // Somebody holds the lock of the name: who takes the name next clears it.
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
  }
  try {
    const store = DirectStore.join(region, options)
    const close = (): void => {
      giveUp()
      store.close()
    }
    return { store, bell, control, region, close }
  } catch (error) {
    giveUp()
    throw error
  }
}
