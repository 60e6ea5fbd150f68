/**
 * A lane file with its clients and workers, all played by one thread, and a handler that keeps book: which request was
 * carried out, in which order, and whether its bytes were those that were sent.
 *
 * A request carries its number in `first`, the size wanted of its reply in `second`, and whether the reply is deferred in
 * its flags. Bytes follow from the number, so a torn or foreign payload shows. Works on any build of the channel.
 */
import { strict as assert } from 'node:assert'
import type { LaneClient } from '../channel/lane-client.js'
import type { LaneFile } from '../channel/lane-file.js'
import type { LaneWorker, LaneWorkerOptions } from '../channel/lane-worker.js'
import type { LaneShape } from '../channel/layout.js'
import type { Ledger } from '../channel/ledger.js'
import type { Message } from '../channel/message.js'

export interface LaneModules {
  readonly LaneFile: typeof import('../channel/lane-file.js').LaneFile
  readonly LaneClient: typeof import('../channel/lane-client.js').LaneClient
  readonly LaneWorker: typeof import('../channel/lane-worker.js').LaneWorker
  readonly Ledger: typeof import('../channel/ledger.js').Ledger
  readonly Bell: typeof import('../channel/bell.js').Bell
  readonly Message: typeof import('../channel/message.js').Message
}

export const REQUEST_CODE = 7
export const REPLY_CODE = 8
export const DEFERRED = 1
export const THROWING = 2
export const EFFECT_KEY = 1

export interface Request {
  readonly number: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly replyBytes: number
  readonly flags?: number
}

export const TINY_SHAPE: LaneShape = { lanes: 2, window: 4, slotBytes: 64, transferBytes: 4096 }

interface Deferred {
  readonly worker: number
  readonly ticket: number
  readonly number: number
  readonly replyBytes: number
}

export class LaneWorld {
  readonly file: LaneFile
  readonly ledger: Ledger
  readonly firstRow: number
  /** Numbers of requests, in the order in which they were carried out. */
  readonly executed: number[] = []
  readonly faults: string[] = []
  readonly errors: unknown[] = []
  readonly bell
  readonly workers: LaneWorker[] = []
  /** Numbers of workers that have ended without a word. */
  readonly dead = new Set<number>()
  isServerAlive = true
  nowMs = 0
  deferred: Deferred[] = []
  readonly #modules: LaneModules

  /** `path`: of a file of its own, to be. */
  constructor(modules: LaneModules, shape: LaneShape = TINY_SHAPE, path?: string) {
    this.#modules = modules
    this.ledger = modules.Ledger.create(shape.lanes + 2)
    this.bell = modules.Bell.create()
    this.firstRow = this.ledger.open(shape.lanes)
    this.file = modules.LaneFile.create({
      shape,
      firstRow: this.firstRow,
      serverId: [1, 2, 3, 4],
      client: 0,
      ...(path === undefined ? {} : { path }),
    })
  }

  message(): Message {
    return new this.#modules.Message()
  }

  addWorker(options: Partial<LaneWorkerOptions> = {}): LaneWorker {
    const number = this.workers.length
    const worker = new this.#modules.LaneWorker({
      number,
      ledger: this.ledger,
      bell: this.bell,
      handler: (request, reply, ticket) => this.#handle(number, request, reply, ticket),
      onFault: (_file, lane, reason) => this.faults.push(`${lane}: ${reason}`),
      onError: (error) => this.errors.push(error),
      thread: { thread: number + 1, startTime: 1 },
      isAlive: ({ thread }) => !this.dead.has(thread - 1),
      clock: () => this.nowMs,
      ...options,
    })
    worker.attach(this.file.share())
    this.workers.push(worker)
    return worker
  }

  openClient(): LaneClient {
    return this.#modules.LaneClient.open(this.file, {
      bell: this.bell,
      isServerAlive: () => this.isServerAlive,
    })
  }

  /** Id, or 0. */
  submit(client: LaneClient, request: Request): number {
    const message = this.message()
    fillRequest(message, request)
    return client.trySubmit(message, EFFECT_KEY)
  }

  /** A worker that looks around as after 50 ms of sleep. */
  rest(worker: LaneWorker): void {
    this.nowMs += 60
    worker.sleep(0)
  }

  /** Answers what is deferred by that worker, the latest first. */
  completeDeferred(worker: LaneWorker): void {
    const mine = this.deferred.filter((one) => one.worker === worker.number)
    this.deferred = this.deferred.filter((one) => one.worker !== worker.number)
    for (const { ticket, number, replyBytes } of mine.reverse()) {
      const reply = this.message()
      fillReply(reply, number, replyBytes)
      worker.complete(ticket, reply)
    }
  }

  #handle(worker: number, request: Message, reply: Message, ticket: number): boolean {
    const { first: number, second: replyBytes } = request
    this.executed.push(number)
    assert.equal(request.code, REQUEST_CODE)
    assertPattern(request.bytes.subarray(0, request.keyBytes), number, 'the key of a request')
    assertPattern(
      request.bytes.subarray(request.valueAt, request.payloadBytes),
      number + 1,
      'the value of a request',
    )
    if ((request.flags & THROWING) !== 0) throw new Error(`request ${number}`)
    if ((request.flags & DEFERRED) !== 0) {
      this.deferred.push({ worker, ticket, number, replyBytes })
      return false
    }
    fillReply(reply, number, replyBytes)
    return true
  }
}

export function fillRequest(
  message: Message,
  { number, keyBytes, valueBytes, replyBytes, flags }: Request,
): void {
  message.clear(REQUEST_CODE)
  message.flags = flags ?? 0
  message.first = number
  message.second = replyBytes
  message.fill(patternOf(number, keyBytes), patternOf(number + 1, valueBytes))
}

export function fillReply(reply: Message, number: number, bytes: number): void {
  reply.clear(REPLY_CODE)
  reply.first = number
  reply.second = -number
  reply.fill(new Uint8Array(0), patternOf(number + 2, bytes))
}

/** Throws unless it is the whole reply to the request. */
export function assertReply(reply: Message, { number, replyBytes }: Request): void {
  assert.equal(reply.code, REPLY_CODE)
  assert.equal(reply.first, number)
  assert.equal(reply.second, -number)
  assert.equal(reply.valueBytes, replyBytes)
  assertPattern(reply.bytes.subarray(reply.valueAt, reply.payloadBytes), number + 2, 'the value of a reply')
}

export function patternOf(number: number, bytes: number): Uint8Array {
  const pattern = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at++) pattern[at] = number + at * 7 + (at >>> 8)
  return pattern
}

function assertPattern(bytes: Uint8Array, number: number, what: string): void {
  const expected = patternOf(number, bytes.length)
  assert.ok(Buffer.compare(bytes, expected) === 0, `${what} is as it was sent`)
}
