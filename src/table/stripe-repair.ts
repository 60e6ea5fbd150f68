/**
 * Making a stripe whole again after its owner stopped at any store. Needs the stripe's lock (the dead's, kept).
 *
 * Every order of stores in Chain and Growth is chosen so that these rules settle it:
 *   a first extent and no bucket        gets its first bucket
 *   a slot with a chunk and no stamp    gets a new stamp: its chunk is complete, old or new
 *   an entry in a bucket not its own    was moved by a split that is published: cleared
 *   a chunk twice in one chain          was being moved within it: the second is cleared
 *   entries beyond the last bucket      were copied by a split that is not published: wiped, their lines spare again
 *   lines in hand that no list has      become spares
 * The version rises before anything is cleared and after, so every reader that missed looks again.
 */
import { LINE_SHIFT } from '../memory/lines.js'
import { chunkWords, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference, type Segment } from '../memory/region.js'
import { bucketIndex, extentLines } from './buckets.js'
import type { Chain } from './chain.js'
import { FIRST_SLOT, LINE_LINK, MAX_EXTENTS, SLOT_WORDS, SLOTS_PER_LINE, STRIPE } from './layout.js'
import type { Space } from './space.js'

const { version: VERSION, count: COUNT, buckets: BUCKETS, freeLines: FREE_LINES, extents: EXTENTS } = STRIPE
const { linesInHand: LINES_IN_HAND, lineCount: LINE_COUNT, lineStripe: LINE_STRIPE } = PARTICIPANT
const { spareInHand: SPARE_IN_HAND, spareStripe: SPARE_STRIPE } = PARTICIPANT
const SLOTS_END = FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS
const LINE_WORDS = 16

export class StripeRepair {
  readonly #space: Space
  readonly #chain: Chain
  readonly #words: Int32Array
  readonly #segments: readonly Segment[]

  constructor(space: Space, chain: Chain) {
    this.#space = space
    this.#chain = chain
    this.#words = space.words
    this.#segments = space.region.segments
  }

  /** Repairs slots, chains and count; forgets the chunks that `names` have in hand and a slot holds. */
  repairLocked(stripeAt: number, names: readonly number[]): void {
    const inHand = this.#chunksInHand(names)
    this.#startBegun(stripeAt)
    const buckets = this.#words[stripeAt + BUCKETS]!
    Atomics.add(this.#words, stripeAt + VERSION, 1)
    let count = 0
    for (let index = 0; index < buckets; index++) count += this.#repairChain(stripeAt, index, buckets, inHand)
    this.#words[stripeAt + COUNT] = count
    if (buckets > 0) this.#wipeUnpublished(stripeAt, buckets)
    Atomics.add(this.#words, stripeAt + VERSION, 1)
    this.placeLinesLocked(stripeAt, names)
  }

  /** A stripe that was given its first lines but no bucket yet gets that bucket. */
  #startBegun(stripeAt: number): void {
    if (this.#words[stripeAt + BUCKETS] === 0 && this.#words[stripeAt + EXTENTS] !== 0) {
      this.#words[stripeAt + BUCKETS] = 1
    }
  }

  /** Makes the lines that `names` have in hand for this stripe spares, unless they have arrived somewhere. */
  placeLinesLocked(stripeAt: number, names: readonly number[]): void {
    for (const at of names) {
      if (this.#words[at + SPARE_IN_HAND] !== 0 && this.#words[at + SPARE_STRIPE] === stripeAt) {
        this.#place(stripeAt, this.#words[at + SPARE_IN_HAND]!, 1)
        this.#words[at + SPARE_IN_HAND] = 0
      }
      if (this.#words[at + LINES_IN_HAND] !== 0 && this.#words[at + LINE_STRIPE] === stripeAt) {
        this.#place(stripeAt, this.#words[at + LINES_IN_HAND]!, this.#words[at + LINE_COUNT]!)
        this.#words[at + LINES_IN_HAND] = 0
      }
    }
  }

  #place(stripeAt: number, first: Reference, count: number): void {
    const reached = this.#reachedLines(stripeAt)
    for (let i = 0; i < count; i++) {
      const line = (first + (i << LINE_SHIFT)) | 0
      if (reached.has(line)) continue
      this.#lineWords(line).fill(0, lineAt(line), lineAt(line) + LINE_WORDS)
      this.#chain.addSpareLines(stripeAt, line, 1)
    }
  }

  #chunksInHand(names: readonly number[]): Map<Reference, number[]> {
    const inHand = new Map<Reference, number[]>()
    for (const at of names) {
      for (const word of chunkWords(at)) {
        const reference = this.#words[word]!
        if (reference !== 0) inHand.set(reference, [...(inHand.get(reference) ?? []), word])
      }
    }
    return inHand
  }

  #repairChain(stripeAt: number, index: number, buckets: number, inHand: Map<Reference, number[]>): number {
    const seen = new Set<Reference>()
    for (let line = this.#chain.buckets.line(stripeAt, index); line !== 0; line = this.#link(line)) {
      const words = this.#lineWords(line)
      for (let slot = lineAt(line) + FIRST_SLOT; slot < lineAt(line) + SLOTS_END; slot += SLOT_WORDS) {
        const reference = words[slot + 1]!
        if (reference === 0) continue
        if (bucketIndex(words[slot]!, buckets) !== index || seen.has(reference)) {
          words[slot + 2] = 0
          words[slot + 1] = 0
          continue
        }
        seen.add(reference)
        if (words[slot + 2] === 0) words[slot + 2] = this.#chain.nextStamp(stripeAt)
        for (const word of inHand.get(reference) ?? []) this.#words[word] = 0
      }
    }
    return seen.size
  }

  /** Empties the lines of the bucket that a split has filled but not published. */
  #wipeUnpublished(stripeAt: number, buckets: number): void {
    const first = this.#chain.buckets.line(stripeAt, buckets)
    if (first === 0) return
    const words = this.#lineWords(first)
    while (this.#link(first) !== 0) {
      const line = this.#link(first)
      this.#lineWords(line).fill(0, lineAt(line) + FIRST_SLOT, lineAt(line) + SLOTS_END)
      this.#chain.unlinkLine(stripeAt, words, lineAt(first))
    }
    words.fill(0, lineAt(first) + FIRST_SLOT, lineAt(first) + SLOTS_END)
  }

  #reachedLines(stripeAt: number): Set<Reference> {
    const reached = new Set<Reference>()
    for (let extent = 0; extent < MAX_EXTENTS; extent++) {
      const first = this.#words[stripeAt + EXTENTS + extent]!
      if (first === 0) continue
      const lines = extentLines(extent, this.#space.baseLineBits)
      for (let i = 0; i < lines; i++) this.#reach((first + (i << LINE_SHIFT)) | 0, reached)
    }
    this.#reach(this.#words[stripeAt + FREE_LINES]!, reached)
    return reached
  }

  #reach(first: Reference, reached: Set<Reference>): void {
    for (let line = first; line !== 0 && !reached.has(line); line = this.#link(line)) reached.add(line)
  }

  #link(line: Reference): Reference {
    return this.#lineWords(line)[lineAt(line) + LINE_LINK]!
  }

  #lineWords(line: Reference): Int32Array {
    return this.#segments[line >>> GRANULE_BITS]!.words
  }
}

function lineAt(line: Reference): number {
  return (line & GRANULE_MASK) << 2
}
