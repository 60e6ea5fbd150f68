import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import vm from 'node:vm'
import { codecs, SharedMap } from '../index.js'
import { runSeed, SeededRandom } from './seeded-random.js'
import { COUNTING, type MapOperation, ModelledMap, OPERATIONS } from './thrown-out.js'

/** Of each operation. */
const TIMEOUT_TRIES = 25
const OVERFLOW_TRIES = 150
const MIXED_TRIES = 400
const WARM_UP = 20
const KEYS = 60
/** Room that an operation has: so many levels less so many calls, at most. */
const MOST_LEVELS = 5
const MOST_CALLS = 40
const VERIFY_EVERY = 10

/** Making one of each takes longer than the tries themselves. */
const PLACE: { endless?: () => void } = vm.createContext({})
const CALL = new vm.Script('endless()')

/** Runs `work` over and over until a timeout of the shortest kind ends it, wherever it is. */
function untilTimeout(work: () => void): void {
  PLACE.endless = () => {
    for (;;) work()
  }
  try {
    CALL.runInContext(PLACE, { timeout: 1 })
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_SCRIPT_EXECUTION_TIMEOUT', String(error))
  }
}

/**
 * Calls itself until the stack is full, goes back `levels` levels and runs `work` there, below `calls` calls more, where
 * it has just that much room. Whether it came to its end. A level goes through native code, so that no compiler can
 * make one frame of many; a call is a fraction of a level.
 */
function nearTheLimit(levels: number, calls: number, work: () => void): boolean {
  let above = 0
  let returned: boolean | undefined
  const link = { toJSON: (): void => dive() }
  const dive = (): void => {
    try {
      JSON.stringify(link)
    } catch {
      // This is the end of the stack.
      above = 0
    }
    if (above++ < levels || returned !== undefined) return
    returned = false
    try {
      below(calls, work)
      returned = true
    } catch (error) {
      failure = error
    }
  }
  let failure: unknown
  dive()
  if (failure !== undefined) assert.match(String(failure), /RangeError: Maximum call stack/)
  return returned === true
}

function below(calls: number, work: () => void): void {
  if (calls > 0) below(calls - 1, work)
  else work()
}

describe('an operation that is thrown out leaves the old value or the new one, and a map that goes on', () => {
  const seed = runSeed()
  const random = new SeededRandom(seed)
  const texts = { name: 'texts', operations: OPERATIONS } as const
  const numbers = { name: 'numbers', operations: [...OPERATIONS, ...COUNTING] } as const
  let modelled: ModelledMap

  for (const { name, operations } of [texts, numbers]) {
    describe(name, () => {
      beforeEach(() => {
        const shape = { capacity: '1MiB', stripes: 2, lockTimeoutMs: 2000 }
        modelled =
          name === 'texts'
            ? new ModelledMap(new SharedMap<string, unknown>(shape), name)
            : new ModelledMap(
                new SharedMap<string, unknown>({ ...shape, values: codecs.int32 as never }),
                name,
              )
        for (let at = 0; at < KEYS / 2; at++) perform(set)
      })
      afterEach(() => modelled.map.close())

      const set = operations.find((operation) => operation.name === 'set') as MapOperation
      const perform = (operation: MapOperation): void => {
        modelled.perform(operation, `key ${random.below(KEYS)}`, random.below(1000))
      }
      const afterTry = (at: number): void => {
        modelled.reconcile()
        if (at % VERIFY_EVERY === 0) modelled.verify()
        if (at % VERIFY_EVERY === 1) for (let refill = 0; refill < 10; refill++) perform(set)
      }
      const anyOperation = (): void => perform(operations[random.below(operations.length)] ?? set)

      for (const operation of operations) {
        test(`${operation.name}, by a timeout`, (t) => {
          t.diagnostic(`seed ${seed}`)
          for (let at = 0; at < TIMEOUT_TRIES; at++) {
            untilTimeout(() => perform(operation))
            afterTry(at)
          }
          modelled.verify()
        })

        test(`${operation.name}, by a full stack`, (t) => {
          t.diagnostic(`seed ${seed}`)
          let thrown = 0
          // What has never run has to be compiled first, which takes more stack than there will be.
          const work = (): void => perform(operation)
          for (let at = 0; at < WARM_UP; at++) nearTheLimit(MOST_LEVELS * 20, 0, work)
          for (let at = 0; at < OVERFLOW_TRIES; at++) {
            const [levels, calls] = [random.below(MOST_LEVELS), random.below(MOST_CALLS)]
            if (!nearTheLimit(levels, calls, work)) thrown++
            afterTry(at)
          }
          modelled.verify()
          t.diagnostic(`${thrown} of ${OVERFLOW_TRIES} thrown out`)
        })
      }

      test('all of them in turn, by timeouts', () => {
        for (let at = 0; at < MIXED_TRIES; at++) {
          untilTimeout(anyOperation)
          afterTry(at)
        }
        modelled.verify()
      })
    })
  }
})
