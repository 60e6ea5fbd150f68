import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FAULTS } from './broken-table.js'
import { complaintOf, runHistory } from './history-run.js'
import { checkRegister, effectOf, OPERATION_NAMES, type Operation, type Register } from './linearizability.js'
import { runSeed } from './seeded-random.js'

type Outline = Pick<Operation, 'name' | 'result'> & Partial<Operation>

/** Operations by outline, `during` giving call and response. */
function op(outline: Outline, invokedAt: number, respondedAt: number): Operation {
  return { thread: 0, argument: 0, expected: undefined, ...outline, invokedAt, respondedAt }
}

const accepts = (...history: Operation[]): void => assert.deepEqual(checkRegister(history).linearizable, true)
const rejects = (...history: Operation[]): void =>
  assert.deepEqual(checkRegister(history).linearizable, false)

describe('the checker accepts', () => {
  test('an empty history', () => accepts())

  test('a read that overlaps a write and sees either side of it', () => {
    accepts(op({ name: 'set', argument: 1, result: undefined }, 0, 5), op({ name: 'get', result: 1 }, 1, 2))
    accepts(
      op({ name: 'set', argument: 1, result: undefined }, 0, 5),
      op({ name: 'get', result: undefined }, 1, 2),
    )
  })

  test('an operation whose outcome is unknown, seen late or never', () => {
    const lost = op({ name: 'set', argument: 7, result: undefined }, 0, Infinity)
    accepts(lost, op({ name: 'get', result: undefined }, 1, 2), op({ name: 'get', result: 7 }, 3, 4))
    accepts(lost, op({ name: 'get', result: undefined }, 1, 2))
  })

  test('two inserts of which one wins', () => {
    accepts(
      op({ name: 'insert', argument: 1, result: false }, 0, 3),
      op({ name: 'insert', argument: 2, result: true }, 1, 4),
      op({ name: 'get', result: 2 }, 5, 6),
    )
  })

  test('a history that starts from a value', () => {
    const history = [op({ name: 'take', result: 9 }, 0, 1)]
    assert.equal(checkRegister(history, 9).linearizable, true)
    assert.equal(checkRegister(history).linearizable, false)
  })
})

describe('the checker rejects', () => {
  test('a read of what nobody wrote', () => rejects(op({ name: 'get', result: 3 }, 0, 1)))

  test('a read of a value overwritten before the read began', () => {
    rejects(
      op({ name: 'set', argument: 1, result: undefined }, 0, 1),
      op({ name: 'set', argument: 2, result: undefined }, 2, 3),
      op({ name: 'get', result: 1 }, 4, 5),
    )
  })

  test('two reads during one write that see new, then old', () => {
    rejects(
      op({ name: 'set', argument: 1, result: undefined }, 0, 1),
      op({ name: 'set', argument: 2, result: undefined }, 2, 9),
      op({ name: 'get', result: 2 }, 3, 4),
      op({ name: 'get', result: 1 }, 5, 6),
    )
  })

  test('two increments that both answer one', () => {
    rejects(
      op({ name: 'increment', argument: 1, result: 1 }, 0, 3),
      op({ name: 'increment', argument: 1, result: 1 }, 1, 4),
    )
  })

  test('two inserts that both win', () => {
    rejects(
      op({ name: 'insert', argument: 1, result: true }, 0, 3),
      op({ name: 'insert', argument: 2, result: true }, 1, 4),
    )
  })

  test('one value taken twice', () => {
    rejects(
      op({ name: 'set', argument: 5, result: undefined }, 0, 1),
      op({ name: 'take', result: 5 }, 2, 5),
      op({ name: 'take', result: 5 }, 3, 4),
    )
  })

  test('a compareAndSet that succeeds against another value', () => {
    rejects(
      op({ name: 'set', argument: 5, result: undefined }, 0, 1),
      op({ name: 'compareAndSet', expected: 6, argument: 7, result: true }, 2, 3),
    )
  })

  test('a write that an unknown write would have to undo twice', () => {
    rejects(
      op({ name: 'set', argument: 1, result: undefined }, 0, Infinity),
      op({ name: 'set', argument: 2, result: undefined }, 1, 2),
      op({ name: 'get', result: 1 }, 3, 4),
      op({ name: 'get', result: 2 }, 5, 6),
    )
  })
})

const outlines = fc.array(
  fc.record({
    name: fc.constantFrom(...OPERATION_NAMES),
    argument: fc.nat(3),
    expected: fc.option(fc.nat(3), { nil: undefined }),
    before: fc.nat(3),
    after: fc.nat(3),
  }),
  { minLength: 1, maxLength: 12 },
)

/** A history with a known order: each operation takes effect at 10 x its index, inside its interval. */
function orderedHistory(shapes: readonly (Omit<Outline, 'result'> & { before: number; after: number })[]) {
  let state: Register
  return shapes.map((shape, index): Operation => {
    const asked = op(
      { ...shape, result: undefined },
      10 * index - 9 * shape.before,
      10 * index + 9 * shape.after + 1,
    )
    const { result, next } = effectOf(asked, state)
    state = next
    return { ...asked, result }
  })
}

/** Every order that respects time, tried one by one: slow and plain. */
function explained(left: readonly Operation[], state: Register): boolean {
  if (left.length === 0) return true
  const firstResponse = Math.min(...left.map((operation) => operation.respondedAt))
  return left.some((operation) => {
    if (operation.invokedAt > firstResponse) return false
    const { result, next } = effectOf(operation, state)
    return (
      result === operation.result &&
      explained(
        left.filter((other) => other !== operation),
        next,
      )
    )
  })
}

test('the checker accepts every history that has an order, and judges spoilt ones as an exhaustive search does', () => {
  fc.assert(
    fc.property(outlines, fc.nat(11), fc.nat(4), (shapes, at, wrong) => {
      const history = orderedHistory(shapes)
      assert.equal(checkRegister(history).linearizable, true)
      const spoilt = history.map((operation, index) =>
        index === at
          ? { ...operation, result: typeof operation.result === 'boolean' ? !operation.result : wrong }
          : operation,
      )
      assert.equal(checkRegister(spoilt).linearizable, explained(spoilt, undefined))
    }),
    { numRuns: 300 },
  )
})

test('a history of 20 000 operations on one key, some six at a time, is decided', () => {
  const shapes = Array.from({ length: 20_000 }, (_, index) => ({
    name: OPERATION_NAMES[(index * 7) % OPERATION_NAMES.length] ?? 'get',
    argument: index % 5,
    before: index % 4,
    after: (index * 3) % 4,
  }))
  const history = orderedHistory(shapes)
  assert.equal(checkRegister(history).linearizable, true)
  const late = history.map((operation, index) =>
    index === 19_990 ? { ...operation, result: 77 } : operation,
  )
  assert.equal(checkRegister(late).linearizable, false)
})

describe('a history run over four threads', () => {
  for (const fault of FAULTS) {
    test(
      fault === 'none' ? 'accepts a correct table' : `rejects a table with the fault ${fault}`,
      async (t) => {
        const seed = runSeed()
        t.diagnostic(`seed ${seed}`)
        const report = await runHistory({
          subject: { fault },
          seed,
          threads: 4,
          operationsPerThread: 3000,
          keys: 3,
        })
        assert.equal(complaintOf(report) === undefined, fault === 'none', complaintOf(report))
      },
    )
  }
})
