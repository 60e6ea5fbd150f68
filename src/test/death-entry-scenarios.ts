/**
 * Deaths in operations on one key, with memory for all of it: inserts, replacements, removals and new expiries, each with
 * chunks of every kind (of a magazine, of a size without one, pages of their own).
 */

import { fill, LARGE, OTHER, type Scenario, SMALL } from './death-start.js'
import { storeHook } from './death-stores.js'
import { ABSENT, LATER_MS, NEVER_MS, NOW_MS, stateOf } from './death-world.js'

const NO_MAGAZINE = 'y'.repeat(1500)

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

export const ENTRY_SCENARIOS: readonly Scenario[] = [
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
]
