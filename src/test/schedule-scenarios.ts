/**
 * The scenarios that schedules are tried on: small tables in the state just before something happens (a split, a new
 * line in a chain, a freed chunk used again), and two or three short programs that meet there.
 */
import { isOperationError } from '../base/errors.js'
import { KeyBuffer } from '../table/key-buffer.js'
import { HASH_KEY, type Scenario } from './schedule.js'
import {
  type Action,
  formOf,
  LONG_TTL_MS,
  type ScheduledMap,
  SHORT_TTL_MS,
  type Step,
  type ValueForm,
} from './schedule-program.js'

/** One step of a program. */
export function act(action: Action, key = 0, argument = 0, expected?: number): Step {
  return { action, key, argument, ...(expected === undefined ? {} : { expected }) }
}

/** `count` keys whose hashes end in `residue` modulo `modulus`: of one bucket among so many. */
function keysIn(count: number, modulus = 1, residue = 0): string[] {
  const buffer = new KeyBuffer(...HASH_KEY)
  const keys: string[] = []
  for (let number = 0; keys.length < count; number++) {
    buffer.setText(`k${number}`)
    if ((buffer.hash & (modulus - 1)) === residue) keys.push(`k${number}`)
  }
  return keys
}

/** Key i begins with value i * 4, for the first `present` keys. */
const holding =
  (present: number, values: ValueForm = 'texts') =>
  (map: ScheduledMap, keys: readonly string[]): void => {
    for (const [at, key] of keys.slice(0, present).entries()) map.set(key, formOf(values).write(at * 4))
  }

function scenario(name: string, programs: Step[][], more: Partial<Scenario> = {}): Scenario {
  const { values = 'texts' } = more
  return { name, values, keys: keysIn(3), setup: holding(2, values), programs, ...more }
}

/** Nothing is there, but there was. */
function emptied(map: ScheduledMap, keys: readonly string[]): void {
  holding(2)(map, keys)
  map.clear()
}

const expiring =
  (ttlMs: number) =>
  (map: ScheduledMap, keys: readonly string[]): void => {
    map.set(keys[0] ?? '', formOf('texts').write(0), { ttlMs })
    map.set(keys[1] ?? '', formOf('texts').write(4))
  }

/** Three entries in one bucket: the next insert splits it, and some of them move. */
const beforeSplit = { keys: keysIn(5), setup: holding(3) }
/**
 * Seven entries in the first of two buckets, in two lines: the next insert splits it, the first four move, and of the
 * others two close up from the second line.
 */
const beforeLongSplit = {
  keys: [...keysIn(4, 4, 2), ...keysIn(3, 4, 0), ...keysIn(2, 2, 1)],
  setup: holding(7),
}
/** Five entries fill the one line of a bucket: the next one there needs a second line. */
const fullLine = { keys: keysIn(7, 2, 0), setup: holding(5) }

/** As many entries as there may be: one more evicts one. */
const atLimit: Partial<Scenario> = { options: { eviction: 'clock', maxEntries: 2 }, evictions: 2 }

function fillUp(map: ScheduledMap, keys: readonly string[]): void {
  holding(2)(map, keys)
  try {
    for (let at = 0; ; at++) map.set(`fill ${at}`, formOf('texts').write(3))
  } catch (error) {
    if (!isOperationError(error, 'FULL')) throw error
  }
}

const glances = { glances: true }
const glance = act('glance')
const [get, set, insert] = [act('get'), act('set', 0, 40), act('insert', 2, 44)]
/** Writes another key with the memory that a change of key 0 has set free. */
const reuse = act('set', 1, 48)

export const PAIRS: readonly Scenario[] = [
  scenario('hit and replace, the old chunk used again', [[get], [set, reuse]]),
  scenario('hit and two replaces, the chunk between them used again', [
    [get],
    [set, act('set', 0, 44), reuse],
  ]),
  scenario('hit and replace by other sizes', [
    [get, get],
    [act('set', 0, 41), act('set', 0, 42), act('set', 0, 43)],
  ]),
  scenario('hit and delete, the chunk used again', [[get], [act('delete'), act('set', 2, 48)]]),
  scenario('hit and delete, the slot used again', [
    [act('entry'), get],
    [act('delete'), act('insert', 0, 52)],
  ]),
  scenario('miss and insert', [[act('get', 2), act('has', 2)], [insert]]),
  scenario(
    'a first entry, inserted and deleted once it is seen',
    [[act('insert', 0, 40)], [act('get'), act('delete'), act('get')]],
    { setup: emptied },
  ),
  scenario('two inserts of one key', [[insert], [act('insert', 2, 47)]]),
  scenario('two inserts into a fresh table', [[insert], [act('insert', 1, 5)]], {
    setup: () => undefined,
    cold: true,
  }),
  scenario('two replaces', [[set], [act('replace', 0, 45)]]),
  scenario('replace and delete', [[act('replace', 0, 45)], [act('delete')]]),
  scenario('take and exchange', [[act('take')], [act('exchange', 0, 46)]]),
  scenario('two exchanges of compare-and-set', [
    [act('compareAndSet', 0, 44, 0)],
    [act('compareAndSet', 0, 45, 0)],
  ]),
  scenario('compare-and-set and a value that comes back', [
    [act('compareAndSet', 0, 44, 0)],
    [act('set', 0, 8), act('set', 0, 0), act('get')],
  ]),
  scenario('get or insert twice', [[act('getOrInsert', 2, 41)], [act('getOrInsert', 2, 43)]]),
  scenario('two computes', [[act('compute', 0, 5)], [act('compute', 0, 7)]], { values: 'numbers' }),
  scenario('two increments', [[act('increment', 0, 1)], [act('increment', 0, 2)]], { values: 'numbers' }),
  scenario('two first increments', [[act('increment', 2, 1)], [act('increment', 2, 2)]], {
    values: 'numbers',
  }),
  scenario('increment and delete', [[act('increment', 0, 1), act('get')], [act('delete')]], {
    values: 'numbers',
  }),
  scenario(
    'hits while a split moves entries',
    [[act('get', 0), act('get', 1), act('get', 2)], [act('insert', 3, 60)]],
    beforeSplit,
  ),
  scenario(
    'miss and insert while a split moves entries',
    [[act('get', 3), act('get', 4)], [act('insert', 3, 60)]],
    beforeSplit,
  ),
  scenario(
    'deletes while a split moves entries',
    [[act('delete', 0), act('take', 1)], [act('insert', 3, 60)]],
    beforeSplit,
  ),
  scenario(
    'two inserts that both want to split',
    [[act('insert', 3, 60)], [act('insert', 4, 64)]],
    beforeSplit,
  ),
  scenario('a hit while a chain closes up', [[act('get', 5)], [act('insert', 7, 60)]], beforeLongSplit),
  scenario(
    'hits while a chain closes up',
    [[0, 2, 4, 5, 6].map((key) => act('get', key)), [act('insert', 7, 60)]],
    beforeLongSplit,
  ),
  scenario('a miss while a chain closes up', [[act('get', 8)], [act('insert', 7, 60)]], beforeLongSplit),
  scenario(
    'hit and miss while a chain gets a line',
    [[act('get', 5), act('get', 4)], [act('insert', 5, 60)]],
    fullLine,
  ),
  scenario('many gets while a split moves entries', [[act('many')], [act('insert', 3, 60)]], beforeSplit),
  scenario('many gets while a chain closes up', [[act('many')], [act('insert', 7, 60)]], beforeLongSplit),
  scenario('two inserts that both want a line', [[act('insert', 5, 60)], [act('insert', 6, 64)]], fullLine),
  scenario('a walk while a split moves entries', [[act('walk')], [act('insert', 3, 60)]], beforeSplit),
  scenario('a walk while a chain closes up', [[act('walk')], [act('insert', 7, 60)]], beforeLongSplit),
  scenario('a walk, replace and delete', [[act('walk')], [set, act('delete', 1)]]),
  scenario('many gets and replace, the old chunk used again', [[act('many')], [set, reuse]]),
  scenario('many gets, delete and insert', [
    [act('many'), act('many')],
    [act('delete'), act('insert', 2, 48)],
  ]),
  scenario('clear and set', [[act('clear')], [set, insert]]),
  scenario('clear and gets', [[act('clear')], [get, act('get', 1)]]),
  scenario('clear and a split', [[act('clear')], [act('insert', 3, 60)]], beforeSplit),
  scenario('two clears', [[act('clear')], [act('clear'), act('get', 1)]]),
  scenario('a ttl for an entry without one, and set', [[act('expire')], [set, act('entry')]]),
  scenario('a new ttl in place, and hits', [[act('expire')], [act('entry'), get]], {
    setup: expiring(LONG_TTL_MS),
  }),
  scenario('persist and delete', [[act('persist')], [act('delete'), act('set', 1, 8)]], {
    setup: expiring(LONG_TTL_MS),
  }),
  scenario('an expired entry, got and set', [[get], [set]], { setup: expiring(SHORT_TTL_MS) }),
  scenario('an expired entry, got twice', [[get], [act('entry'), reuse]], { setup: expiring(SHORT_TTL_MS) }),
  scenario('an expired entry, inserted twice', [[act('insert', 0, 41)], [act('insert', 0, 42), act('get')]], {
    setup: expiring(SHORT_TTL_MS),
  }),
  scenario('an insert that evicts, and gets', [[insert], [get, act('get', 1)]], atLimit),
  scenario(
    'an insert that evicts, delete and insert',
    [[insert], [act('delete'), act('insert', 0, 52)]],
    atLimit,
  ),
  scenario('a full table, insert and delete', [[act('insert', 2, 44)], [act('delete'), act('set', 1, 8)]], {
    setup: fillUp,
    capacity: 64 * 1024,
  }),
]

/** Readers that cannot store, beside one who writes. */
export const GLANCES: readonly Scenario[] = [
  scenario(
    'glance and replace, the old chunk used again',
    [
      [glance, glance],
      [set, reuse],
    ],
    glances,
  ),
  scenario(
    'glance and delete, the slot used again',
    [[glance], [act('delete'), act('insert', 0, 52)]],
    glances,
  ),
  scenario('glance and evict', [[glance, act('glance', 1)], [insert]], { ...atLimit, ...glances }),
  scenario(
    'glances while a split moves entries',
    [[0, 1, 2, 3].map((key) => act('glance', key)), [act('insert', 3, 60)]],
    { ...beforeSplit, ...glances },
  ),
  scenario(
    'glances while a chain closes up',
    [[5, 8].map((key) => act('glance', key)), [act('insert', 7, 60)]],
    {
      ...beforeLongSplit,
      ...glances,
    },
  ),
  scenario(
    'glance over all while a split moves entries',
    [[act('glance over all')], [act('insert', 3, 60)]],
    {
      ...beforeSplit,
      ...glances,
    },
  ),
  scenario('glance and clear', [[glance, act('glance', 1)], [act('clear')]], glances),
]

export const TRIOS: readonly Scenario[] = [
  scenario('hit, replace and delete', [
    [get, get],
    [set, reuse],
    [act('delete'), act('insert', 2, 52)],
  ]),
  scenario('three that count', [[act('increment', 0, 1)], [act('increment', 0, 2)], [act('delete')]], {
    values: 'numbers',
  }),
  scenario(
    'hit, delete and a split',
    [[act('get', 1), act('get', 2)], [act('delete', 1)], [act('insert', 3, 60)]],
    beforeSplit,
  ),
  scenario('walk, clear and insert', [[act('walk')], [act('clear')], [act('insert', 3, 60)]], beforeSplit),
  scenario(
    'miss, insert and a chain that closes up',
    [[act('get', 8)], [act('insert', 8, 64)], [act('insert', 7, 60)]],
    beforeLongSplit,
  ),
]
