/**
 * A table as its readers see it: where its words lie and what it was made with. A `Space` is one, of a participant who may
 * store; `viewOf` makes one of a region that can only be read, without joining it.
 *
 * Readers that find no stable look turn to a `Recourse`: a participant locks the stripe, a reader of a region that it cannot
 * store into has nobody to turn to, and says that it does not know.
 */
import { type Geometry, geometry } from '../memory/geometry.js'
import { HEADER } from '../memory/header.js'
import type { RegionView } from '../memory/region.js'
import { readFacts, type TableFacts } from './space.js'

export interface TableView {
  readonly region: RegionView
  /** Of segment 0. */
  readonly words: Int32Array
  readonly floats: Float64Array
  readonly shape: Geometry
  readonly facts: TableFacts
  readonly baseLineBits: number
  /** Whether the used bit of a slot may be set by whoever looks. */
  readonly isWritable: boolean
}

/** What a reader does about a stripe that does not hold still. */
export interface Recourse {
  /** One more look was needed. */
  noteRetry(): void
  /** Repeats `look` while nobody changes the stripe; undefined where that cannot be had. */
  locked<T>(stripeAt: number, look: () => T): T | undefined
}

/** The judge of expiry. */
export interface ExpiryClock {
  nowMs(): number
  /** Whether `atMs` has passed, as far as this reader may say so. */
  hasPassed(atMs: number): boolean
}

/** Of a region whose first page has been checked; it may have been retired. */
export function viewOf(region: RegionView): TableView {
  const { words, floats } = region.segments[0]!
  const facts = readFacts(region)
  return {
    region,
    words,
    floats,
    shape: geometry(facts.capacityBytes, 2 ** facts.stripeBits),
    facts,
    baseLineBits: words[HEADER.baseLineBits]!,
    isWritable: false,
  }
}
