/**
 * Emptying adjacent pages, for what the clock's hand cannot give: a large value where small ones lie, a small one where
 * large ones lie, bucket lines.
 *
 *   1. choose a run of pages without bucket lines (those never come back), whole spans, behind where the last one ended
 *   2. close its spans: they hand out nothing more, so what is freed there is not taken again before all is
 *   3. remove the entries whose chunks lie there: the chunk says its key, the key its stripe, and only a slot that leads
 *      to this chunk, seen under the stripe's lock, counts. Chunks that are in nobody's slot stay.
 *   4. bring in the magazines of all, which may hold chunks from there
 *   5. open the spans: the empty ones go to the pool
 *
 * Chunks are looked at without a lock, so what they say may be anything; it is checked before it is used, and a wrong
 * key leads to no slot. Locks: own desk, then one class or one stripe at a time; stripes are only tried,
 * but by who has told `mayGo`.
 *
 * A death: the record names the run (`windowAt`), whoever settles it opens its spans. The removals are deletes.
 * One call empties one run: as much as is wanted, at most one span more at either end.
 */
import { MAX_KEY_BYTES } from '../base/limits.js'
import { HEADER } from '../memory/header.js'
import {
  kindPages,
  kindPurpose,
  PAGE_SHIFT,
  pageReference,
  SPAN_LARGE,
  SPAN_LINES,
} from '../memory/page-descriptor.js'
import { COUNTERS, PARTICIPANT } from '../memory/participant.js'
import { GRANULE_BITS, GRANULE_MASK, type Reference } from '../memory/region.js'
import { Chain } from './chain.js'
import { KeyBuffer } from './key-buffer.js'
import { KEY_LENGTH_MASK, keyOffset, STRIPE } from './layout.js'
import type { Space } from './space.js'
import { waitForStripe } from './stripe-wait.js'

/** Looks at a held stripe lock before its entry stays where it is: several times a short section. */
const SPINS = 400
/** A segment's pages have numbers of so many bits. */
const PAGES_PER_SEGMENT_BITS = GRANULE_BITS - PAGE_SHIFT
const { windowAt: WINDOW_AT, windowPages: WINDOW_PAGES, holding: HOLDING, detached: DETACHED } = PARTICIPANT

/** Says which of the entries that lie on some pages may go; it may throw, and then nothing has. */
export type MayGo = (entries: readonly Reference[]) => ReadonlySet<Reference>

export class PageEviction {
  readonly #space: Space
  readonly #chain: Chain
  readonly #key: KeyBuffer
  readonly #words: Int32Array
  readonly #gather: () => void
  readonly #mayGo: MayGo | undefined
  #going: ReadonlySet<Reference> | undefined

  /**
   * `gather` brings the free chunks of all magazines back to their spans. `mayGo`, where nobody else writes, is told
   * before anything goes.
   */
  constructor(space: Space, gather: () => void, mayGo?: MayGo) {
    this.#space = space
    this.#gather = gather
    this.#mayGo = mayGo
    this.#chain = new Chain(space)
    this.#words = space.words
    this.#key = new KeyBuffer(space.words[HEADER.hashKey0]!, space.words[HEADER.hashKey1]!)
  }

  /**
   * Empties the next run of `pages`, if it can be without spans of class `spared`, for which they are wanted. False if
   * there is no run that could come free.
   */
  evictPages(pages: number, spared: number): boolean {
    const me = this.#space.registry.at
    const first = this.#choose(pages, spared) || this.#choose(pages, SPAN_LINES)
    if (first === 0) return false
    const end = this.#words[HEADER.pageHand]!
    this.#going = this.#mayGo?.(this.#entriesOn(first, end))
    this.#words[me + WINDOW_PAGES] = end - first
    this.#words[me + WINDOW_AT] = first
    this.#emptySpans(first, end)
    this.#emptyLarge(first, end)
    this.#gather()
    openWindow(this.#space, me, this.#space.registry.tag)
    return true
  }

  /** First page of a run of whole spans, which ends at the hand then; 0 if there is none without lines and spared spans. */
  #choose(pages: number, spared: number): number {
    const { segments, totalPages } = this.#space.shape
    let page = this.#words[HEADER.pageHand]!
    for (let steps = 2 * totalPages + segments.length; steps > 0; ) {
      const number = page >>> PAGES_PER_SEGMENT_BITS
      const segment = segments[number]
      const first = (number << PAGES_PER_SEGMENT_BITS) + (segment?.firstPage ?? 0)
      const end = first + (segment?.pages ?? 0)
      if (page < first || end - page < pages) {
        const next = page < first ? number : number + 1 < segments.length ? number + 1 : 0
        steps -= page < first ? 1 : Math.max(1, end - page)
        page = (next << PAGES_PER_SEGMENT_BITS) + segments[next]!.firstPage
        continue
      }
      const start = this.#spanStart(page)
      // A writer that leaves pages free has no use for those.
      if (this.#mayGo !== undefined && this.#space.pages.kindOf(start) <= 0) {
        steps--
        page++
        continue
      }
      const stop = this.#spansEnd(start, page + pages, spared)
      if (stop > 0) {
        this.#words[HEADER.pageHand] = stop
        return start
      }
      steps -= -stop - page
      page = -stop
    }
    return 0
  }

  /** First page of the span that holds `page`, or `page` itself if it is free. Seen without a lock. */
  #spanStart(page: number): number {
    const { pages } = this.#space
    const kind = pages.kindOf(page)
    const first = kind < 0 ? page + kind : page
    // What is left of an earlier, larger span may point anywhere behind.
    return pages.kindOf(first) > 0 && first + kindPages(pages.kindOf(first)) > page ? first : page
  }

  /** End of the spans from `first` to beyond `end`; minus the end of the first that must stay, if one must. */
  #spansEnd(first: number, end: number, spared: number): number {
    const { pages } = this.#space
    let page = first
    while (page < end) {
      const kind = pages.kindOf(page)
      const purpose = kind > 0 ? kindPurpose(kind) : -1
      if (purpose === SPAN_LINES || purpose === spared) return -(page + kindPages(kind))
      page += kind > 0 ? kindPages(kind) : 1
    }
    return page
  }

  #emptySpans(first: number, end: number): void {
    const { pages, slab, registry } = this.#space
    for (let page = first; page < end; ) {
      const kind = pages.kindOf(page)
      const index = kindPurpose(kind)
      if (kind > 0 && index < slab.sizes.classes.length) {
        const granules = slab.sizes.classes[index]!.chunkBytes >>> 4
        const carved = slab.spans.close(page, index, registry.tag)
        for (let ordinal = 0; ordinal < carved; ordinal++)
          this.#evictChunk(pageReference(page) + ordinal * granules)
      }
      page += kind > 0 ? kindPages(kind) : 1
    }
  }

  /** Chunks of entries on a run of pages. */
  #entriesOn(first: number, end: number): Reference[] {
    const { pages, slab } = this.#space
    const found: Reference[] = []
    const look = (at: number): void => {
      if (this.#readKey(at | 0) && this.#findsSlot(at | 0)) found.push(at | 0)
    }
    for (let page = first; page < end; ) {
      const kind = pages.kindOf(page)
      const index = kindPurpose(kind)
      if (kind > 0 && index === SPAN_LARGE) look(pageReference(page))
      if (kind > 0 && index < slab.sizes.classes.length) {
        const { chunkBytes, chunksPerSpan } = slab.sizes.classes[index]!
        for (let ordinal = 0; ordinal < chunksPerSpan; ordinal++)
          look(pageReference(page) + ordinal * (chunkBytes >>> 4))
      }
      page += kind > 0 ? kindPages(kind) : 1
    }
    return found
  }

  /** Whether the slot of the key just read leads to this chunk. */
  #findsSlot(reference: Reference): boolean {
    const stripeAt = this.#chain.buckets.stripeAt(this.#key.hash)
    return this.#chain.findChunk(stripeAt, this.#key.hash, reference)
  }

  /** Large values last: their pages are anybody's at once. */
  #emptyLarge(first: number, end: number): void {
    const { pages } = this.#space
    for (let page = first; page < end; ) {
      const kind = pages.kindOf(page)
      if (kind > 0 && kindPurpose(kind) === SPAN_LARGE) this.#evictChunk(pageReference(page))
      page += kind > 0 ? kindPages(kind) : 1
    }
  }

  /** Removes the entry that leads to the chunk, if there is one. */
  #evictChunk(at: number): void {
    const reference = at | 0
    if (this.#going?.has(reference) === false || !this.#readKey(reference)) return
    const stripeAt = this.#chain.buckets.stripeAt(this.#key.hash)
    // What a log has been told of goes, whoever reads there.
    if (this.#mayGo !== undefined) waitForStripe(this.#space, stripeAt)
    else if (!this.#tryLock(stripeAt)) return
    const found = this.#chain.findChunk(stripeAt, this.#key.hash, reference)
    if (found) {
      this.#words[this.#space.registry.at + DETACHED] = reference
      this.#chain.remove(stripeAt)
    }
    this.#space.locks.release(stripeAt + STRIPE.lock)
    if (!found) return
    this.#space.count(COUNTERS.evictions)
    this.#space.slab.freeToSpan(DETACHED)
  }

  /** The key of what may be an entry's chunk; false if its lengths cannot be true. */
  #readKey(reference: Reference): boolean {
    const { words, bytes } = this.#space.region.segments[reference >>> GRANULE_BITS]!
    const at = (reference & GRANULE_MASK) << 2
    const keyBytes = words[at + 1]! & KEY_LENGTH_MASK
    const start = (at + keyOffset(words[at]!)) << 2
    if (keyBytes > MAX_KEY_BYTES || start + keyBytes > bytes.length) return false
    this.#key.setBytes(bytes.subarray(start, start + keyBytes))
    return true
  }

  #tryLock(stripeAt: number): boolean {
    const lockAt = stripeAt + STRIPE.lock
    this.#words[this.#space.registry.at + HOLDING] = lockAt
    for (let spin = 0; spin < SPINS && Atomics.load(this.#words, lockAt) !== 0; spin++) {}
    return this.#space.locks.tryAcquire(lockAt)
  }
}

/** Opens the spans of the run that the record at `me` names, as far as they are closed by `tag`, and forgets the run. */
export function openWindow({ words, pages, slab }: Space, me: number, tag: number): void {
  const first = words[me + WINDOW_AT]!
  if (first === 0) return
  const end = first + words[me + WINDOW_PAGES]!
  for (let page = first; page < end; ) {
    const kind = pages.kindOf(page)
    if (kind > 0 && kindPurpose(kind) < SPAN_LARGE) slab.spans.open(page, tag)
    page += kind > 0 ? kindPages(kind) : 1
  }
  words[me + WINDOW_AT] = 0
}
