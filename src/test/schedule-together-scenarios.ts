/**
 * Scenarios of several keys at once: writers that give all keys the same value at one moment, and readers that must never
 * find two of them apart. And broken copies of the table that must be found by them.
 */
import { KeyBuffer } from '../table/key-buffer.js'
import { HASH_KEY, type Scenario } from './schedule.js'
import type { Canary } from './schedule-canaries.js'
import { formOf, type ScheduledMap, type Step } from './schedule-program.js'
import { act } from './schedule-scenarios.js'

/** Keys of the first and second of two stripes by turns. */
function keysByTurns(count: number): string[] {
  const buffer = new KeyBuffer(...HASH_KEY)
  const keys: string[] = []
  for (let number = 0; keys.length < count; number++) {
    buffer.setText(`t${number}`)
    if (buffer.hash >>> 31 === keys.length % 2) keys.push(`t${number}`)
  }
  return keys
}

/** All keys begin with the same value. */
function level(map: ScheduledMap, keys: readonly string[]): void {
  for (const key of keys) map.set(key, formOf('texts').write(4))
}

function together(name: string, programs: Step[][], more: Partial<Scenario> = {}): Scenario {
  const keys = keysByTurns(3)
  return { name, values: 'texts', keys, setup: level, programs, stripes: 2, together: true, ...more }
}

const empty = { setup: (): void => undefined }
const putAll = act('put all', 0, 8)

export const TOGETHER: readonly Scenario[] = [
  together('all keys replaced, and read at once', [[putAll], [act('read all')]]),
  together('all keys replaced, and read in turn', [[putAll], [act('read in turn')]]),
  together('all keys inserted, and read at once', [[putAll], [act('read all')]], empty),
  together('all keys inserted, and read in turn', [[putAll], [act('read in turn')]], empty),
  together('all keys deleted, and read at once', [[act('delete all')], [act('read all')]]),
  together('all keys deleted and put again, and read at once', [
    [act('delete all'), putAll],
    [act('read all')],
  ]),
  together(
    'all keys put and deleted, and read at once',
    [[putAll, act('delete all')], [act('read all')]],
    empty,
  ),
  together('two that replace all keys', [[putAll], [act('put all', 0, 12)]]),
  together('two that add to all keys', [[act('add to all', 0, 4)], [act('add to all', 0, 8)]]),
  together('two that add to all keys first', [[act('add to all', 0, 4)], [act('add to all', 0, 8)]], empty),
  together('all keys replaced, and one of them written by another', [
    [putAll],
    [act('set', 1, 12), act('delete', 2), act('insert', 2, 16)],
  ]),
  together('all keys inserted, and one of them by another', [[putAll], [act('insert', 1, 12)]], empty),
  together('all keys inserted while a stripe is split, and read at once', [[putAll], [act('read all')]], {
    ...empty,
    keys: keysByTurns(6),
  }),
  together(
    'all keys replaced, added to and read at once',
    [[putAll], [act('add to all', 0, 4)], [act('read all')]],
    { keys: keysByTurns(2) },
  ),
]

export const TOGETHER_CANARIES: readonly Canary[] = [
  {
    name: 'a transaction that does not make its slots busy',
    rewrites: [{ file: 'table/several-commit.js', find: 'slotWords[slotAt + 2] = 0;', put: ';' }],
    scenario: 'all keys replaced, and read in turn',
  },
  {
    name: 'a read of several keys that does not look twice',
    rewrites: [
      { file: 'table/several-keys.js', find: 'keys.length === 1 || this.stillHolds()', put: 'true' },
    ],
    scenario: 'all keys replaced, and read at once',
  },
  {
    name: 'a second look that believes what is not there',
    rewrites: [{ file: 'table/several-keys.js', find: 'this.#isAbsent(touched) :', put: 'true :' }],
    scenario: 'all keys inserted, and read at once',
  },
  {
    name: 'a transaction that does not look again at what it has seen',
    rewrites: [
      {
        file: 'table/several-commit.js',
        find: 'if (touched.isSeen && !this.#isAsSeen(touched, found))',
        put: 'if (false)',
      },
    ],
    scenario: 'two that add to all keys',
  },
]
