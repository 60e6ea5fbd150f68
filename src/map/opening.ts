/**
 * What a SharedMap is made of, from its options: a region, the table in it, codecs, the cache. A new region for threads of
 * this process, or one that was found (`Attached`): what another thread shared, or a name.
 *
 * Options are checked before anything is made. Not for operations: those are in shared-map.ts and what it imports.
 */
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import type { MappedRegion } from '../memory/mapped-region.js'
import { COUNTERS } from '../memory/participant.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import type { ReadableTable } from '../table/readable-table.js'
import { readFacts, Space } from '../table/space.js'
import { Table } from '../table/table.js'
import { WaitingTable } from '../table/waiting-table.js'
import { MapAccess } from './access.js'
import { agreedCodec } from './agreed-codec.js'
import { checkNamedOptions } from './arguments.js'
import { DecodedCache } from './decoded-cache.js'
import { checkHandle, type SharedMapHandle } from './entry.js'
import { type Attached, attachNamed } from './named.js'
import {
  type AttachOptions,
  checkAttachOptions,
  checkCodec,
  checkInitialSize,
  MAP_OPTIONS,
  type MapOptions,
  tableFacts,
} from './options.js'
import { TableWatch, type Watched } from './table-watch.js'
import { Transcoder } from './transcoder.js'

export type MapRegion = SharedArrayRegion | MappedRegion | ReadOnlyRegion

export interface MapParts<K, V> {
  readonly region: MapRegion
  readonly access: MapAccess<K, V>
  readonly cache: DecodedCache<K, V> | undefined
  /** Undefined without a logger. */
  readonly watch: TableWatch | undefined
}

/** What a new table and a found one have in common. */
interface Attachment {
  readonly lockTimeoutMs: number
  readonly clock: () => number
}

const TEXT = codecs.string as unknown as Codec<never>

/** `whenOrphaned`: a table that is only read has lost its name. Throws TypeError or RangeError for options that cannot be. */
export function openParts<K, V>(
  options: MapOptions<K, V>,
  attached: Attached<K, V> | undefined,
  whenOrphaned: () => void,
): MapParts<K, V> {
  // Whoever found the table has checked the names: those of `open` are more.
  if (attached === undefined) checkNamedOptions(options, 'a SharedMap', "{ capacity: '64MiB' }", MAP_OPTIONS)
  const { lockTimeoutMs, clock, cacheBytes, logger } = checkAttachOptions(options)
  const attachment = { lockTimeoutMs, clock }
  const keys = new Transcoder(attached?.keys ?? checkCodec('keys', options.keys) ?? TEXT)
  const values = new Transcoder(attached?.values ?? checkCodec('values', options.values) ?? TEXT)
  const { region, table } =
    attached === undefined
      ? createTable(options, keys.codec.name, values.codec.name, attachment)
      : { region: attached.region, table: attachTable(attached, attachment, whenOrphaned) }
  const access = new MapAccess<K, V>(table, keys, values)
  return {
    region,
    access,
    cache: cacheBytes === 0 ? undefined : new DecodedCache(access, cacheBytes),
    watch: logger && new TableWatch(watched(region, table, access), logger),
  }
}

function watched<K, V>(region: MapRegion, table: ReadableTable, access: MapAccess<K, V>): Watched {
  return {
    title: region instanceof SharedArrayRegion ? 'the map' : `the table '${region.name.name}'`,
    repairs: () => (table instanceof Table ? table.space.counted(COUNTERS.repairs) : 0),
    isGivenUp: () => access.isGivenUp,
  }
}

/** What `share()` gave on another thread, with the codecs that the region names where none are given. */
export function attachShared<K, V>(handle: SharedMapHandle, options: AttachOptions<K, V>): Attached<K, V> {
  checkHandle(handle)
  // Also those that only the creator's count for: threads may share one object of options.
  checkNamedOptions(options, 'attach', '{ values: codecs.json() }', MAP_OPTIONS)
  const region =
    handle.region.kind === 'mapped' ? attachNamed(handle.region) : SharedArrayRegion.attach(handle.region)
  const facts = readFacts(region)
  const keys = agreedCodec('keys', facts.keyCodec, checkCodec('keys', options.keys))
  const values = agreedCodec('values', facts.valueCodec, checkCodec('values', options.values))
  return { region, keys, values, initialSize: 0 }
}

function createTable<K, V>(
  options: MapOptions<K, V>,
  keyCodec: string,
  valueCodec: string,
  attachment: Attachment,
): { readonly region: SharedArrayRegion; readonly table: Table } {
  const facts = tableFacts(options, keyCodec, valueCodec)
  const initialSize = checkInitialSize(options.initialSize, facts.capacityBytes)
  const region = SharedArrayRegion.create(Space.regionBytes(facts), options.hugePages)
  return { region, table: reserved(Table.create(region, facts, attachment), initialSize) }
}

function attachTable<K, V>(
  { region, initialSize }: Attached<K, V>,
  attachment: Attachment,
  whenOrphaned: () => void,
): ReadableTable {
  return region instanceof ReadOnlyRegion
    ? WaitingTable.attach(region, { ...attachment, whenOrphaned })
    : reserved(Table.attach(region, attachment), initialSize)
}

function reserved(table: Table, entries: number): Table {
  table.reserve(entries)
  return table
}
