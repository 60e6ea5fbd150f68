import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { Bell } from '../channel/bell.js'
import { LaneClient } from '../channel/lane-client.js'
import { LaneFile } from '../channel/lane-file.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { DEFAULT_LANE_SHAPE } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import { Message } from '../channel/message.js'
import { STATUS } from '../commands/operations/operation.js'
import { Calls } from './calls.js'
import { Window } from './windowed.js'

const CODE = 7

/** A window whose requests are answered, each with its own number, when `serve` is called. */
function windowOf(width: number) {
  const ledger = Ledger.create(1)
  const bell = Bell.create()
  const worker = new LaneWorker({
    number: 0,
    ledger,
    bell,
    handler: (request, reply) => {
      reply.clear(STATUS.YES)
      reply.first = request.first
      return true
    },
  })
  const shape = { ...DEFAULT_LANE_SHAPE, window: width }
  const file = LaneFile.create({ shape, firstRow: ledger.open(1), serverId: [1, 2, 3, 4], client: 1 })
  worker.attach(file.share())
  const lane = LaneClient.open(file, { bell, isServerAlive: () => true })
  const window = new Window(lane, 3)
  const message = new Message()
  const submit = (number: number): number => {
    message.clear(CODE)
    message.first = number
    return window.submit(message, 0, (reply) => reply.first)
  }
  return { window, submit, lane, serve: () => worker.poll() }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'submit', pick: 0 } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('collect' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'serve', pick: 0 } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'gather', pick: 0 } as const) },
)

test('answers that are collected in any order, gathered or not, are each the one of their request', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 120 }), (width, steps) => {
      const { window, submit, serve } = windowOf(width)
      const open: { id: number; number: number; isServed: boolean }[] = []
      let number = 0
      for (const { kind, pick } of steps) {
        if (kind === 'gather') window.gather()
        else if (kind === 'serve') {
          serve()
          for (const request of open) request.isServed = true
        } else if (kind === 'collect') {
          const index = pick % Math.max(1, open.length)
          const request = open[index]
          if (request === undefined) continue
          const answer = window.poll(request.id)
          assert.deepEqual(answer, request.isServed ? { value: request.number } : undefined)
          if (!request.isServed) continue
          open.splice(index, 1)
          assert.throws(() => window.poll(request.id), RangeError)
        } else if (open.length === width)
          assert.throws(
            () => submit(0),
            (error) => isOperationError(error, 'BACK_PRESSURE'),
          )
        else open.push({ id: trySubmit(), number, isServed: false })
        assert.equal(window.size, open.length)
      }

      function trySubmit(): number {
        number++
        try {
          return submit(number)
        } catch (error) {
          // An unanswered one has the slot that comes next: there is room once it is served.
          assert.ok(isOperationError(error, 'BACK_PRESSURE'))
          serve()
          for (const request of open) request.isServed = true
          return submit(number)
        }
      }
    }),
  )
})

test('the oldest request is the one that is waited for', () => {
  const { window, submit, serve } = windowOf(4)
  const ids = [submit(1), submit(2), submit(3)]
  assert.equal(window.poll(ids[0]!), undefined)
  serve()
  assert.deepEqual(window.poll(ids[0]!), { value: 1 })
  const later = submit(4)
  const last = submit(5)
  // Answered ones come at once, in the order in which they were asked for.
  assert.equal(window.waitForOne(1000), true)
  assert.equal(window.waitForOne(1000), true)
  serve()
  assert.equal(window.waitForOne(1000), true)
  assert.equal(window.waitForOne(1000), true)
  assert.equal(window.waitForOne(1000), false)
  for (const [id, value] of [
    [ids[1], 2],
    [ids[2], 3],
    [later, 4],
    [last, 5],
  ] as const)
    assert.deepEqual(window.poll(id ?? 0), { value })
})

test('a request whose promise is given up before it is made leaves its place to others', async () => {
  const { window, submit, lane, serve } = windowOf(1)
  const calls = new Calls(lane)
  for (let round = 1; round <= 3; round++) {
    const awaited = window.handOver(submit(round), calls, 1000, AbortSignal.abort())
    await assert.rejects(
      awaited,
      (error) => isOperationError(error, 'ABORTED') && error.outcome === 'unknown',
    )
    serve()
  }
  const id = submit(4)
  serve()
  assert.deepEqual(window.poll(id), { value: 4 })
})
