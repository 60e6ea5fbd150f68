/**
 * The operations that the death test stops after every store: each with the memory that it starts from, so that together
 * they take every path through table, slab, lines and pages. Keys are picked by their hash where a bucket matters.
 */

import { isOperationError } from '../base/errors.js'
import { EVICTION } from '../memory/header.js'
import { PARTICIPANT } from '../memory/participant.js'
import type { Table } from '../table/table.js'
import { type Actor, storeHook } from './death-stores.js'
import { ABSENT, LATER_MS, NEVER_MS, NOW_MS, stateOf, type World, type WorldShape } from './death-world.js'

export interface Scenario {
  readonly name: string
  readonly shape?: WorldShape
  /** Lays the memory out; `a` is to die, `b` comes after it. */
  prepare(world: World, a: Table, b: Table): void
  /** What A is stopped in. */
  operate(world: World, a: Table, actor: Actor): void
  /** The memory is so full that others may be told FULL. */
  readonly full?: boolean
  /** Nothing can come after it on the same handle. */
  readonly last?: boolean
  /** Times that the system gives memory, of a region that has to ask for it; default: always. */
  readonly commits?: number
  /** Length of the values that B writes: of the class that A worked on. */
  readonly valueBytes?: number
}

const SMALL = 'small'
const OTHER = 'another value, long enough that it lies in another size class'
/** Larger than the largest class of a table this small, so pages of its own. */
const LARGE = 'x'.repeat(6000)
const NO_MAGAZINE = 'y'.repeat(1500)

/** `count` keys whose hash `fits`. */
export function keysWhere(
  table: Table,
  count: number,
  fits: (hash: number) => boolean,
  prefix = 'k',
): string[] {
  const keys: string[] = []
  for (let number = 0; keys.length < count; number++) {
    table.key.setText(`${prefix}${number}`)
    if (fits(table.key.hash)) keys.push(`${prefix}${number}`)
  }
  return keys
}

const anyHash = () => true

/** Gives `table` a magazine of small chunks. */
function warm(world: World, table: Table): void {
  world.put(table, 'warm', SMALL)
  world.remove(table, 'warm')
}

function fill(world: World, table: Table, count: number, value: string): string[] {
  const keys = keysWhere(table, count, anyHash)
  for (const key of keys) world.put(table, key, value)
  return keys
}

function putting(name: string, old: string | undefined, next: string, expiresAtMs = NEVER_MS): Scenario {
  return {
    name,
    valueBytes: next.length,
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      if (old !== undefined) world.put(a, 'victim', old)
    },
    operate: (world, a) => world.put(a, 'victim', next, expiresAtMs),
  }
}

function removing(name: string, old: string, expiresAtMs = NEVER_MS): Scenario {
  return {
    name,
    valueBytes: old.length,
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', old, expiresAtMs)
    },
    operate: (world, a) => world.remove(a, 'victim'),
  }
}

/**
 * Fills the table: large values until few pages are left, then `value` until there is no room; `spare` of these are deleted
 * again, by `table` itself.
 */
export function fillUp(world: World, table: Table, value: string, spare: number): void {
  for (let number = 0; table.space.pages.freePages > 10; number++) world.put(table, `block${number}`, LARGE)
  const keys: string[] = []
  try {
    for (let number = 0; ; number++) {
      world.put(table, `full${number}`, `${value}${number}`)
      keys.push(`full${number}`)
    }
  } catch (error) {
    if (!isOperationError(error, 'FULL')) throw error
    world.change(`full${keys.length}`, ABSENT, () => {})
  }
  for (const key of keys.slice(0, spare)) world.remove(table, key)
}

/** Puts `value` under new keys until a table that evicts has lost some. */
function fillEvicting(world: World, table: Table, value: string): void {
  for (let number = 0; table.stats().evictions < 3; number++) world.put(table, `full${number}`, value)
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'the first insert of a table',
    prepare: () => {},
    operate: (world, a) => world.put(a, 'victim', SMALL),
  },
  {
    name: 'an insert whose magazine is filled from a new span',
    prepare(world, _, b) {
      world.put(b, 'other', SMALL)
    },
    operate: (world, a) => world.put(a, 'victim', OTHER),
    valueBytes: OTHER.length,
  },
  putting('an insert with all at hand', undefined, SMALL),
  putting('an insert with an expiry', undefined, SMALL, LATER_MS),
  putting('an insert of a large value', undefined, LARGE),
  putting('an insert of a size without magazine', undefined, NO_MAGAZINE),
  putting('a replacement of the same size', SMALL, 'SMALL'),
  putting('a replacement of another size', SMALL, OTHER),
  putting('a small value replaced by a large one', SMALL, LARGE),
  putting('a large value replaced by a small one', LARGE, SMALL),
  putting('a large value replaced by a large one', LARGE, `${LARGE}2`),
  removing('a removal', SMALL),
  removing('a removal of a large value', LARGE),
  removing('a removal of the last chunk of a span', NO_MAGAZINE),
  {
    name: 'a removal with the magazine full',
    prepare(world, a, b) {
      const keys = fill(world, b, 60, SMALL)
      for (const key of keys.slice(0, 24)) world.remove(a, key)
      world.put(b, 'victim', SMALL)
    },
    operate: (world, a) => world.remove(a, 'victim'),
  },
  {
    name: 'a removal of an expired entry by who looks for it',
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', SMALL, NOW_MS + 5)
    },
    operate(world, a) {
      world.nowMs = NOW_MS + 6
      world.change('victim', ABSENT, () => {
        a.key.setText('victim')
        a.find(1)
      })
    },
  },
  {
    name: 'an insert that does not happen',
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', SMALL)
    },
    operate(_, a) {
      a.key.setText('victim')
      a.value.setText(OTHER)
      a.put(NEVER_MS, 1)
    },
    valueBytes: OTHER.length,
  },
  {
    name: 'a new expiry',
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', SMALL, LATER_MS)
    },
    operate: (world, a) =>
      world.change('victim', stateOf(SMALL, LATER_MS + 1), () => {
        a.key.setText('victim')
        a.expireAt(LATER_MS + 1)
      }),
  },
  {
    name: 'an expiry where there was none',
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', SMALL)
    },
    operate: (world, a) =>
      world.change('victim', stateOf(SMALL, LATER_MS), () => {
        a.key.setText('victim')
        a.expireAt(LATER_MS)
      }),
  },
  {
    name: 'a number changed in place',
    prepare(world, a, b) {
      fill(world, b, 3, SMALL)
      world.put(a, 'victim', 'abcd')
    },
    operate: (world, a) =>
      world.change('victim', stateOf('ABCD'), () => {
        a.key.setText('victim')
        a.writer.changeNumber(a.key, 4, (segment, at, open) => {
          open()
          storeHook.store(segment.words, at, Buffer.from('ABCD').readInt32LE(0))
          return 1
        })
      }),
  },
  {
    name: 'an insert into an empty line of a chain',
    prepare(world, a, b) {
      const keys = keysWhere(b, 5, (hash) => (hash & 1) === 0)
      for (const key of keys) world.put(b, key, SMALL)
      world.put(a, keysWhere(a, 6, (hash) => (hash & 1) === 0)[5] as string, SMALL)
      world.remove(a, keysWhere(a, 6, (hash) => (hash & 1) === 0)[5] as string)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 6, (hash) => (hash & 1) === 0)[5] as string, SMALL),
  },
  {
    name: 'an insert that brings a line',
    prepare(world, a, b) {
      warm(world, a)
      for (const key of keysWhere(b, 5, (hash) => (hash & 1) === 0)) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 6, (hash) => (hash & 1) === 0)[5] as string, SMALL),
  },
  {
    name: 'an insert that splits a bucket',
    prepare(world, a, b) {
      warm(world, a)
      for (const key of keysWhere(b, 7, (hash) => (hash & 1) === 0)) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 8, (hash) => (hash & 1) === 0)[7] as string, SMALL),
  },
  {
    name: 'a split that moves nothing',
    prepare(world, a, b) {
      warm(world, a)
      for (const key of keysWhere(b, 7, (hash) => (hash & 3) !== 2)) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 8, (hash) => (hash & 3) !== 2)[7] as string, SMALL),
  },
  {
    name: 'a split that brings lines for its second half',
    prepare(world, a, b) {
      warm(world, a)
      for (const key of keysWhere(b, 7, (hash) => (hash & 3) === 2)) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 8, (hash) => (hash & 3) === 2)[7] as string, SMALL),
  },
  {
    name: 'a split of a long chain that then moves together',
    prepare(world, a, b) {
      warm(world, a)
      // Three buckets, ten entries in bucket 1 of which every other one goes to bucket 3.
      const stay = keysWhere(b, 6, (hash) => (hash & 3) === 1)
      const go = keysWhere(b, 4, (hash) => (hash & 3) === 3)
      for (let i = 0; i < 6; i++)
        for (const key of [go[i], stay[i]]) if (key !== undefined) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keysWhere(a, 7, (hash) => (hash & 3) === 1)[6] as string, SMALL),
  },
  {
    name: 'an insert that brings an extent',
    prepare(world, a, b) {
      fill(world, b, 27, SMALL)
      world.put(a, 'one', SMALL)
    },
    operate: (world, a) => world.put(a, 'victim', SMALL),
  },
  {
    name: 'buckets made beforehand, with extents of whole pages',
    prepare: () => {},
    operate: (_, a) => a.reserve(420),
  },
  {
    name: 'a stripe cleared',
    prepare(world, _, b) {
      fill(world, b, 14, SMALL)
      world.put(b, 'large', LARGE)
      world.put(b, 'other', OTHER)
    },
    operate(world, a) {
      const clear = (keys: readonly string[]): void => {
        const [key, ...rest] = keys
        if (key === undefined) a.clear()
        else world.change(key, ABSENT, () => clear(rest))
      }
      clear(world.keys())
    },
  },
  {
    name: 'an insert that gathers the magazines of others',
    full: true,
    valueBytes: 290,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillUp(world, b, 'z'.repeat(290), 4)
    },
    operate: (world, a) => world.put(a, 'victim', 'w'.repeat(290)),
  },
  {
    name: 'a large insert that needs the pages of emptied spans',
    full: true,
    valueBytes: 290,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillUp(world, b, 'z'.repeat(290), 24)
      for (let i = 0; i < 36; i++) world.remove(a, `full${24 + i}`)
    },
    operate: (world, a) => world.put(a, 'victim', LARGE),
  },
  {
    name: 'an insert that is told FULL',
    full: true,
    valueBytes: 290,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillUp(world, b, 'z'.repeat(290), 0)
    },
    operate(_, a) {
      a.key.setText('victim')
      a.value.setText(LARGE)
      try {
        a.put(NEVER_MS, 0)
      } catch (error) {
        if (!isOperationError(error, 'FULL')) throw error
      }
    },
  },
  {
    name: 'an insert that evicts an entry of its size',
    shape: { eviction: EVICTION.CLOCK },
    valueBytes: 290,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillEvicting(world, b, 'z'.repeat(290))
    },
    operate: (world, a) => world.put(a, 'victim', 'w'.repeat(290)),
  },
  {
    name: 'a large insert that empties pages of small entries',
    shape: { eviction: EVICTION.CLOCK },
    valueBytes: 290,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillEvicting(world, b, 'z'.repeat(290))
    },
    operate: (world, a) => world.put(a, 'victim', LARGE),
  },
  {
    name: 'a small insert that empties pages of large values',
    shape: { eviction: EVICTION.CLOCK },
    valueBytes: 90,
    prepare(world, a, b) {
      world.put(a, 'one', SMALL)
      fillEvicting(world, b, LARGE)
    },
    operate: (world, a) => world.put(a, 'victim', 'w'.repeat(90)),
  },
  {
    name: 'an insert that evicts because of a limit',
    shape: { eviction: EVICTION.CLOCK, maxEntries: 12 },
    prepare(world, _, b) {
      fill(world, b, 14, SMALL)
    },
    operate: (world, a) => world.put(a, 'victim', SMALL),
  },
  {
    name: 'an insert up to a limit, and a removal',
    shape: { maxEntries: 12 },
    full: true,
    prepare(world, _, b) {
      fill(world, b, 7, SMALL)
    },
    operate(world, a) {
      world.put(a, 'victim', SMALL)
      world.remove(a, 'k1')
    },
  },
  {
    name: 'a sweep of expired entries',
    prepare(world, a, b) {
      fill(world, b, 6, SMALL)
      for (let i = 0; i < 9; i++) world.put(i % 2 === 0 ? a : b, `short${i}`, SMALL, NOW_MS + 5)
    },
    operate(world, a) {
      world.nowMs = NOW_MS + 6
      for (let i = 0; i < 9; i++) world.change(`short${i}`, ABSENT, () => {})
      a.sweep()
    },
  },
  {
    name: 'an insert into a table full of what has expired',
    full: true,
    valueBytes: 290,
    prepare(world, _, b) {
      for (let i = 0; i < 9; i++) world.put(b, `short${i}`, 'z'.repeat(290), NOW_MS + 5)
      fillUp(world, b, 'z'.repeat(290), 0)
    },
    operate(world, a) {
      world.nowMs = NOW_MS + 6
      for (let i = 0; i < 9; i++) world.change(`short${i}`, ABSENT, () => {})
      world.put(a, 'victim', 'z'.repeat(290))
    },
  },
  {
    name: 'an insert up to a limit, where some have expired',
    shape: { maxEntries: 12 },
    full: true,
    prepare(world, _, b) {
      for (let i = 0; i < 5; i++) world.put(b, `short${i}`, SMALL, NOW_MS + 5)
      fill(world, b, 7, SMALL)
    },
    operate(world, a) {
      world.nowMs = NOW_MS + 6
      for (let i = 0; i < 5; i++) world.change(`short${i}`, ABSENT, () => {})
      world.put(a, 'victim', SMALL)
    },
  },
  {
    name: 'an idle thread with chunks in its magazines',
    full: true,
    valueBytes: 290,
    prepare(world, a, b) {
      fillUp(world, b, 'z'.repeat(290), 0)
      for (let i = 0; i < 9; i++) world.remove(a, `full${20 + i}`)
    },
    // One store that means nothing, so that there is a death to have.
    operate(_, a) {
      storeHook.store(a.space.words, a.space.registry.at + PARTICIPANT.spareStripe, 0)
    },
  },
  {
    name: 'joining',
    prepare(world, _, b) {
      world.put(b, 'one', SMALL)
    },
    operate: (world, _, actor) => void world.attach(actor),
  },
  {
    name: 'closing with chunks in the magazines',
    prepare(world, a, b) {
      fill(world, b, 6, SMALL)
      for (let i = 0; i < 3; i++) world.remove(a, `k${i}`)
    },
    operate: (_, a) => a.close(),
    last: true,
  },
  {
    name: 'a check, with all desks taken',
    prepare(world, _, b) {
      fill(world, b, 6, SMALL)
    },
    operate: (_, a) => a.check(),
  },
]

/** Only where the system is asked for memory: it has none left at some point. */
export const MAPPED_SCENARIOS: readonly Scenario[] = [0, 1, 2].flatMap((commits): Scenario[] => {
  const when = `when the system gives memory ${commits} times more`
  return [
    {
      name: `an insert of a large value ${when}`,
      commits,
      full: true,
      prepare(world, a, b) {
        world.put(a, 'one', SMALL)
        fill(world, b, 3, SMALL)
      },
      operate: (world, a) => unlessFull(world, 'victim', () => world.put(a, 'victim', LARGE)),
    },
    {
      name: `an insert into pages that were used before ${when}`,
      commits,
      full: true,
      prepare(world, a, b) {
        world.put(a, 'one', SMALL)
        world.put(b, 'large', LARGE)
        world.put(b, 'other', LARGE)
        world.remove(b, 'large')
      },
      operate: (world, a) => unlessFull(world, 'victim', () => world.put(a, 'victim', `${LARGE}2`)),
    },
    {
      name: `an insert that brings an extent ${when}`,
      commits,
      full: true,
      prepare(world, a, b) {
        fill(world, b, 27, SMALL)
        world.put(a, 'one', SMALL)
      },
      operate: (world, a) => unlessFull(world, 'victim', () => world.put(a, 'victim', SMALL)),
    },
  ]
})

function unlessFull(world: World, key: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!isOperationError(error, 'FULL')) throw error
    world.change(key, ABSENT, () => {})
  }
}
