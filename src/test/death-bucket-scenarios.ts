/**
 * Deaths where buckets change their shape: lines that come to a chain, splits that move some or none of its entries, extents
 * of new buckets, a stripe cleared. Keys are picked by the bits of their hash that name a bucket.
 */
import type { Table } from '../table/table.js'
import { fill, keysWhere, LARGE, OTHER, type Scenario, SMALL, warm } from './death-start.js'
import { ABSENT } from './death-world.js'

const isEven = (hash: number): boolean => (hash & 1) === 0

/** The key that comes after the first `count` of those whose hash `fits`. */
function keyAfter(table: Table, count: number, fits: (hash: number) => boolean): string {
  return keysWhere(table, count + 1, fits)[count] as string
}

/** One entry more, with a chunk at hand, where `count` are there whose hash `fits`. */
function addingTo(name: string, count: number, fits: (hash: number) => boolean): Scenario {
  return {
    name,
    prepare(world, a, b) {
      warm(world, a)
      for (const key of keysWhere(b, count, fits)) world.put(b, key, SMALL)
    },
    operate: (world, a) => world.put(a, keyAfter(a, count, fits), SMALL),
  }
}

export const BUCKET_SCENARIOS: readonly Scenario[] = [
  {
    name: 'an insert into an empty line of a chain',
    prepare(world, a, b) {
      for (const key of keysWhere(b, 5, isEven)) world.put(b, key, SMALL)
      world.put(a, keyAfter(a, 5, isEven), SMALL)
      world.remove(a, keyAfter(a, 5, isEven))
    },
    operate: (world, a) => world.put(a, keyAfter(a, 5, isEven), SMALL),
  },
  addingTo('an insert that brings a line', 5, isEven),
  addingTo('an insert that splits a bucket', 7, isEven),
  addingTo('a split that moves nothing', 7, (hash) => (hash & 3) !== 2),
  addingTo('a split that brings lines for its second half', 7, (hash) => (hash & 3) === 2),
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
    operate: (world, a) =>
      world.put(
        a,
        keyAfter(a, 6, (hash) => (hash & 3) === 1),
        SMALL,
      ),
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
]
