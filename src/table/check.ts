/**
 * The check: walks everything and throws on a broken invariant. A participant holds up all writers meanwhile (every desk is
 * taken, in ascending order), so that every chunk can be accounted for; readers go on. Who can only read walks the same
 * way, and looks afterwards whether anything has moved (check-read-only.ts).
 *
 * For each stripe: every reachable slot is published, lies in the bucket its hash says, holds a chunk that is in use
 * and whose key has that hash, and no key is there twice; the count is right. For memory: every chunk is in exactly
 * one place (a slot, a magazine, a free list, staged, or never handed out), every bucket line too (a stripe, the pool's run or
 * list), and every page in exactly one span.
 */
import { assert } from '../base/assert.js'
import { isOperationError } from '../base/errors.js'
import { CLASS, CLASS_WORDS, CLASSES_AT, HEADER, POOL } from '../memory/header.js'
import { LINE_SHIFT, LINES_PER_PAGE } from '../memory/lines.js'
import {
  kindPages,
  kindPurpose,
  PAGE,
  pageOf,
  pageReference,
  SPAN_LARGE,
  SPAN_LINES,
} from '../memory/page-descriptor.js'
import { chunkWords, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference } from '../memory/region.js'
import { magazineOffsets } from '../memory/slab.js'
import { Buckets, bucketIndex, extentLines } from './buckets.js'
import { isRecountDue, recountHeldUp, sumOfStripes } from './entry-limit.js'
import type { KeyBuffer } from './key-buffer.js'
import {
  chunkBytes,
  FIRST_SLOT,
  KEY_LENGTH_MASK,
  keyOffset,
  LINE_LINK,
  MAX_CHAIN_LINES,
  MAX_EXTENTS,
  SLOT_WORDS,
  SLOTS_PER_LINE,
  STRIPE,
} from './layout.js'
import type { Space } from './space.js'
import type { TableView } from './view.js'

const POOL_LOCK_AT = HEADER.pool + POOL.lock

export function checkTable(space: Space, hasher: KeyBuffer): void {
  space.registry.forgetThrownOut()
  while (!checkHeldUp(space, hasher)) {}
}

/** False if somebody joined meanwhile, whom nothing held up, and what was found means nothing. */
function checkHeldUp(space: Space, hasher: KeyBuffer): boolean {
  const desks = [...space.registry.records()]
  const taken: number[] = []
  try {
    for (const deskAt of desks) {
      space.locks.acquire(deskAt)
      taken.push(deskAt)
    }
    // A death may have left the count too high, and says so: nobody is inside an operation now, so it is put right.
    if (isRecountDue(space.words)) recountHeldUp(space)
    space.locks.acquire(POOL_LOCK_AT)
    taken.push(POOL_LOCK_AT)
    new Check(space, hasher).run(desks)
  } catch (error) {
    // Nobody leaves meanwhile: that takes the own desk.
    if (isOperationError(error) || [...space.registry.records()].every((at) => desks.includes(at)))
      throw error
    return false
  } finally {
    for (const lockAt of taken.reverse()) space.locks.release(lockAt)
  }
  return true
}

/** What is checked: a table with its allocator. */
export type CheckedTable = TableView & Pick<Space, 'pages' | 'slab' | 'lines'>

/** One walk. What it finds means nothing if anybody stores meanwhile; it ends all the same. */
export class Check {
  readonly #space: CheckedTable
  readonly #hasher: KeyBuffer
  readonly #buckets: Buckets
  readonly #used = new Set<Reference>()
  readonly #lines = new Set<Reference>()
  /** Chunks that are in no place. */
  #unseen = 0

  constructor(space: CheckedTable, hasher: KeyBuffer) {
    this.#space = space
    this.#hasher = hasher
    this.#buckets = new Buckets(space)
  }

  /** Needs the desks at `desks`, which are all, and the pool. */
  run(desks: readonly number[]): void {
    for (let index = 0; index < this.#buckets.stripes; index++)
      this.checkStripe(this.#buckets.stripeNumber(index))
    this.#checkEntries()
    this.#checkMagazines(desks)
    for (const line of this.#space.lines.unusedLocked()) this.#useLine(line)
    this.#checkSpans(desks)
  }

  #checkEntries(): void {
    const { words, facts } = this.#space
    if (facts.maxEntries === 0 || isRecountDue(words)) return
    assert(words[HEADER.entries] === sumOfStripes(this.#space), 'a limited table counts its entries')
    assert(words[HEADER.entries]! <= facts.maxEntries, 'a limit is kept')
  }

  /** One stripe with its entries, buckets and lines. */
  checkStripe(stripeAt: number): void {
    const words = this.#space.words
    assert(words[stripeAt + STRIPE.lock] === 0, 'no stripe is locked while nobody is inside an operation')
    const buckets = words[stripeAt + STRIPE.buckets]!
    let entries = 0
    for (let index = 0; index < buckets; index++) entries += this.#checkChain(stripeAt, index, buckets)
    assert(entries === words[stripeAt + STRIPE.count], 'a stripe counts its entries')
    this.#checkLines(stripeAt)
  }

  /** Every line of the stripe: its extents, buckets of later splits included, what hangs on them, and its spares. */
  #checkLines(stripeAt: number): void {
    const { words, baseLineBits } = this.#space
    for (let extent = 0; extent < MAX_EXTENTS; extent++) {
      const first = words[stripeAt + STRIPE.extents + extent]!
      const lines = first === 0 ? 0 : extentLines(extent, baseLineBits)
      for (let i = 0; i < lines; i++) this.#useLines((first + (i << LINE_SHIFT)) | 0)
    }
    this.#useLines(words[stripeAt + STRIPE.freeLines]!)
  }

  /** The line and all that it links to. */
  #useLines(first: Reference): void {
    for (let line = first; line !== 0; ) {
      this.#useLine(line)
      const { words } = this.#space.region.segments[line >>> GRANULE_BITS]!
      line = words[((line & GRANULE_MASK) << 2) + LINE_LINK]!
    }
  }

  #useLine(line: Reference): void {
    assert(!this.#lines.has(line), 'a bucket line is in one place')
    this.#lines.add(line)
  }

  #checkChain(stripeAt: number, index: number, buckets: number): number {
    const keys = new Set<string>()
    let lines = 0
    for (let line = this.#buckets.line(stripeAt, index); line !== 0; ) {
      assert(++lines <= MAX_CHAIN_LINES, 'a chain ends')
      const words = this.#space.region.segments[line >>> GRANULE_BITS]!.words
      const at = (line & GRANULE_MASK) << 2
      for (
        let slot = at + FIRST_SLOT;
        slot < at + FIRST_SLOT + SLOTS_PER_LINE * SLOT_WORDS;
        slot += SLOT_WORDS
      ) {
        const reference = words[slot + 1]!
        if (reference === 0) continue
        assert(words[slot + 2] !== 0, 'a slot with a chunk is published')
        assert(bucketIndex(words[slot]!, buckets) === index, 'an entry lies in its bucket')
        const key = this.#checkChunk(stripeAt, reference, words[slot]!)
        assert(!keys.has(key), 'a key is there once')
        keys.add(key)
      }
      line = words[at + LINE_LINK]!
    }
    return keys.size
  }

  #checkChunk(stripeAt: number, reference: Reference, hash: number): string {
    const { slab, region } = this.#space
    const { words, bytes } = region.segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    this.#use(reference)
    const purpose = slab.spans.classOf(reference)
    assert(purpose >= 0, 'an entry lies in pages for chunks')
    const length = chunkBytes(words[at]!, words[at + 1]!)
    const large = length > slab.sizes.largestChunkBytes
    assert(large === (purpose === SPAN_LARGE), 'a chunk is in pages for its size')
    if (!large)
      assert(purpose === slab.sizes.byGranules[(length + 15) >>> 4], 'a chunk is of the class for its size')
    const keyStart = (at + keyOffset(words[at]!)) << 2
    const key = Buffer.from(bytes.subarray(keyStart, keyStart + (words[at + 1]! & KEY_LENGTH_MASK)))
    this.#hasher.setBytes(key)
    assert((this.#hasher.hash ^ hash) << 1 === 0, 'a slot has the hash of its key')
    assert(this.#buckets.stripeAt(this.#hasher.hash) === stripeAt, 'a key lies in its stripe')
    return key.toString('latin1')
  }

  #checkMagazines(desks: readonly number[]): void {
    const { words, slab } = this.#space
    const offsets = magazineOffsets(slab.sizes)
    for (const deskAt of desks) {
      for (const word of chunkWords(deskAt)) assert(words[word] === 0, 'nobody has a chunk in hand')
      for (const [index, { magazineDepth }] of slab.sizes.classes.entries()) {
        const magazine = deskAt + offsets[index]!
        const count = magazineDepth === 0 ? 0 : words[magazine]!
        assert(count >= 0 && count <= magazineDepth, 'a magazine counts what it can hold')
        for (let i = 1; i <= count; i++) {
          assert(slab.spans.classOf(words[magazine + i]!) === index, 'a magazine holds chunks of its class')
          this.#use(words[magazine + i]!)
        }
      }
    }
  }

  /** Chunks that the writer of a table behind a log has filled and not yet published. */
  #staged(desks: readonly number[]): number {
    return desks.reduce((sum, at) => sum + this.#space.words[at + PARTICIPANT.staged]!, 0)
  }

  #checkSpans(desks: readonly number[]): void {
    const { pages, slab, words } = this.#space
    const found = { free: 0, chunks: new Map<number, number>() }
    for (const [number, segment] of pages.geometry.segments.entries()) {
      const first = (number << (GRANULE_BITS - 8)) + segment.firstPage
      for (let page = first; page < first + segment.pages; ) {
        const kind = pages.kindOf(page)
        // What is left of an earlier, larger span may point nowhere: only the first page of a span speaks.
        if (kind <= 0) {
          found.free++
          page++
          continue
        }
        const purpose = kindPurpose(kind)
        if (purpose < slab.sizes.classes.length) this.#checkSpan(page, purpose, found.chunks)
        else if (purpose === SPAN_LINES) this.#checkLineSpan(page, kindPages(kind))
        else if (!this.#used.has(pageReference(page))) this.#unseen++
        page += kindPages(kind)
      }
    }
    assert(this.#unseen <= this.#staged(desks), 'no chunk is lost')
    assert(found.free === pages.freePages, 'the pool counts its free pages')
    assert(
      pages.isBackingCountedLocked(),
      'the pool counts its free pages that the system has given memory for',
    )
    for (let index = 0; index < slab.sizes.classes.length; index++) {
      const counted = words[CLASSES_AT + index * CLASS_WORDS + CLASS.free]
      assert(counted === (found.chunks.get(index) ?? 0), 'a class counts its free chunks')
    }
  }

  #checkLineSpan(page: number, pages: number): void {
    const first = pageReference(page)
    for (let line = 0; line < pages * LINES_PER_PAGE; line++) {
      assert(this.#lines.has((first + (line << LINE_SHIFT)) | 0), 'no bucket line is lost')
    }
  }

  #checkSpan(page: number, index: number, freeByClass: Map<number, number>): void {
    const { pages, slab, region } = this.#space
    const { chunksPerSpan, chunkBytes: size } = slab.sizes.classes[index]!
    const descriptor = pages.wordsOf(page)
    const at = pages.descriptorAt(page)
    const carved = descriptor[at + PAGE.carved]!
    assert(descriptor[at + PAGE.closed] === 0, 'nobody is emptying a span')
    const free = new Set<number>()
    for (let next = descriptor[at + PAGE.freeHead]!; next !== 0; ) {
      assert(next <= carved && !free.has(next), 'a free list has each chunk once')
      free.add(next)
      const reference = pageReference(page) + (next - 1) * (size >>> 4)
      assert(!this.#used.has(reference | 0), 'a free chunk is not in use')
      next = region.segments[reference >>> GRANULE_BITS]!.words[(reference & GRANULE_MASK) << 2]!
    }
    assert(free.size === descriptor[at + PAGE.freeCount], 'a span counts its free chunks')
    for (let ordinal = 0; ordinal < carved; ordinal++) {
      const reference = (pageReference(page) + ordinal * (size >>> 4)) | 0
      if (!free.has(ordinal + 1) && !this.#used.has(reference)) this.#unseen++
      assert(pageOf(reference) >= page, 'a chunk lies in its span')
    }
    const total = (freeByClass.get(index) ?? 0) + free.size + chunksPerSpan - carved
    freeByClass.set(index, total)
  }

  #use(reference: Reference): void {
    assert(!this.#used.has(reference), 'a chunk is in one place')
    this.#used.add(reference)
  }
}
