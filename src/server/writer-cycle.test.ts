import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { Message } from '../channel/message.js'
import { SimulatedDisk } from '../log/simulated-disk.js'
import { openOnDisk } from '../store/open-sequenced.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'
import { LocalBus } from '../test/local-bus.js'
import { HeldBus } from './held-bus.js'
import { WriterCycle } from './writer-cycle.js'

const SET = 1
const GET = 2
/** Puts the value only if the key is absent, else throws. */
const INSERT = 3
/** Publishes what it finds. */
const SAY = 4
/** Puts the value and publishes it. */
const SET_AND_SAY = 5
/** Puts the value for a second. */
const SET_BRIEFLY = 6
const START_MS = 1_700_000_000_000
const CHANNEL = Buffer.from('ch')
const YES = 1
const NO = 2
const REFUSED = 3

function textOf(message: Message, from: number, bytes: number): string {
  return message.bytes.latin1Slice(from, from + bytes)
}

function run(store: Store, bus: HeldBus, request: Message, reply: Message): void {
  const key = Buffer.from(textOf(request, 0, request.keyBytes), 'latin1')
  const value = Buffer.from(textOf(request, request.valueAt, request.valueBytes), 'latin1')
  reply.clear(YES)
  if (request.code === GET) {
    const found = store.get(key)
    if (found === undefined) reply.code = NO
    else reply.fill(Buffer.alloc(0), found)
  } else if (request.code === SAY) bus.publish(CHANNEL, store.get(key) ?? Buffer.from('nothing'))
  else if (request.code === SET_AND_SAY) {
    bus.publish(CHANNEL, Buffer.from(value))
    store.set(key, value, 'none', 'always')
  } else if (request.code === SET_BRIEFLY) store.set(key, value, store.nowMs() + 1000, 'always')
  else if (request.code === SET) store.set(key, value, 'none', 'always')
  else if (!store.set(key, value, 'none', 'absent')) throw new RangeError('it is there')
}

/** One writer with its client: what is asked, and what has been answered so far. */
class Bench {
  readonly disk = new SimulatedDisk()
  readonly store: SequencedStore
  readonly cycle: WriterCycle
  readonly answers: string[] = []
  nowMs = START_MS
  readonly #bus = new LocalBus()
  #ticket = 0

  constructor() {
    this.store = openOnDisk({
      disk: this.disk,
      capacityBytes: 1 << 20,
      durability: 'always',
      clock: () => this.nowMs,
      monotonicMs: () => 0,
      segmentBytes: 1 << 16,
    }).store
    this.#bus.subscribe('channel', CHANNEL, {
      deliver: (_channel, message) => this.answers.push(`heard ${message.toString()}`),
      drop: () => {},
    })
    const bus = new HeldBus(this.#bus)
    this.cycle = new WriterCycle({
      store: this.store,
      run: (store, _plain, request, reply) => run(store, bus, request, reply),
      takeSaid: () => bus.take(),
      fail: (code, reply, error) => {
        if (!isOperationError(error) && !(error instanceof RangeError)) throw error
        const outcome = isOperationError(error) ? `${error.code} ${error.outcome}` : error.message
        reply.clear(REFUSED)
        reply.fill(Buffer.alloc(0), Buffer.from(`${code}: ${outcome}`))
      },
      complete: (ticket, reply) => this.#note(ticket, reply),
      monotonicMs: () => 0,
    })
  }

  ask(code: number, key: string, value = ''): void {
    const request = new Message()
    const reply = new Message()
    request.clear(code)
    request.fill(Buffer.from(key), Buffer.from(value))
    const ticket = ++this.#ticket
    if (this.cycle.handle(request, reply, ticket)) this.#note(ticket, reply)
    // The channel uses both again.
    for (const message of [request, reply]) {
      message.bytes.fill(0xee)
      message.clear(99)
    }
  }

  #note(ticket: number, reply: Message): void {
    const text = textOf(reply, reply.valueAt, reply.valueBytes)
    this.answers.push(`${ticket} ${['', 'yes', 'no', 'refused'][reply.code]} ${text}`.trim())
  }

  /** What has been answered since the last time. */
  taken(): string[] {
    return this.answers.splice(0)
  }
}

describe('the writer answers', () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })

  test('a read that has seen nothing pending at once', () => {
    bench.ask(GET, 'k')
    assert.deepEqual(bench.taken(), ['1 no'])
    assert.equal(bench.cycle.held, 0)
  })

  test('a write, and whatever has seen it, only when it is on disk', () => {
    bench.ask(SET, 'k', 'v')
    bench.ask(GET, 'k')
    bench.ask(INSERT, 'k', 'w')
    assert.deepEqual(bench.taken(), [])
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['1 yes', '2 yes v', '3 refused 3: it is there'])
    bench.ask(GET, 'k')
    assert.deepEqual(bench.taken(), ['4 yes v'])
  })

  test('a write that a full disk refuses with that, and what only saw it again, as if it had never been', () => {
    bench.ask(SET, 'a', 'before')
    bench.cycle.settle()
    bench.taken()
    bench.disk.inject({ call: 'write', at: 1, code: 'ENOSPC', times: 1 })
    bench.ask(SET, 'a', 'never')
    bench.ask(GET, 'a')
    bench.ask(INSERT, 'a', 'neither')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), [
      '2 refused 1: DISK_FULL not-applied',
      '3 yes before',
      '4 refused 3: it is there',
    ])
    bench.ask(SET, 'a', 'after')
    bench.cycle.settle()
    bench.ask(GET, 'a')
    assert.deepEqual(bench.taken(), ['5 yes', '6 yes after'])
  })

  test('an insert that saw what a full disk refused again: it goes in after all', () => {
    bench.ask(SET, 'other', '')
    bench.cycle.settle()
    bench.taken()
    bench.disk.inject({ call: 'write', at: 1, code: 'ENOSPC', times: 1 })
    bench.ask(SET, 'a', 'never')
    bench.ask(INSERT, 'a', 'instead')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['2 refused 1: DISK_FULL not-applied', '3 yes'])
    bench.ask(GET, 'a')
    assert.deepEqual(bench.taken(), ['4 yes instead'])
  })

  test('a read that finds something expired while the disk takes no group, and once it does, logs that', () => {
    bench.ask(SET_BRIEFLY, 'brief', 'v')
    bench.cycle.settle()
    bench.taken()
    bench.nowMs += 2000
    bench.disk.inject({ call: 'write', at: 1, code: 'ENOSPC', times: 3 })
    bench.ask(GET, 'brief')
    bench.cycle.settle()
    bench.ask(GET, 'brief')
    assert.deepEqual(bench.taken(), ['2 no', '3 no'])
    bench.disk.clearFaults()
    bench.ask(SET, 'other', 'w')
    bench.cycle.settle()
    const { position } = bench.store
    bench.ask(GET, 'brief')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['4 yes', '5 no'])
    assert.equal(bench.store.position, position + 1)
  })

  test('what is published is heard when it is on disk, before its own answer', () => {
    bench.ask(SET_AND_SAY, 'k', 'v')
    bench.ask(SAY, 'k')
    bench.ask(SAY, 'other')
    assert.deepEqual(bench.taken(), ['heard nothing', '3 yes'])
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['heard v', '1 yes', 'heard v', '2 yes'])
  })

  test('what is published with a write that is refused is never heard, and what had seen that, once', () => {
    bench.ask(SET, 'k', 'before')
    bench.cycle.settle()
    bench.taken()
    bench.disk.inject({ call: 'write', at: 1, code: 'ENOSPC', times: 1 })
    bench.ask(SET_AND_SAY, 'k', 'never')
    bench.ask(SAY, 'k')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['2 refused 5: DISK_FULL not-applied', 'heard before', '3 yes'])
    bench.ask(SAY, 'k')
    assert.deepEqual(bench.taken(), ['heard before', '4 yes'])
  })

  test('answers that wait are counted in bytes', () => {
    bench.ask(SET, 'k', 'v'.repeat(100))
    assert.equal(bench.cycle.heldBytes, 0)
    bench.ask(GET, 'k')
    // The key takes whole eight bytes of a message.
    assert.equal(bench.cycle.heldBytes, 108)
    bench.cycle.settle()
    assert.equal(bench.cycle.heldBytes, 0)
  })

  test('writes in flight when a sync fails with "unknown", later ones with "not applied", and reads as ever', () => {
    bench.ask(SET, 'a', 'safe')
    bench.cycle.settle()
    bench.taken()
    bench.disk.inject({ call: 'sync', at: 1, code: 'EIO', times: 1 })
    bench.ask(SET, 'a', 'perhaps')
    bench.ask(GET, 'a')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['2 refused 1: LOG_FAILED unknown', '3 yes safe'])
    bench.ask(SET, 'a', 'never')
    bench.ask(GET, 'a')
    bench.cycle.settle()
    assert.deepEqual(bench.taken(), ['4 refused 1: LOG_FAILED not-applied', '5 yes safe'])
  })
})
