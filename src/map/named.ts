/**
 * Named tables: what `SharedMap.open`, `list` and `unlink` do.
 *
 * A region that is there and fits is opened without any lock. Everything else (there is none, it does not fit, it was
 * retired) is decided again under the lock of the name, so that of twenty who come at once one creates and the others
 * get what it made. A region can still be retired between opening and joining it: then it is tried again.
 */
import { closeSync, statSync } from 'node:fs'
import { wallClockMs } from '../base/clock.js'
import { isOperationError, OperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { geometry } from '../memory/geometry.js'
import { HEADER, REGION_ROLE } from '../memory/header.js'
import { type MappedHandle, MappedRegion, retireLocked } from '../memory/mapped-region.js'
import { withNameLock } from '../memory/name-lock.js'
import { Native } from '../memory/native.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import { openRegionFile, readFront } from '../memory/region-file.js'
import { listRegions } from '../memory/region-list.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { sweepLeftovers } from '../memory/region-sweep.js'
import { removeServedLocked, SERVER_RECORD } from '../memory/served-files.js'
import type { SharedArrayRegion } from '../memory/shared-array-region.js'
import { readFacts, Space } from '../table/space.js'
import { type OpenOptions, OpenTerms } from './open-terms.js'

/** A named table as `SharedMap.list` shows it. */
export interface NamedTable {
  readonly name: string
  /** 'retired': given up, and to be replaced by the next who opens it. 'damaged': not a table of this layout. */
  readonly state: 'ready' | 'retired' | 'damaged'
  /** 'direct': its users share it and all may write. 'served': one process owns it, clients ask that one. */
  readonly role: 'direct' | 'served'
  /** Size of the file; what was never used of it takes no memory. */
  readonly sizeBytes: number
  /** Memory that it takes now. */
  readonly usedBytes: number
  /** Threads of all processes that use it now. */
  readonly participants: number
  /** 0 for a damaged one, as below. */
  readonly capacityBytes: number
  readonly createdAtMs: number
  /** Names of the codecs. */
  readonly keys: string
  readonly values: string
}

/** A region with the codecs that go with it, ready to be joined. */
export interface Attached<K, V> {
  readonly region: SharedArrayRegion | MappedRegion | ReadOnlyRegion
  readonly keys: Codec<K>
  readonly values: Codec<V>
  /** Entries to have buckets for; 0 unless it was made here. */
  readonly initialSize: number
}

interface NamedAttached<K, V> extends Attached<K, V> {
  readonly region: MappedRegion
}

/** Times that a region may be retired just before it is joined; each time somebody else has got further. */
const MOST_TRIES = 20
/** How long creating or replacing waits for others who do so: they are through in milliseconds. */
const NAME_LOCK_TIMEOUT_MS = 10_000
const DEFAULT_FILE_MODE = 0o600

/** Opens or creates the region as `options` say, and joins it with `join`. */
export function openNamed<K, V, Joined>(
  name: string,
  options: OpenOptions<K, V>,
  join: (attached: NamedAttached<K, V>) => Joined,
): Joined {
  const parsed = regionName(name)
  const terms = new OpenTerms(name, options)
  const opener = new Opener(Native.load(), parsed, terms)
  for (let tries = 1; ; tries++) {
    const attached = opener.open()
    try {
      return join(attached)
    } catch (error) {
      attached.region.presence.close()
      if (!isOperationError(error, 'CLOSED') || tries === MOST_TRIES) throw error
    }
  }
}

/** The region that `share()` of another thread told of. */
export function attachNamed({ name, id, access }: MappedHandle): MappedRegion | ReadOnlyRegion {
  const kind = access === 'ro' ? ReadOnlyRegion : MappedRegion
  const region = kind.open(Native.load(), regionName(name), 0o777)
  if (region !== undefined && region.id.join() === id.join()) return region
  region?.presence.close()
  throw new OperationError(
    'CLOSED',
    `the table '${name}' that was shared is gone: its name was removed or given to another`,
  )
}

/**
 * Gives the name up: who uses the table now gets CLOSED from then on. False if there was none. Throws OperationError SERVED
 * while a server has it: it would go on serving what nobody finds, beside the next one of its name.
 */
export function unlinkNamed(name: string): boolean {
  const parsed = regionName(name)
  const mode = statSync(parsed.path, { throwIfNoEntry: false })?.mode ?? DEFAULT_FILE_MODE
  const fileMode = (mode & 0o666) | DEFAULT_FILE_MODE
  const native = Native.load()
  return withNameLock(native, parsed, fileMode, NAME_LOCK_TIMEOUT_MS, () => {
    refuseServedLocked(native, parsed, fileMode)
    const wasThere = retireLocked(parsed, fileMode)
    removeServedLocked(parsed)
    return wasThere
  })
}

function refuseServedLocked(native: Native, name: RegionName, fileMode: number): void {
  const descriptor = openRegionFile(name, fileMode)
  if (descriptor === undefined) return
  try {
    if (!native.isByteLocked(descriptor, SERVER_RECORD)) return
    const server = readFront(name, descriptor).words[HEADER.serverProcess]!
    throw new OperationError(
      'SERVED',
      `'${name.name}' is served by process ${server}, which is alive: stop it first`,
    )
  } finally {
    closeSync(descriptor)
  }
}

export function listNamed(): NamedTable[] {
  return listRegions(Native.load()).map(({ name, front, ...report }) => {
    const facts = report.state === 'damaged' ? undefined : readFacts({ segments: [front] })
    return {
      name: name.name,
      role: isServedFront(front) ? 'served' : 'direct',
      ...report,
      capacityBytes: facts?.capacityBytes ?? 0,
      createdAtMs: facts === undefined ? 0 : front.floats[HEADER.createdAtMs >>> 1]!,
      keys: facts?.keyCodec ?? '',
      values: facts?.valueCodec ?? '',
    }
  })
}

function isServedFront({ words }: { readonly words: Int32Array }): boolean {
  return words[HEADER.role] === REGION_ROLE.SERVED
}

function howServed({ presence }: MappedRegion): string {
  return presence.isPresent(SERVER_RECORD)
    ? 'is served: connect a client to write to it'
    : 'was served by a process that has ended: start a server of that name, or remove it (hearth rm)'
}

/** Opens for reading and writing. */
class Opener<K, V> {
  readonly #native: Native
  readonly #name: RegionName
  readonly #terms: OpenTerms<K, V>
  readonly #mayReplace: boolean
  /** Whether there was one that did not fit, and that is to be replaced. */
  #hasReplaced = false

  constructor(native: Native, name: RegionName, terms: OpenTerms<K, V>) {
    this.#native = native
    this.#name = name
    this.#terms = terms
    const { onMismatch, mode = 'openOrCreate' } = terms.options
    this.#mayReplace = onMismatch === 'recreate' && mode === 'openOrCreate'
  }

  open(): NamedAttached<K, V> {
    const { mode, logger } = this.#terms.options
    if (mode !== 'create') {
      const there = this.#look(true)
      if (there !== undefined) return there
    }
    const attached = withNameLock(
      this.#native,
      this.#name,
      this.#terms.fileMode,
      NAME_LOCK_TIMEOUT_MS,
      () => {
        const there = this.#look(false)
        if (there !== undefined && mode === 'create') {
          there.region.presence.close()
          throw new OperationError('MISMATCH', `there is a table '${this.#name.name}' already`)
        }
        if (there !== undefined) return there
        if (mode === 'open') throw new OperationError('MISMATCH', `there is no table '${this.#name.name}'`)
        retireLocked(this.#name, this.#terms.fileMode)
        return this.#createLocked()
      },
    )
    sweepLeftovers(this.#native)
    if (this.#hasReplaced)
      logger?.warn(
        `the table '${this.#name.name}' was not what is asked for here, and was replaced by an empty one`,
      )
    this.#hasReplaced = false
    return attached
  }

  /**
   * The region, if it is there, in use, and fits. `isHasty`: nothing is decided if it does not, since somebody may be
   * replacing it; else what does not fit throws, unless it is to be replaced.
   */
  #look(isHasty: boolean): NamedAttached<K, V> | undefined {
    let region: MappedRegion | undefined
    try {
      region = MappedRegion.open(this.#native, this.#name, this.#terms.fileMode)
      if (region === undefined) return undefined
      if (!region.isRetired) return this.#agree(region)
    } catch (error) {
      region?.presence.close()
      if (!isOperationError(error, 'MISMATCH')) throw error
      if (!isHasty && !this.#mayReplace) throw error
      if (!isHasty) this.#hasReplaced = true
      return undefined
    }
    region.presence.close()
    return undefined
  }

  #agree(region: MappedRegion): NamedAttached<K, V> {
    if (region.segments[0]!.words[HEADER.role] !== REGION_ROLE.DIRECT)
      throw new OperationError('SERVED', `'${this.#name.name}' ${howServed(region)}`)
    return { region, ...this.#terms.agree(region), initialSize: 0 }
  }

  #createLocked(): NamedAttached<K, V> {
    const { facts, options, fileMode, keys, values, initialSize } = this.#terms
    const shape = geometry(facts.capacityBytes, 2 ** facts.stripeBits)
    const nowMs = (options.clock ?? wallClockMs)()
    const region = MappedRegion.createLocked(this.#native, this.#name, shape, fileMode, (fresh) =>
      Space.layOut(fresh, facts, nowMs),
    )
    return { region, keys, values, initialSize }
  }
}
