/**
 * Named tables: what `SharedMap.open`, `list` and `unlink` do.
 *
 * A region that is there and fits is opened without any lock. Everything else (there is none, it does not fit, it was
 * retired) is decided again under the lock of the name, so that of twenty who come at once one creates and the others
 * get what it made. A region can still be retired between opening and joining it: then it is tried again.
 */
import { statSync } from 'node:fs'
import { wallClockMs } from '../base/clock.js'
import { isOperationError, OperationError } from '../base/errors.js'
import { formatSize } from '../base/size.js'
import { type Codec, describe } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { geometry } from '../memory/geometry.js'
import { EVICTION, HEADER, REGION_ROLE } from '../memory/header.js'
import { type MappedHandle, MappedRegion, retireLocked } from '../memory/mapped-region.js'
import { withNameLock } from '../memory/name-lock.js'
import { Native } from '../memory/native.js'
import { listRegions } from '../memory/region-list.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { sweepLeftovers } from '../memory/region-sweep.js'
import type { SharedArrayRegion } from '../memory/shared-array-region.js'
import { readFacts, Space, type TableFacts } from '../table/space.js'
import { agreedCodec } from './agreed-codec.js'
import { checkOptions } from './arguments.js'
import { checkCodec, checkInitialSize, type MapOptions, tableFacts } from './options.js'
import { Transcoder } from './transcoder.js'

export interface OpenOptions<K, V> extends MapOptions<K, V> {
  /** 'open': it must be there; 'create': it must not. Default 'openOrCreate'. */
  readonly mode?: 'openOrCreate' | 'open' | 'create'
  /** 'rw', the default. ('ro' is refused in this version.) */
  readonly access?: 'rw' | 'ro'
  /** What happens when the table that is there does not fit these options. 'recreate' makes an empty one in its place. */
  readonly onMismatch?: 'throw' | 'recreate'
  /** Permissions of the files, and the most that others may have on them. Default 0o600: this user alone. */
  readonly fileMode?: number
}

/** A named table as `SharedMap.list` shows it. */
export interface NamedTable {
  readonly name: string
  /** 'retired': given up, and to be replaced by the next who opens it. 'damaged': not a table of this layout. */
  readonly state: 'ready' | 'retired' | 'damaged'
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
  readonly region: SharedArrayRegion | MappedRegion
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
const TEXT = codecs.string as unknown as Codec<never>

/** Opens or creates the region as `options` say, and joins it with `join`. */
export function openNamed<K, V, Joined>(
  name: string,
  options: OpenOptions<K, V>,
  join: (attached: NamedAttached<K, V>) => Joined,
): Joined {
  const opener = new Opener(regionName(name), options)
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
export function attachNamed({ name, id }: MappedHandle): MappedRegion {
  const region = MappedRegion.open(Native.load(), regionName(name), 0o777)
  if (region !== undefined && region.id.join() === id.join()) return region
  region?.presence.close()
  throw new OperationError(
    'CLOSED',
    `the table '${name}' that was shared is gone: its name was removed or given to another`,
  )
}

/** Gives the name up: who uses the table now gets CLOSED from then on. False if there was none. */
export function unlinkNamed(name: string): boolean {
  const parsed = regionName(name)
  const mode = statSync(parsed.path, { throwIfNoEntry: false })?.mode ?? DEFAULT_FILE_MODE
  const fileMode = (mode & 0o666) | DEFAULT_FILE_MODE
  return withNameLock(Native.load(), parsed, fileMode, NAME_LOCK_TIMEOUT_MS, () =>
    retireLocked(parsed, fileMode),
  )
}

export function listNamed(): NamedTable[] {
  return listRegions(Native.load()).map(({ name, front, ...report }) => {
    const facts = report.state === 'damaged' ? undefined : readFacts({ segments: [front] })
    return {
      name: name.name,
      ...report,
      capacityBytes: facts?.capacityBytes ?? 0,
      createdAtMs: facts === undefined ? 0 : front.floats[HEADER.createdAtMs >>> 1]!,
      keys: facts?.keyCodec ?? '',
      values: facts?.valueCodec ?? '',
    }
  })
}

class Opener<K, V> {
  readonly #native: Native
  readonly #name: RegionName
  readonly #options: OpenOptions<K, V>
  readonly #keys: Codec<K> | undefined
  readonly #values: Codec<V> | undefined
  readonly #facts: TableFacts
  readonly #initialSize: number
  readonly #fileMode: number
  readonly #mayReplace: boolean

  constructor(name: RegionName, options: OpenOptions<K, V>) {
    checkOptions(options, 'open', "{ capacity: '64MiB' }")
    checkChoice(options.mode, 'mode', ['openOrCreate', 'open', 'create'])
    checkChoice(options.onMismatch, 'onMismatch', ['throw', 'recreate'])
    checkChoice(options.access, 'access', ['rw', 'ro'])
    if (options.access === 'ro')
      throw new OperationError('REFUSED', "access 'ro' is not in this version yet: open the table with 'rw'")
    this.#name = name
    this.#options = options
    this.#fileMode = checkFileMode(options.fileMode)
    this.#mayReplace =
      options.onMismatch === 'recreate' && (options.mode ?? 'openOrCreate') === 'openOrCreate'
    this.#keys = checkCodec('keys', options.keys)
    this.#values = checkCodec('values', options.values)
    const keys = new Transcoder(this.#keys ?? TEXT).codec.name
    const values = new Transcoder(this.#values ?? TEXT).codec.name
    this.#facts = tableFacts(options, keys, values)
    this.#initialSize = checkInitialSize(options.initialSize, this.#facts.capacityBytes)
    this.#native = Native.load()
  }

  open(): NamedAttached<K, V> {
    const { mode } = this.#options
    if (mode !== 'create') {
      const there = this.#look(true)
      if (there !== undefined) return there
    }
    const attached = withNameLock(this.#native, this.#name, this.#fileMode, NAME_LOCK_TIMEOUT_MS, () => {
      const there = this.#look(false)
      if (there !== undefined && mode === 'create') {
        there.region.presence.close()
        throw new OperationError('MISMATCH', `there is a table '${this.#name.name}' already`)
      }
      if (there !== undefined) return there
      if (mode === 'open') throw new OperationError('MISMATCH', `there is no table '${this.#name.name}'`)
      retireLocked(this.#name, this.#fileMode)
      return this.#createLocked()
    })
    sweepLeftovers(this.#native)
    return attached
  }

  /**
   * The region, if it is there, in use, and fits. `isHasty`: nothing is decided if it does not, since somebody may be
   * replacing it; else what does not fit throws, unless it is to be replaced.
   */
  #look(isHasty: boolean): NamedAttached<K, V> | undefined {
    let region: MappedRegion | undefined
    try {
      region = MappedRegion.open(this.#native, this.#name, this.#fileMode)
      if (region === undefined) return undefined
      if (!region.isRetired) return this.#agree(region)
    } catch (error) {
      region?.presence.close()
      if (!isOperationError(error, 'MISMATCH')) throw error
      if (!isHasty && !this.#mayReplace) throw error
      return undefined
    }
    region.presence.close()
    return undefined
  }

  #agree(region: MappedRegion): NamedAttached<K, V> {
    if (region.segments[0]!.words[HEADER.role] !== REGION_ROLE.DIRECT)
      throw new OperationError('SERVED', `'${this.#name.name}' is served: connect a client to write to it`)
    const facts = readFacts(region)
    const differences = this.#differences(facts)
    if (differences.length > 0) {
      throw new OperationError(
        'MISMATCH',
        `the table '${this.#name.name}' is another than asked for: ${differences.join('; ')}. Leave out what the table ` +
          "knows, or give onMismatch: 'recreate' to replace it by an empty one.",
      )
    }
    return {
      region,
      keys: agreedCodec('keys', facts.keyCodec, this.#keys),
      values: agreedCodec('values', facts.valueCodec, this.#values),
      initialSize: 0,
    }
  }

  #createLocked(): NamedAttached<K, V> {
    const facts = this.#facts
    const shape = geometry(facts.capacityBytes, 2 ** facts.stripeBits)
    const nowMs = (this.#options.clock ?? wallClockMs)()
    const region = MappedRegion.createLocked(this.#native, this.#name, shape, this.#fileMode, (fresh) =>
      Space.layOut(fresh, facts, nowMs),
    )
    return {
      region,
      keys: this.#keys ?? TEXT,
      values: this.#values ?? TEXT,
      initialSize: this.#initialSize,
    }
  }

  /** What the options name and the region has differently. */
  #differences(found: TableFacts): string[] {
    const { options, asked } = { options: this.#options, asked: this.#facts }
    const differences: string[] = []
    const compare = (name: keyof MapOptions<K, V>, has: string | number, wants: string | number) => {
      if (options[name] !== undefined && has !== wants) differences.push(`${name} ${has}, asked for ${wants}`)
    }
    compare('keys', `'${found.keyCodec}'`, `'${asked.keyCodec}'`)
    compare('values', `'${found.valueCodec}'`, `'${asked.valueCodec}'`)
    compare('eviction', evictionName(found.eviction), evictionName(asked.eviction))
    compare('maxEntries', found.maxEntries, asked.maxEntries)
    compare('defaultTtlMs', found.defaultTtlMs, asked.defaultTtlMs)
    compare('stripes', 2 ** found.stripeBits, 2 ** asked.stripeBits)
    compare('capacity', formatSize(found.capacityBytes), formatSize(asked.capacityBytes))
    return differences
  }
}

function evictionName(eviction: number): string {
  return eviction === EVICTION.NONE ? "'none'" : "'clock'"
}

function checkChoice(value: unknown, name: string, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return
  const shown = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new TypeError(
    `${name} must be ${shown}, not ${typeof value === 'string' ? `'${value}'` : describe(value)}`,
  )
}

function checkFileMode(mode: number | undefined): number {
  if (mode === undefined) return DEFAULT_FILE_MODE
  if (Number.isInteger(mode) && (mode & 0o600) === 0o600 && (mode & ~0o666) === 0) return mode
  throw new RangeError(
    `fileMode must be 0o600 or that with read and write for group or others, not ${String(mode)}`,
  )
}
