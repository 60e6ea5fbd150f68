/**
 * Deaths where room is short: memory that is gathered from others, evicted, swept or refused, a limit of entries, and a
 * system that has no more to give.
 */
import { isOperationError } from '../base/errors.js'
import { EVICTION } from '../memory/header.js'
import type { Table } from '../table/table.js'
import { fill, fillUp, LARGE, type Scenario, SMALL } from './death-start.js'
import { ABSENT, NEVER_MS, NOW_MS, type World } from './death-world.js'

/** Puts `value` under new keys until a table that evicts has lost some. */
function fillEvicting(world: World, table: Table, value: string): void {
  for (let number = 0; table.stats().evictions < 3; number++) world.put(table, `full${number}`, value)
}

export const ROOM_SCENARIOS: readonly Scenario[] = [
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
