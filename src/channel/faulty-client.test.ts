import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { PLAIN_MODULES } from '../test/lane-plain.js'
import { assertReply, LaneWorld, REQUEST_CODE, TINY_SHAPE } from '../test/lane-world.js'
import type { LaneClient } from './lane-client.js'
import type { LaneWorker } from './lane-worker.js'
import {
  FAULTS,
  HAS_TAIL,
  IN_AREA,
  laneAt,
  SLOT,
  SLOT_STATE,
  SLOT_TAIL,
  SLOT_TAIL_WORDS,
  slotsAt,
  stateWord,
} from './layout.js'
import { ROW, ROW_STATE } from './ledger.js'

/** The lane of the faulty client, and that of its neighbour. */
const FAULTY = 0

function scene() {
  const at = new LaneWorld(PLAIN_MODULES)
  const worker = at.addWorker({ handler: answerAnything })
  at.openClient()
  const neighbour = at.openClient()
  const { words } = at.file.region.segments[0]!
  return { at, worker, neighbour, words }
}

/** Its requests may be anything; those of the neighbour are answered as it expects. */
const answerAnything: ConstructorParameters<typeof PLAIN_MODULES.LaneWorker>[0]['handler'] = (
  request,
  reply,
) => {
  const number = request.first
  reply.clear(8)
  reply.first = number
  reply.second = -number
  if (request.code !== REQUEST_CODE || request.keyBytes !== 3) {
    reply.shape(0, request.payloadBytes)
    return true
  }
  reply.shape(0, 5)
  for (let i = 0; i < 5; i++) reply.bytes[i] = number + 2 + i * 7
  return true
}

function askNeighbour(at: LaneWorld, worker: LaneWorker, neighbour: LaneClient, number: number): void {
  const request = { number, keyBytes: 3, valueBytes: 5, replyBytes: 5 }
  const id = at.submit(neighbour, request)
  const reply = at.message()
  for (let turn = 0; !neighbour.poll(id, reply); turn++) {
    assert.ok(turn < 100, 'the neighbour is served')
    worker.poll()
  }
  assertReply(reply, request)
}

const geometry = () => new LaneWorld(PLAIN_MODULES).file.geometry
const shape = geometry()
/** Words from the begin of a slot to its tail. */
const TAIL = shape.slotWords - SLOT_TAIL_WORDS
const faultyWords = { from: laneAt(shape, FAULTY), to: laneAt(shape, FAULTY + 1) }

/** Any word of the lane, any value. */
const anywhere = fc.record({
  kind: fc.constant('anywhere' as const),
  at: fc.integer({ min: faultyWords.from, max: faultyWords.to - 1 }),
  value: fc.oneof(fc.integer(), fc.integer({ min: -2, max: 70 })),
})
const length = fc.oneof(
  fc.integer({ min: -2, max: 300 }),
  fc.integer(),
  fc.constantFrom(64, 1024, 4096, 4097, 65_536, 65_537, 2 ** 26, 2 ** 26 + 1, 0x7fffffff),
)
/** A slot that could nearly be right. */
const aimed = fc.record({
  kind: fc.constant('aimed' as const),
  sequence: fc.integer({ min: -1, max: 12 }),
  state: fc.oneof(fc.constantFrom(...Object.values(SLOT_STATE)), fc.integer({ min: 0, max: 7 })),
  code: fc.integer({ min: 0, max: 260 }),
  marks: fc.constantFrom(0, IN_AREA, HAS_TAIL, IN_AREA | HAS_TAIL),
  keyBytes: length,
  valueBytes: length,
  areaAt: length,
  areaBytes: length,
  offset: length,
})
const look = fc.record({ kind: fc.constant('look' as const) })

test('whatever a client writes into its lane, the worker goes on, others are served, and nothing outside is touched', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anywhere, aimed, look), { maxLength: 40 }), (acts) => {
      const { at, worker, neighbour, words } = scene()
      let number = 1
      for (const act of acts) {
        if (act.kind === 'anywhere') words[act.at] = act.value
        else if (act.kind === 'aimed') {
          const slot = slotsAt(shape, FAULTY) + (act.sequence & (TINY_SHAPE.window - 1)) * shape.slotWords
          const tail = slot + TAIL
          words[slot + SLOT.code] = act.code | act.marks
          words[slot + SLOT.keyBytes] = act.keyBytes
          words[slot + SLOT.valueBytes] = act.valueBytes
          words[tail + SLOT_TAIL.areaAt] = act.areaAt
          words[tail + SLOT_TAIL.areaBytes] = act.areaBytes
          words[tail + SLOT_TAIL.offset] = act.offset
          words[slot] = stateWord(act.sequence, act.state)
        } else askNeighbour(at, worker, neighbour, number++)
        const before = Buffer.from(words.slice(0, faultyWords.from).buffer)
        const after = Buffer.from(words.slice(faultyWords.to).buffer)
        worker.poll()
        at.rest(worker)
        assert.ok(before.equals(Buffer.from(words.slice(0, faultyWords.from).buffer)), 'the head of the file')
        assert.ok(after.equals(Buffer.from(words.slice(faultyWords.to).buffer)), 'the lane of the neighbour')
      }
      askNeighbour(at, worker, neighbour, number)
      assert.ok(at.faults.every((fault) => fault.startsWith(`${FAULTY}: `)))
      assert.deepEqual(at.errors, [])
    }),
    { numRuns: 600 },
  )
})

test('each kind of nonsense drops the lane with its own reason, which its client is told', () => {
  const good = {
    keyBytes: 4,
    valueBytes: 4,
    areaAt: 0,
    areaBytes: 0,
    offset: 0,
    code: REQUEST_CODE | HAS_TAIL,
  }
  const cases: readonly (readonly [number, Partial<typeof good>, number?])[] = [
    [1, {}, SLOT_STATE.DONE],
    [1, {}, 0],
    [2, { keyBytes: -1 }],
    [2, { keyBytes: 65_537 }],
    [2, { valueBytes: 2 ** 26 + 1 }],
    [2, { valueBytes: 100 }],
    [3, { areaAt: 4096, areaBytes: 64 }],
    [3, { areaAt: 64, areaBytes: 0x7fffffc0 }],
    [3, { areaAt: -64, areaBytes: 64 }],
    [3, { areaAt: 32, areaBytes: 64 }],
    [5, { code: 0 }],
  ]
  for (const [fault, wrong, state = SLOT_STATE.REQUESTED] of cases) {
    const { at, worker, words } = scene()
    const slot = slotsAt(shape, FAULTY)
    const { code, keyBytes, valueBytes, areaAt, areaBytes, offset } = { ...good, ...wrong }
    words[slot + SLOT.code] = code
    words[slot + SLOT.keyBytes] = keyBytes
    words[slot + SLOT.valueBytes] = valueBytes
    words[slot + TAIL + SLOT_TAIL.areaAt] = areaAt
    words[slot + TAIL + SLOT_TAIL.areaBytes] = areaBytes
    words[slot + TAIL + SLOT_TAIL.offset] = offset
    words[slot] = stateWord(0, state)
    worker.poll()
    assert.deepEqual(at.faults, [`${FAULTY}: ${FAULTS[fault]}`], JSON.stringify(wrong))
  }
})

test('a part that does not follow the one before drops the lane', () => {
  const { at, worker, words } = scene()
  const slot = slotsAt(shape, FAULTY)
  words[slot + SLOT.code] = REQUEST_CODE | IN_AREA | HAS_TAIL
  words[slot + SLOT.valueBytes] = 300
  words[slot + TAIL + SLOT_TAIL.areaBytes] = 64
  words[slot] = stateWord(0, SLOT_STATE.REQUESTED)
  worker.poll()
  assert.equal(words[slot], stateWord(0, SLOT_STATE.GO_ON))
  words[slot + TAIL + SLOT_TAIL.offset] = 128
  words[slot] = stateWord(0, SLOT_STATE.PART)
  worker.poll()
  assert.deepEqual(at.faults, [`${FAULTY}: ${FAULTS[4]}`])
})

test('a dropped client is told at its next call, and the lane takes nothing any more', () => {
  const at = new LaneWorld(PLAIN_MODULES)
  const worker = at.addWorker()
  const client = at.openClient()
  const { words } = at.file.region.segments[0]!
  words[slotsAt(shape, FAULTY)] = stateWord(17, SLOT_STATE.REQUESTED)
  worker.poll()
  assert.throws(
    () => at.submit(client, { number: 1, keyBytes: 1, valueBytes: 1, replyBytes: 1 }),
    (error) =>
      isOperationError(error, 'REFUSED') &&
      error.outcome === 'not-applied' &&
      error.message.includes(FAULTS[1]),
  )
  assert.equal(worker.poll(), 0)
})

test('a worker that ends while it drops a lane leaves it to its successor to tell the client', () => {
  const at = new LaneWorld(PLAIN_MODULES)
  const client = at.openClient()
  at.addWorker()
  const successor = at.addWorker()
  const row = at.ledger.rowAt(at.firstRow)
  at.ledger.words[row + ROW.holder] = (1 << 8) | 1
  at.ledger.words[row + ROW.state] = ROW_STATE.DROPPED
  at.dead.add(0)
  const id = at.submit(client, { number: 1, keyBytes: 1, valueBytes: 1, replyBytes: 1 })
  at.rest(successor)
  assert.throws(
    () => client.poll(id, at.message()),
    (error) => isOperationError(error, 'REFUSED') && error.outcome === 'unknown',
  )
  assert.equal(at.ledger.words[row + ROW.holder], 0)
})

/** Writes random words into part of a shared array for as long as it lives. */
const VANDAL = `
  const { workerData: { buffer, from, to } } = require('node:worker_threads')
  const words = new Int32Array(buffer, 48)
  for (let seed = 1; ; ) {
    seed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0
    const at = from + (seed >>> 1) % (to - from)
    words[at] = (seed & 64) ? seed >>> 20 : ((seed >>> 8) & 15) << 3 | (seed & 7)
  }`

test('a client that writes nonsense all the time, at the same time, disturbs nobody', async () => {
  const slots = { from: slotsAt(shape, FAULTY), to: slotsAt(shape, FAULTY) + 2 * shape.slotWords }
  for (let round = 0; round < 8; round++) {
    const { at, worker, neighbour } = scene()
    const handle = at.file.share().region as { buffers: readonly SharedArrayBuffer[] }
    const vandal = new Worker(VANDAL, { eval: true, workerData: { buffer: handle.buffers[0], ...slots } })
    try {
      await once(vandal, 'online')
      for (let number = 1; number < 2000; number++) askNeighbour(at, worker, neighbour, number)
    } finally {
      await vandal.terminate()
    }
    assert.ok(at.faults.length <= 1, 'dropped once, or lucky')
  }
})
