import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OperationError } from '../base/errors.js'
import { KVS_OPERATION, KVS_STATUS } from './outcome.js'
import { MAX_UNREAD, Tasks, type TaskWindow } from './tasks.js'

const { GET, SET, POST, DELETE } = KVS_OPERATION
const { PENDING, SUCCESS, NOT_FOUND, FAILED } = KVS_STATUS
/** Not over before the test is, however slow the machine. */
const LONG_MS = 600_000

/** A window whose requests are answered when a test says so; places are taken in the order of a ring, as those of a lane. */
class SimulatedWindow implements TaskWindow {
  readonly #width: number
  readonly #answers = new Map<number, () => unknown>()
  readonly #open = new Set<number>()
  readonly #watchers = new Map<number, () => void>()
  #next = 0
  /** What a wait does: by default everything is answered. */
  onWait: (request: number) => void = (request) => this.answer(request, () => request)

  constructor(width: number) {
    this.#width = width
  }

  submit(): number {
    const request = this.#next + 1
    if (this.#open.has(request - this.#width)) throw new OperationError('BACK_PRESSURE', 'collect some first')
    this.#next = request
    this.#open.add(request)
    return request
  }

  answer(request: number, answer: () => unknown): void {
    this.#answers.set(request, answer)
    this.#watchers.get(request)?.()
  }

  poll(request: number): { value: unknown } | undefined {
    assert.ok(this.#open.has(request), 'a request is collected once')
    const answer = this.#answers.get(request)
    if (answer === undefined) return undefined
    this.#open.delete(request)
    return { value: answer() }
  }

  wait(request: number): { value: unknown } {
    this.onWait(request)
    const answer = this.poll(request)
    if (answer === undefined) throw new OperationError('TIMEOUT', 'no answer')
    return answer
  }

  async result(request: number): Promise<unknown> {
    if (!this.#answers.has(request))
      await new Promise<void>((resolve) => this.#watchers.set(request, resolve))
    return this.poll(request)?.value
  }
}

test('statuses are those of the original, and a failure brings its reason', () => {
  const window = new SimulatedWindow(16)
  const tasks = new Tasks<string>(window)
  const full = new OperationError('FULL', 'no room')
  const begin = (operation: 1 | 2 | 3 | 4): number => tasks.begin(operation, () => window.submit(), 0)
  const cases = [
    [begin(GET), () => 'value', { operation: 1, status: SUCCESS, value: 'value' }],
    [begin(GET), () => undefined, { operation: 1, status: NOT_FOUND }],
    [begin(SET), () => undefined, { operation: 2, status: SUCCESS }],
    [begin(POST), () => true, { operation: 3, status: SUCCESS }],
    [begin(POST), () => false, { operation: 3, status: FAILED }],
    [begin(DELETE), () => true, { operation: 4, status: SUCCESS }],
    [begin(DELETE), () => false, { operation: 4, status: NOT_FOUND }],
    [
      begin(SET),
      () => {
        throw full
      },
      { operation: 2, status: FAILED, error: full },
    ],
  ] as const
  for (const [id, , { operation }] of cases) assert.deepEqual(tasks.poll(id), { operation, status: PENDING })
  cases.forEach(([, answer], index) => {
    window.answer(index + 1, answer)
  })
  for (const [id, , result] of [...cases].reverse()) assert.deepEqual(tasks.poll(id), result)
})

test('tasks that nobody reads never stand in the way, and their results are there later', () => {
  const window = new SimulatedWindow(4)
  const tasks = new Tasks<number>(window)
  const ids = Array.from({ length: 100 }, () => tasks.begin(GET, () => window.submit(), LONG_MS))
  assert.deepEqual(
    ids,
    [...ids.keys()].map((id) => id + 1),
  )
  for (const id of ids) assert.equal(tasks.wait(id, LONG_MS).value, id)
  assert.throws(
    () => tasks.poll(1),
    new RangeError(`task 1 was read, or is older than ${MAX_UNREAD} unread results`),
  )
  assert.throws(() => tasks.poll(101), new RangeError('task 101 was never begun'))
})

test('results beyond the most that are kept push the oldest out', () => {
  const window = new SimulatedWindow(16)
  const tasks = new Tasks<number>(window)
  for (let count = 0; count < MAX_UNREAD + 32; count++) tasks.begin(GET, () => window.submit(), LONG_MS)
  assert.throws(() => tasks.poll(1), RangeError)
  assert.equal(tasks.wait(MAX_UNREAD, 0).value, MAX_UNREAD)
})

test('a window that stays full is BACK_PRESSURE when the time is up, and nothing is lost', () => {
  const window = new SimulatedWindow(2)
  const tasks = new Tasks<number>(window)
  const first = tasks.begin(GET, () => window.submit(), 0)
  tasks.begin(GET, () => window.submit(), 0)
  window.onWait = () => {}
  for (const timeoutMs of [0, LONG_MS])
    assert.throws(() => tasks.begin(GET, () => window.submit(), timeoutMs), { code: 'BACK_PRESSURE' })
  assert.throws(() => tasks.wait(first, LONG_MS), { code: 'TIMEOUT' })
  window.answer(1, () => 5)
  assert.equal(
    tasks.begin(GET, () => window.submit(), 0),
    3,
  )
  assert.equal(tasks.poll(first).value, 5)
})

test('what is awaited is answered by the event loop alone', async () => {
  const window = new SimulatedWindow(2)
  const tasks = new Tasks<number>(window)
  const id = tasks.begin(GET, () => window.submit(), 0)
  tasks.begin(GET, () => window.submit(), 0)
  const results = [tasks.result(id, LONG_MS), tasks.result(id, LONG_MS)]
  assert.throws(() => tasks.wait(id, LONG_MS), { code: 'REFUSED' })
  assert.equal(tasks.poll(id).status, PENDING)
  assert.throws(() => tasks.begin(GET, () => window.submit(), LONG_MS), { code: 'BACK_PRESSURE' })
  window.answer(1, () => 7)
  assert.deepEqual(
    (await Promise.all(results)).map(({ value }) => value),
    [7, 7],
  )
  await assert.rejects(tasks.result(id, LONG_MS), RangeError)
  assert.equal(
    tasks.begin(GET, () => window.submit(), 0),
    3,
  )
})

test('in whatever order tasks are answered and read, each gets its own answer', () => {
  const step = fc.record({ what: fc.constantFrom('begin', 'answer', 'poll', 'wait'), which: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (steps, width) => {
      const window = new SimulatedWindow(width)
      const tasks = new Tasks<number>(window)
      let begun = 0
      const unread = new Set<number>()
      const read = (id: number, value: number | undefined): void => {
        assert.equal(value, id)
        unread.delete(id)
      }
      for (const { what, which } of steps) {
        if (what === 'begin') unread.add((begun = tasks.begin(GET, () => window.submit(), LONG_MS)))
        else if (what === 'answer' && which < begun) {
          const request = begun - which
          window.answer(request, () => request)
        } else {
          const id = [...unread][which]
          if (id === undefined) continue
          const { status, value } = what === 'poll' ? tasks.poll(id) : tasks.wait(id, LONG_MS)
          if (status !== PENDING) read(id, value)
        }
      }
      for (const id of unread) read(id, tasks.wait(id, LONG_MS).value)
    }),
  )
})

test('a TIMEOUT that the server answered with is the result of its task, and nothing to who begins another', () => {
  const window = new SimulatedWindow(1)
  const tasks = new Tasks<number>(window)
  const late = new OperationError('TIMEOUT', 'a lock was held for too long')
  const failing = () => {
    throw late
  }
  const first = tasks.begin(SET, () => window.submit(), 1000)
  window.answer(1, failing)
  const second = tasks.begin(SET, () => window.submit(), 1000)
  assert.deepEqual(tasks.poll(first), { operation: SET, status: FAILED, error: late })
  window.answer(2, failing)
  assert.deepEqual(tasks.poll(second), { operation: SET, status: FAILED, error: late })
})
