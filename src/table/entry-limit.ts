/**
 * The limit on the number of entries (`maxEntries`): one word of the region counts them, and no insert goes past it.
 *
 * An insert counts itself by compare-and-swap under its stripe's lock, before its slot can be seen; a removal counts
 * itself out under the same lock, after its slot is empty. So the word is never below the truth, and equal to it
 * whenever no operation is under way. There is no add that is taken back: that could turn away somebody else.
 *
 * A death between slot and word leaves the word too high. Whoever settles it says so (`recountDue`), and the entries
 * are counted anew with all desks held, which nobody inside an operation does not hold: by housekeeping, by check(), or
 * by the next one who would be told FULL. Desks of others are only tried, so nobody waits for anybody.
 */
import { HEADER } from '../memory/header.js'
import { STRIPE, STRIPE_WORDS } from './layout.js'
import type { Space } from './space.js'
import type { TableView } from './view.js'

const { entries: ENTRIES, maxEntries: MAX_ENTRIES, recountDue: RECOUNT_DUE } = HEADER

/** Counts one entry more, unless the table has as many as it may. Needs the stripe's lock. */
export function admit(words: Int32Array): boolean {
  const most = words[MAX_ENTRIES]!
  for (let seen = Atomics.load(words, ENTRIES); seen < most; ) {
    const found = Atomics.compareExchange(words, ENTRIES, seen, seen + 1)
    if (found === seen) return true
    seen = found
  }
  return false
}

export function isOverLimit(words: Int32Array): boolean {
  return Atomics.load(words, ENTRIES) >= words[MAX_ENTRIES]!
}

/** Somebody who stopped in the middle is about to be settled: the count may be too high afterwards. */
export function noteRecount(words: Int32Array): void {
  if (words[MAX_ENTRIES] !== 0) Atomics.store(words, RECOUNT_DUE, 1)
}

export function isRecountDue(words: Int32Array): boolean {
  return Atomics.load(words, RECOUNT_DUE) !== 0
}

/** Counts the entries anew if that is due and nobody is inside an operation. Needs the own desk. */
export function recountIfDue(space: Space): boolean {
  if (!isRecountDue(space.words)) return false
  const taken: number[] = []
  const desks = [...space.registry.records()].filter((at) => at !== space.registry.at)
  for (const deskAt of desks) if (space.locks.tryAcquire(deskAt)) taken.push(deskAt)
  // Somebody may have joined meanwhile, whom nothing held up.
  const isWhole = [...space.registry.records()].every((at) => at === space.registry.at || taken.includes(at))
  if (isWhole) recountHeldUp(space)
  for (const deskAt of taken) space.locks.release(deskAt)
  return isWhole
}

/** As above, with all desks held. The flag last: who dies in between leaves it to the next one. */
export function recountHeldUp(space: Space): void {
  Atomics.store(space.words, ENTRIES, sumOfStripes(space))
  Atomics.store(space.words, RECOUNT_DUE, 0)
}

export function sumOfStripes({ words, shape }: Pick<TableView, 'words' | 'shape'>): number {
  let entries = 0
  for (let index = 0; index < shape.stripes; index++)
    entries += words[shape.stripesAt + index * STRIPE_WORDS + STRIPE.count]!
  return entries
}
