/**
 * A table with a fixed number of buckets, each a chain in the order of insertion, in an arena of fixed size: what
 * `ht_init` makes, as one thread uses it. Plain values in, plain values out; the C names and numbers are in `imkv.ts`.
 *
 * It lies on the concurrent table, for which a bucket is only a name: `bucket-plan.ts` says which part of the table it
 * is, and `chain-reader.ts` reads that part in the order of insertion, which the table's stamps have kept all along.
 * Look-ups take no lock, threads lock a stripe for a few stores, a thread that dies in the middle is settled, and the
 * arena hands out, takes back and reuses memory: all of that is the table's and proven there. The other way, an array of
 * real chains under locks of its own, was left: it would need its own publish rule, its own settling of the dead and its
 * own check to be as safe, and look-ups would hop along chains where the table finds a key in one line. What this way
 * costs: bucket lines lie in the arena (18 to 37 bytes an entry) and grow inside it, unseen; and an entry that a thread
 * died deleting, between two particular stores, is kept and moves to the end of its chain.
 *
 * Nothing is replaced and nothing expires. A handle belongs to the thread that made it.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { DEFAULT_CAPACITY_BYTES, MAX_CAPACITY_BYTES, MIN_CAPACITY_BYTES } from '../base/limits.js'
import { EVICTION, HEADER, LAYOUT_VERSION, REGION_MAGIC, REGION_STATE } from '../memory/header.js'
import { type SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import { READ_NOTHING, READ_TEXT } from '../table/reader.js'
import { readFacts, Space, type TableFacts } from '../table/space.js'
import { Table } from '../table/table.js'
import { IF_ABSENT, NO_EXPIRY } from '../table/writer.js'
import { BucketPlan, MAX_BUCKETS, planStripeBits } from './bucket-plan.js'
import { ChainReader, type ImkvEntry } from './chain-reader.js'

/** What another thread needs to attach; survives `postMessage`. */
export interface ImkvHandle {
  readonly hearth: 'imkv'
  readonly region: SharedArrayHandle
}

/** The C calls know no time limit; this one is only for a holder that lives and does not go on. */
const LOCK_TIMEOUT_MS = 10_000
/** Gathering costs as much as some ten deletes; a table that hovers about empty pays it rarely. */
const DELETES_BEFORE_GATHERING = 16
/** Name of the values' format in the region, followed by the number of buckets. */
const FORMAT = 'imkv/'
/** Less than any region takes. */
const LEAST_SEGMENT_BYTES = MIN_CAPACITY_BYTES

export class ImkvTable {
  readonly buckets: number
  readonly #region: SharedArrayRegion
  readonly #table: Table
  readonly #chains: ChainReader
  /** Deletes by this thread since it last gathered free memory. */
  #deletes = 0

  private constructor(region: SharedArrayRegion, table: Table, buckets: number) {
    this.buckets = buckets
    this.#region = region
    this.#table = table
    this.#chains = new ChainReader(table, new BucketPlan(buckets, table.space.facts.stripeBits))
  }

  /** Throws RangeError for sizes that cannot be, and where memory cannot be had. */
  static create(buckets: number, arenaBytes: number = DEFAULT_CAPACITY_BYTES): ImkvTable {
    checkWhole('num_buckets', buckets, 1, MAX_BUCKETS)
    checkWhole('arenaBytes', arenaBytes, MIN_CAPACITY_BYTES, MAX_CAPACITY_BYTES)
    const facts: TableFacts = {
      capacityBytes: arenaBytes,
      stripeBits: planStripeBits(buckets, arenaBytes),
      eviction: EVICTION.NONE,
      maxEntries: 0,
      defaultTtlMs: 0,
      keyCodec: 'string',
      valueCodec: `${FORMAT}${buckets}`,
    }
    const region = SharedArrayRegion.create(Space.regionBytes(facts))
    return new ImkvTable(region, Table.create(region, facts, { lockTimeoutMs: LOCK_TIMEOUT_MS }), buckets)
  }

  /** Throws TypeError for what is no handle, OperationError for one of another table, a destroyed or a full one. */
  static attach(handle: unknown): ImkvTable {
    const region = SharedArrayRegion.attach(checkHandle(handle))
    const buckets = checkRegion(region)
    return new ImkvTable(region, Table.attach(region, { lockTimeoutMs: LOCK_TIMEOUT_MS }), buckets)
  }

  share(): ImkvHandle {
    return { hearth: 'imkv', region: this.#region.share() }
  }

  /** Puts the entry at the end of its chain; false if the key is there, cannot be one, or there is no room. */
  insert(key: string, value: string): boolean {
    // A look first: duplicates then cost neither chunk nor lock.
    if (!this.#seek(key) || this.#table.reader.read(this.#table.key, READ_NOTHING)) return false
    if (!isStorable(() => this.#table.value.setText(value))) return false
    return answer(() => this.#table.put(NO_EXPIRY, IF_ABSENT))
  }

  /** A copy of the value; undefined if there is none. */
  lookup(key: string): string | undefined {
    if (!this.#seek(key)) return undefined
    const { reader } = this.#table
    return this.#table.find(READ_TEXT) ? (reader.text ?? reader.bytes.toString('utf8')) : undefined
  }

  delete(key: string): boolean {
    if (!this.#seek(key) || !answer(() => this.#table.delete())) return false
    if (++this.#deletes >= DELETES_BEFORE_GATHERING && this.count === 0) this.#gather()
    return true
  }

  /** The entries of one bucket in the order of insertion, as they were at one moment; none if there is no such bucket. */
  chain(bucket: number): ImkvEntry[] {
    if (!(Number.isInteger(bucket) && bucket >= 0 && bucket < this.buckets)) return []
    return this.#chains.read(bucket)
  }

  get count(): number {
    return this.#table.size
  }

  /** Whether some thread has ended the table for everyone. */
  get isDestroyed(): boolean {
    return this.#table.space.words[HEADER.state] !== REGION_STATE.READY
  }

  /** Ends the table for every thread; the memory goes once each has noticed. */
  destroy(): void {
    Atomics.store(this.#table.space.words, HEADER.state, REGION_STATE.RETIRED)
    this.close()
  }

  /** Ends this thread's use. */
  close(): void {
    answer(() => {
      this.#table.close()
      return true
    })
  }

  /** Walks everything and throws InvariantError on a broken invariant. */
  check(): void {
    this.#table.check()
  }

  /**
   * Brings the free chunks that threads keep at hand back to their spans, and empty spans to the pool. Done when the
   * table has become empty, so that what filled it once fills it again with as many: single chunks and spans kept back
   * here and there would break up the room for larger ones (measured: up to 3 % fewer entries of mixed sizes).
   */
  #gather(): void {
    this.#deletes = 0
    const { desk } = this.#table.writer
    const { slab, registry, locks } = this.#table.space
    answer(() => {
      desk.enter()
      slab.drain(registry.at)
      for (const deskAt of registry.records()) {
        // Only tried: whoever is at work there keeps what is at hand.
        if (deskAt === registry.at || !locks.tryAcquire(deskAt)) continue
        slab.drain(deskAt)
        locks.release(deskAt)
      }
      slab.trim()
      desk.leave()
      return true
    })
  }

  /** Puts the key into its buffer; false if it cannot be a key. */
  #seek(key: string): boolean {
    return key !== '' && isStorable(() => this.#table.key.setText(key))
  }
}

/** Whether text fits: neither too long nor with a lone surrogate. */
function isStorable(encode: () => void): boolean {
  try {
    encode()
    return true
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return false
    throw error
  }
}

/** What `work` answers, or false where it could not: no room, or a lock that a living thread does not give back. */
function answer(work: () => boolean): boolean {
  try {
    return work()
  } catch (error) {
    if (isOperationError(error, 'FULL') || isOperationError(error, 'TIMEOUT')) return false
    throw error
  }
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}`)
}

function checkHandle(handle: unknown): SharedArrayHandle {
  const { hearth, region } = (handle ?? {}) as Partial<ImkvHandle>
  const buffers: readonly unknown[] = Array.isArray(region?.buffers) ? region.buffers : []
  const isWhole = buffers.every(
    (buffer) =>
      buffer instanceof SharedArrayBuffer &&
      buffer.byteLength >= LEAST_SEGMENT_BYTES &&
      buffer.byteLength % 8 === 0,
  )
  if (hearth === 'imkv' && region?.kind === 'threads' && buffers.length > 0 && isWhole) return region
  throw new TypeError('ht_attach takes what ht_share gave')
}

/** The number of buckets that the region names, if it was made by this file and is all there. */
function checkRegion(region: SharedArrayRegion): number {
  const words = region.segments[0]?.words
  const isRegion = words?.[HEADER.magic] === REGION_MAGIC && words[HEADER.layoutVersion] === LAYOUT_VERSION
  const facts = isRegion ? readFacts(region) : undefined
  const buckets = facts?.valueCodec.startsWith(FORMAT) ? Number(facts.valueCodec.slice(FORMAT.length)) : 0
  if (facts === undefined || buckets === 0) throw mismatch('this shared memory holds no imkv table')
  const wanted = Space.regionBytes(facts)
  const isWhole = wanted.every((bytes, index) => region.segments[index]?.words.byteLength === bytes)
  if (!isWhole) throw mismatch('a part of this shared memory is missing')
  return buckets
}

function mismatch(explanation: string): OperationError {
  return new OperationError('MISMATCH', explanation)
}
