/**
 * A table's space: the region with everything that hands out its memory, as one participant sees it. Assembly only:
 * create lays a fresh region out, attach joins one that is there.
 */
import { assert } from '../base/assert.js'
import { OperationError } from '../base/errors.js'
import { MAX_CODEC_NAME_BYTES } from '../base/limits.js'
import { randomWords } from '../base/random.js'
import { type Geometry, geometry } from '../memory/geometry.js'
import {
  CODEC_NAME_WORDS,
  HEADER,
  LAYOUT_VERSION,
  REGION_MAGIC,
  REGION_ROLE,
  REGION_STATE,
} from '../memory/header.js'
import { Lines } from '../memory/lines.js'
import { Locks } from '../memory/lock.js'
import { Pages } from '../memory/pages.js'
import { PARTICIPANT } from '../memory/participant.js'
import type { Region, RegionView, Segment } from '../memory/region.js'
import { Registry } from '../memory/registry.js'
import { type SizeClasses, sizeClasses } from '../memory/size-classes.js'
import { Slab } from '../memory/slab.js'
import { currentThread, isThreadAlive, type Liveness, type ThreadIdentity } from '../memory/threads.js'
import { MAX_EXTENTS } from './layout.js'

/** What a region is created with and every participant finds there. */
export interface TableFacts {
  readonly capacityBytes: number
  readonly stripeBits: number
  readonly eviction: number
  /** 0: no limit but memory. */
  readonly maxEntries: number
  /** 0: none. */
  readonly defaultTtlMs: number
  readonly keyCodec: string
  readonly valueCodec: string
  /** The secret key of the hash, where it must outlive the region. Default: random. */
  readonly hashKey?: readonly [number, number]
}

export interface Attachment {
  readonly lockTimeoutMs: number
  /** Test hook: who counts as alive. */
  readonly isAlive?: Liveness
  /** Test hook: who joins, if not the calling thread. */
  readonly thread?: ThreadIdentity
}

/** Smallest chunk plus its slot: bounds how many entries a stripe can ever hold. */
const LEAST_ENTRY_BYTES = 32

export class Space {
  readonly region: Region
  readonly words: Int32Array
  readonly floats: Float64Array
  readonly shape: Geometry
  readonly facts: TableFacts
  readonly baseLineBits: number
  readonly registry: Registry
  readonly locks: Locks
  readonly pages: Pages
  readonly slab: Slab
  readonly lines: Lines
  readonly sizes: SizeClasses
  readonly isWritable = true
  readonly #countersAt: number

  private constructor(region: Region, facts: TableFacts, attachment: Attachment) {
    this.region = region
    this.facts = facts
    this.words = region.segments[0]!.words
    this.floats = region.segments[0]!.floats
    this.shape = geometry(facts.capacityBytes, 2 ** facts.stripeBits)
    this.baseLineBits = this.words[HEADER.baseLineBits]!
    const { isAlive = isThreadAlive, thread = currentThread() } = attachment
    this.registry = Registry.join(region, this.shape, isAlive, thread)
    const { at, tag } = this.registry
    this.locks = new Locks(region, tag, attachment.lockTimeoutMs, this.registry)
    this.pages = new Pages(region, this.shape, this.locks, at)
    this.sizes = sizeClasses(facts.capacityBytes)
    this.slab = new Slab(region, this.sizes, this.pages, this.locks, at)
    this.lines = new Lines(region, this.pages, this.locks, at)
    this.#countersAt = (at + PARTICIPANT.counters) >>> 1
  }

  /** Lays out `region` and joins it. */
  static create(region: Region, facts: TableFacts, nowMs: number, attachment: Attachment): Space {
    Space.layOut(region, facts, nowMs)
    return new Space(region, facts, attachment)
  }

  /** Makes an empty table of `region`, which must be zeroed and as large as `regionBytes` says. */
  static layOut(region: Region, facts: TableFacts, nowMs: number): void {
    const { words, floats } = region.segments[0]!
    const [hashKey0, hashKey1, ...bootId] = randomWords(6)
    words[HEADER.magic] = REGION_MAGIC
    words[HEADER.layoutVersion] = LAYOUT_VERSION
    words[HEADER.role] = REGION_ROLE.DIRECT
    words[HEADER.stripeBits] = facts.stripeBits
    words[HEADER.baseLineBits] = baseLineBitsFor(facts)
    words[HEADER.eviction] = facts.eviction
    words[HEADER.maxEntries] = facts.maxEntries
    words[HEADER.hashKey0] = facts.hashKey?.[0] ?? hashKey0!
    words[HEADER.hashKey1] = facts.hashKey?.[1] ?? hashKey1!
    words.set(bootId, HEADER.bootId)
    floats[HEADER.capacityBytes >>> 1] = facts.capacityBytes
    floats[HEADER.createdAtMs >>> 1] = nowMs
    floats[HEADER.defaultTtlMs >>> 1] = facts.defaultTtlMs
    writeName(words, HEADER.keyCodec, facts.keyCodec)
    writeName(words, HEADER.valueCodec, facts.valueCodec)
    const shape = geometry(facts.capacityBytes, 2 ** facts.stripeBits)
    Pages.initialise(region, shape)
    Atomics.store(words, HEADER.state, REGION_STATE.READY)
  }

  /** Joins a region that another participant has created. Throws OperationError MISMATCH if it is none. */
  static attach(region: Region, attachment: Attachment): Space {
    checkJoinable(region)
    return new Space(region, readFacts(region), attachment)
  }

  /** Sizes of the segments that `facts` need, in bytes. */
  static regionBytes(facts: TableFacts): number[] {
    return geometry(facts.capacityBytes, 2 ** facts.stripeBits).segments.map((segment) => segment.byteLength)
  }

  /** Adds to a counter (see COUNTERS) of this participant; its own line, so a plain add. */
  count(counter: number, by = 1): void {
    this.floats[this.#countersAt + counter]! += by
  }

  /** What this participant has counted so far. */
  counted(counter: number): number {
    return this.floats[this.#countersAt + counter]!
  }
}

/** Throws OperationError MISMATCH for a region that is no table of this release, CLOSED for one that was retired. */
export function checkJoinable(region: RegionView): void {
  const { words } = region.segments[0]!
  if (words[HEADER.magic] !== REGION_MAGIC || words[HEADER.layoutVersion] !== LAYOUT_VERSION) {
    throw new OperationError(
      'MISMATCH',
      `this shared memory has layout ${words[HEADER.layoutVersion]}, this release reads layout ${LAYOUT_VERSION}. ` +
        'Use one release of hearthkv in all threads and processes.',
    )
  }
  if (Atomics.load(words, HEADER.state) !== REGION_STATE.READY) {
    throw new OperationError('CLOSED', 'this shared memory has been retired; open or create the table anew')
  }
}

/** What the first page of a region says; a copy of that page will do. */
export function readFacts(region: {
  readonly segments: readonly Pick<Segment, 'words' | 'floats'>[]
}): TableFacts {
  const { words, floats } = region.segments[0]!
  return {
    capacityBytes: floats[HEADER.capacityBytes >>> 1]!,
    stripeBits: words[HEADER.stripeBits]!,
    eviction: words[HEADER.eviction]!,
    maxEntries: words[HEADER.maxEntries]!,
    defaultTtlMs: floats[HEADER.defaultTtlMs >>> 1]!,
    keyCodec: readName(words, HEADER.keyCodec),
    valueCodec: readName(words, HEADER.valueCodec),
  }
}

/** Large enough that the extents of a stripe reach every entry that could fit in its share of the memory. */
function baseLineBitsFor({ capacityBytes, stripeBits }: TableFacts): number {
  const linesPerStripe = capacityBytes / 2 ** stripeBits / LEAST_ENTRY_BYTES / 3
  const bits = Math.max(0, Math.ceil(Math.log2(linesPerStripe)) - (MAX_EXTENTS - 1))
  assert(bits < 26, 'a first extent fits a segment')
  return bits
}

function writeName(words: Int32Array, at: number, name: string): void {
  const bytes = Buffer.alloc(CODEC_NAME_WORDS * 4)
  assert(Buffer.byteLength(name) <= MAX_CODEC_NAME_BYTES, 'codec names are checked at the edge')
  bytes.write(name, 'utf8')
  for (let i = 0; i < CODEC_NAME_WORDS; i++) words[at + i] = bytes.readInt32LE(i * 4)
}

function readName(words: Int32Array, at: number): string {
  const bytes = Buffer.alloc(CODEC_NAME_WORDS * 4)
  for (let i = 0; i < CODEC_NAME_WORDS; i++) bytes.writeInt32LE(words[at + i]!, i * 4)
  return bytes.toString('utf8').replace(/\0+$/, '')
}
