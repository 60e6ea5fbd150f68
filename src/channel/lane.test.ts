import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { PLAIN_MODULES } from '../test/lane-plain.js'
import { assertReply, DEFERRED, LaneWorld, type Request, THROWING } from '../test/lane-world.js'
import type { LaneClient } from './lane-client.js'
import type { LaneWorker } from './lane-worker.js'
import { CHANNEL_STATUS, SEQUENCE_MASK, SLOT_STATE, slotsAt, stateWord } from './layout.js'
import { ROW } from './ledger.js'

const world = (shape = {}) =>
  new LaneWorld(PLAIN_MODULES, { lanes: 2, window: 4, slotBytes: 64, transferBytes: 4096, ...shape })
const small = (number: number, more: Partial<Request> = {}): Request => ({
  number,
  keyBytes: 4,
  valueBytes: 4,
  replyBytes: 4,
  ...more,
})

/** Lets client and workers take turns until the reply has come. */
function settle(at: LaneWorld, client: LaneClient, id: number, workers: readonly LaneWorker[]) {
  const reply = at.message()
  for (let turn = 0; turn < 400; turn++) {
    if (client.poll(id, reply)) return reply
    for (const worker of workers) if (worker.poll() === 0) at.rest(worker)
    for (const worker of workers) at.completeDeferred(worker)
  }
  assert.fail('a request does not end')
}

test('a request comes to its handler as it was sent, and so does the reply', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  for (let number = 1; number < 20; number++) {
    const request = small(number, { keyBytes: number % 7, valueBytes: number % 9, replyBytes: number % 17 })
    const id = at.submit(client, request)
    assert.equal(client.inFlight, 1)
    assertReply(settle(at, client, id, [worker]), request)
    assert.equal(client.inFlight, 0)
  }
})

test('messages of every size around the limits of slot, area and parts arrive whole', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  let number = 0
  for (const size of [0, 1, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 4095, 4096, 4097, 70_000, 3_000_000]) {
    for (const request of [
      small(++number, { valueBytes: size }),
      small(++number, { replyBytes: size }),
      small(++number, { keyBytes: Math.min(size, 65_536), valueBytes: size, replyBytes: size }),
      small(++number, { replyBytes: size, flags: DEFERRED }),
    ])
      assertReply(settleLong(at, client, at.submit(client, request), worker), request)
  }
  assert.deepEqual(
    at.executed,
    Array.from({ length: number }, (_, i) => i + 1),
  )
})

test('a long reply to a request that is hardly too long for its slot comes in parts as large as any', () => {
  const at = world()
  const request = small(1, { valueBytes: 30, replyBytes: 200_000 })
  const client = at.openClient()
  assertReply(settle(at, client, at.submit(client, request), [at.addWorker()]), request)
})

function settleLong(at: LaneWorld, client: LaneClient, id: number, worker: LaneWorker) {
  const reply = at.message()
  assert.notEqual(id, 0)
  for (let turn = 0; turn < 20_000; turn++) {
    if (client.poll(id, reply)) return reply
    worker.poll()
    at.completeDeferred(worker)
  }
  assert.fail('a request does not end')
}

test('a full window takes no more until a reply has been collected', () => {
  const at = world({ window: 3 })
  const worker = at.addWorker()
  const client = at.openClient()
  const ids = [1, 2, 3].map((number) => at.submit(client, small(number)))
  assert.equal(at.submit(client, small(4)), 0)
  worker.poll()
  assert.equal(at.submit(client, small(4)), 0, 'answered, but not collected')
  settle(at, client, ids[0]!, [worker])
  assert.notEqual(at.submit(client, small(4)), 0)
  worker.poll()
  assert.deepEqual(at.executed, [1, 2, 3, 4])
})

test('an id is good for one reply', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const id = at.submit(client, small(1))
  settle(at, client, id, [worker])
  assert.throws(() => client.poll(id, at.message()), RangeError)
  assert.throws(() => client.giveUp(id), RangeError)
  assert.throws(() => client.poll(99, at.message()), RangeError)
})

test('a request that was given up holds its slot until its reply has come, and no longer', () => {
  const at = world({ window: 1 })
  const worker = at.addWorker()
  const client = at.openClient()
  client.giveUp(at.submit(client, small(1)))
  assert.equal(at.submit(client, small(2)), 0, 'the slot is not free before the server has answered')
  assert.equal(client.mayReadDirectly(new Int32Array(1), 4), true, 'another key')
  worker.poll()
  const id = at.submit(client, small(2))
  assertReply(settle(at, client, id, [worker]), small(2))
  assert.deepEqual(at.executed, [1, 2])
})

test('a long request that was given up midway is not carried out', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const id = at.submit(client, small(1, { valueBytes: 20_000 }))
  worker.poll()
  client.giveUp(id)
  const next = at.submit(client, small(2))
  assertReply(settle(at, client, next, [worker]), small(2))
  client.pump()
  assert.equal(client.inFlight, 0)
  assert.deepEqual(at.executed, [2])
})

test('a long reply that nobody wants any more is not fetched, and its server forgets it', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const id = at.submit(client, small(1, { replyBytes: 50_000 }))
  worker.poll()
  client.giveUp(id)
  worker.poll()
  client.pump()
  assert.equal(client.inFlight, 0)
  assertReply(settle(at, client, at.submit(client, small(2)), [worker]), small(2))
})

test('deferred replies may come in any order', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const requests = [1, 2, 3, 4].map((number) => small(number, { flags: number % 2 }))
  const ids = requests.map((request) => at.submit(client, request))
  worker.poll()
  const reply = at.message()
  assert.deepEqual(
    ids.map((id) => client.poll(id, reply)),
    [false, true, false, true],
  )
  at.completeDeferred(worker)
  assertReply(settle(at, client, ids[2]!, [worker]), requests[2]!)
  assertReply(settle(at, client, ids[0]!, [worker]), requests[0]!)
})

test('a lane with replies to come stays with its worker, so that its order is kept', () => {
  const at = world()
  const [first, second] = [at.addWorker(), at.addWorker()]
  const client = at.openClient()
  const a = at.submit(client, small(1, { flags: DEFERRED }))
  assert.equal(first.poll(), 1)
  const b = at.submit(client, small(2))
  assert.equal(second.poll(), 0, 'held by the first')
  assert.equal(first.poll(), 1)
  at.completeDeferred(first)
  const c = at.submit(client, small(3))
  assert.equal(second.poll(), 1, 'nothing binds it any more')
  for (const id of [a, b, c]) settle(at, client, id, [first, second])
  assert.deepEqual(at.executed, [1, 2, 3])
})

test('what a handler throws goes to the log, and FAILED to the client', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const reply = settle(at, client, at.submit(client, small(1, { flags: THROWING })), [worker])
  assert.equal(reply.code, CHANNEL_STATUS.FAILED)
  assert.equal(at.errors.length, 1)
  assertReply(settle(at, client, at.submit(client, small(2)), [worker]), small(2))
})

test('a worker that ends leaves no request without an answer', () => {
  const at = world()
  const [first, second] = [at.addWorker(), at.addWorker()]
  const client = at.openClient()
  const lost = at.submit(client, small(1, { flags: DEFERRED }))
  const long = at.submit(client, small(2, { replyBytes: 30_000 }))
  first.poll()
  const reply = at.message()
  assert.equal(client.poll(long, reply), false, 'its first part has come')
  first.close()
  assert.equal(settle(at, client, lost, [second]).code, CHANNEL_STATUS.LOST)
  assert.equal(settle(at, client, long, [second]).code, CHANNEL_STATUS.LOST)
  assertReply(settle(at, client, at.submit(client, small(3)), [second]), small(3))
})

test('sequences wrap around', () => {
  const at = world()
  const { file, ledger } = at
  const start = SEQUENCE_MASK - 5
  const { words } = file.region.segments[0]!
  for (let back = 4; back > 0; back--) {
    const sequence = start - back
    words[slotsAt(file.geometry, 0) + (sequence & 3) * file.geometry.slotWords] = stateWord(
      sequence,
      SLOT_STATE.DONE,
    )
  }
  ledger.words[ledger.rowAt(at.firstRow) + ROW.next] = start
  const worker = at.addWorker()
  const client = at.openClient()
  for (let number = 1; number < 20; number++) {
    const request = small(number, { replyBytes: number * 300 })
    assertReply(settle(at, client, at.submit(client, request), [worker]), request)
  }
  client.close()
  const again = at.openClient()
  assert.equal(again.lane, 0)
  assertReply(settle(at, again, at.submit(again, small(77)), [worker]), small(77))
})

test('lanes of a file are given to one thread each, and given back', () => {
  const at = world()
  const [first, second] = [at.openClient(), at.openClient()]
  assert.deepEqual([first.lane, second.lane], [0, 1])
  assert.throws(
    () => at.openClient(),
    (error) => isOperationError(error, 'REFUSED'),
  )
  first.close()
  assert.equal(at.openClient().lane, 0)
})

test('a closed file ends every call with SERVER_GONE, after the replies that had come', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  const answered = at.submit(client, small(1))
  worker.poll()
  const lost = at.submit(client, small(2))
  at.file.close()
  assertReply(settle(at, client, answered, []), small(1))
  assert.throws(
    () => client.poll(lost, at.message()),
    (error) => isOperationError(error, 'SERVER_GONE') && error.outcome === 'unknown',
  )
  assert.throws(
    () => at.submit(client, small(3)),
    (error) => isOperationError(error, 'SERVER_GONE') && error.outcome === 'not-applied',
  )
})

test('a wait ends when the server has died, or when its time is up', () => {
  const at = world()
  const client = at.openClient()
  const id = at.submit(client, small(1))
  assert.equal(client.wait(id, at.message(), 1), false)
  at.isServerAlive = false
  assert.throws(
    () => client.wait(id, at.message(), 60_000),
    (error) => isOperationError(error, 'SERVER_GONE') && error.outcome === 'unknown',
  )
})

test('a ticket is completed once, and one of a client that has gone goes nowhere', () => {
  const at = world()
  const worker = at.addWorker()
  const client = at.openClient()
  at.submit(client, small(1, { flags: DEFERRED }))
  worker.poll()
  const { ticket } = at.deferred[0]!
  const reply = at.message()
  reply.clear(1)
  worker.complete(ticket, reply)
  assert.throws(() => worker.complete(ticket, reply), /completed once/)
  at.submit(client, small(2, { flags: DEFERRED }))
  worker.poll()
  worker.detach(at.file.id)
  worker.complete(at.deferred[1]!.ticket, reply)
  at.ledger.close(at.firstRow, 2)
  assert.equal(at.ledger.used, 0)
})

test('with many lanes, those that were busy do not keep the others from their turn', () => {
  const at = world({ lanes: 40, transferBytes: 4096 })
  const worker = at.addWorker()
  const clients = Array.from({ length: 40 }, () => at.openClient())
  const [busy, ...others] = clients as [LaneClient, ...LaneClient[]]
  for (let number = 1; number < 200; number++) {
    const other = others[number % others.length]!
    const late = at.submit(other, small(1000 + number))
    // The busy one never rests while the other waits.
    let polls = 0
    for (const reply = at.message(); !other.poll(late, reply); polls++) {
      assertReply(settle(at, busy, at.submit(busy, small(number)), [worker]), small(number))
      assert.ok(polls < 10, 'looked at after a bounded number of turns')
    }
  }
})
