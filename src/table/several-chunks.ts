/**
 * The chunks of a change of several keys: filled before any stripe is locked, freed after all are unlocked.
 *
 * Until they are published they are in private memory, not in hand: a record names one pair at most. A chunk is loose when no
 * slot leads to it: one that did not come into the table, or whose place another has taken. Wants the own desk, and no stripe.
 */
import { isOperationError } from '../base/errors.js'
import { HEADER } from '../memory/header.js'
import { PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { fillChunk } from './chunk.js'
import { chunkBytes, FLAG_EXPIRY } from './layout.js'
import type { Table } from './table.js'
import type { TouchedKey } from './touched-key.js'
import { NO_EXPIRY } from './writer.js'

const { chunkInHand: CHUNK_IN_HAND, detached: DETACHED } = PARTICIPANT

export class SeveralChunks {
  /** Chunks that belong to nobody any more, to be freed. */
  readonly loose: Reference[] = []
  readonly #table: Table
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]
  readonly #me: number

  constructor(table: Table) {
    const { space } = table
    this.#table = table
    this.#words = space.words
    this.#segments = space.region.segments
    this.#me = space.registry.at
  }

  /** Fetches the chunk of one key and fills it. Throws FULL or TIMEOUT. */
  fill(touched: TouchedKey): void {
    const { value, writer } = this.#table
    value.setBytes(touched.value)
    const hasExpiry = touched.putExpiresAtMs !== NO_EXPIRY
    const valueWord = value.byteLength | (hasExpiry ? FLAG_EXPIRY : 0)
    const reference = writer.desk.chunk(chunkBytes(valueWord, touched.key.byteLength))
    if (hasExpiry && this.#words[HEADER.hasExpiries] === 0) this.#words[HEADER.hasExpiries] = 1
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    fillChunk(segment, wordOf(reference), touched.key, value, valueWord, touched.putExpiresAtMs)
    touched.chunk = reference
    this.#words[this.#me + CHUNK_IN_HAND] = 0
  }

  /** Whether the entry in that chunk has, which a locked stripe leads to. */
  hasExpired(reference: Reference): boolean {
    const segment = this.#segments[reference >>> GRANULE_BITS]!
    const at = wordOf(reference)
    return (
      (segment.words[at]! & FLAG_EXPIRY) !== 0 && this.#table.clock.hasPassed(segment.floats[(at + 2) >>> 1]!)
    )
  }

  /** The chunks that have not come into the table are loose. */
  drop(order: readonly TouchedKey[]): void {
    for (const touched of order) {
      if (touched.chunk !== 0 && !touched.isStaged) this.loose.push(touched.chunk)
      touched.chunk = 0
    }
  }

  /** Frees what is loose and leaves the desk; what a lock in the slab holds up is freed the next time. */
  leave(): void {
    const { slab } = this.#table.space
    try {
      for (let reference = this.loose.pop(); reference !== undefined; reference = this.loose.pop()) {
        this.#words[this.#me + DETACHED] = reference
        const { words } = this.#segments[reference >>> GRANULE_BITS]!
        const at = wordOf(reference)
        slab.free(DETACHED, chunkBytes(words[at]!, words[at + 1]!))
      }
      this.#table.writer.desk.leave()
    } catch (error) {
      // The desk stays taken with one chunk in hand, and the next operation of this thread settles that.
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
  }
}

function wordOf(reference: Reference): number {
  return (reference & GRANULE_MASK) << 2
}
