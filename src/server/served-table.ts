/**
 * The table of a server with what clients reach it by: under a name for every process, or in memory of this process alone.
 *
 * A name is taken under its lock, with all that belongs to it: what a dead server left is swept, the bell made, and the
 * registration socket put in place. Clients that come at once wait there until the server is ready.
 */
import { isOperationError } from '../base/errors.js'
import { Bell } from '../channel/bell.js'
import { HEADER } from '../memory/header.js'
import type { MappedRegion } from '../memory/mapped-region.js'
import { UnsupportedError } from '../memory/native.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { bellPath, sweepServedLocked } from '../memory/served-files.js'
import { DirectStore } from '../store/direct-store.js'
import { type DirectStoreOptions, factsOf } from '../store/direct-store-options.js'
import { giveNameUp, takeName } from '../store/served-region.js'
import { type Admission, ControlServer } from './control-server.js'

export interface ServedTable {
  readonly store: DirectStore
  readonly bell: Bell
  /** Undefined for a table without a name. */
  readonly region: MappedRegion | undefined
  /** The table holds what it is to hold, and clients are taken in. */
  opened(admission: Admission): void
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
  return { store, bell: Bell.create(), region: undefined, opened: () => {}, close: () => store.close() }
}

function openNamed(name: RegionName, options: DirectStoreOptions, release: string): ServedTable {
  const parts: { bell?: Bell; control?: ControlServer } = {}
  const facts = factsOf(options)
  const isRecovering = options.isSequenced === true
  const region = takeName(name, facts, Date.now(), isRecovering, () => {
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
    const opened = (admission: Admission): void => {
      Atomics.store(region.segments[0]!.words, HEADER.isRecovering, 0)
      control.open(admission)
    }
    return { store, bell, region, opened, close }
  } catch (error) {
    giveUp()
    throw error
  }
}
