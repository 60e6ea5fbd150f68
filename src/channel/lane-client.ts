/**
 * The client's end of a lane: one for each thread that asks. Its lane is a ring of slots, each a request and its reply.
 *
 *   const lane = LaneClient.open(LaneFile.open(path), { bell: Bell.attach({ kind: 'file', path }), isServerAlive })
 *   const request = new Message(), reply = new Message()
 *   request.clear(code); request.fill(keyBytes, valueBytes)      // first, second: two numbers besides
 *   const id = lane.trySubmit(request, EFFECT.KEY)               // 0: the window is full. `request` is free again
 *   if (lane.poll(id, reply)) ...                                // an id ends with the `true` that brings its reply
 *   if (!lane.wait(id, reply, 5000)) lane.giveUp(id)             // blocking; false: it has not come in time
 *
 * Statuses in `reply.code` are the operations' own, or CHANNEL_STATUS. In an event loop: see reply-watch.ts.
 *
 * Ids are used in ring order, so one that is not collected holds up those `window` later. An id that was given up frees its
 * slot when its reply has come and been dropped, never before. Long messages go in parts, which move on with any call.
 *
 * poll, wait and trySubmit throw OperationError SERVER_GONE once the server has closed the lanes or `isServerAlive` says no,
 * REFUSED when it has dropped this one. Trusts its server. For one thread; a lane is never shared.
 */
import { monotonicMs } from '../base/clock.js'
import { OperationError, type Outcome } from '../base/errors.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import type { Bell } from './bell.js'
import type { LaneFile } from './lane-file.js'
import { inAreaOf, LaneView } from './lane-view.js'
import {
  ASLEEP,
  FAULTS,
  HOME_BOUND,
  IN_AREA as IMPORTED_IN_AREA,
  SEQUENCE_MASK as IMPORTED_SEQUENCE_MASK,
  LANE,
  LANE_STATE,
  SLOT,
  SLOT_STATE,
  STATE_BITS,
  stateWord,
} from './layout.js'
import type { Message } from './message.js'
import { PartedExchange } from './parted-exchange.js'
import { ShortSlots } from './short-slots.js'
import { SlotAreas } from './slot-areas.js'
import { EFFECT, type Effect, UnfinishedWrites } from './unfinished-writes.js'

// Local copies: an imported constant is loaded and checked at every use.
const { DONE, REQUESTED } = SLOT_STATE
const { state: STATE, home: HOME } = LANE
const { code: CODE, keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES } = SLOT
const { OPEN } = LANE_STATE
const IN_AREA = IMPORTED_IN_AREA
const SEQUENCE_MASK = IMPORTED_SEQUENCE_MASK
const NOBODY = -1
const GIVEN_UP = -2
/** Polls before the first sleep: 80 us at most; about as long as a sleep costs while replies take longer than that. */
const MOST_SPINS = 1300
const LEAST_SPINS = 160
/** Looks at the reply's word before each poll, which takes some 25 ns, in which nobody sees the reply come. */
const LOOKS_PER_SPIN = 32
/** A wait shorter than this might have been one without sleep. */
const SHORT_WAIT_MS = 0.1
/** Looks in vain between two at the server, and at replies that nobody asks for. */
const VAIN_POLLS = 4096

export interface LaneClientOptions {
  readonly bell: Bell
  /** Whether the server's process lives; asked at least each 50 ms of a wait. */
  readonly isServerAlive: () => boolean
}

export class LaneClient {
  readonly file: LaneFile
  /** Of this lane in its file. */
  readonly lane: number
  readonly view: LaneView
  readonly #words: Int32Array
  readonly #bell: Bell
  readonly #isServerAlive: () => boolean
  readonly #window: number = 0
  readonly #laneAt: number = 0
  readonly #mask: number = 0
  readonly #inlineBytes: number = 0
  readonly #short: ShortSlots
  readonly #writes = new UnfinishedWrites()
  readonly #areas: SlotAreas
  readonly #parted = new Map<number, PartedExchange>()
  /** For each slot: the sequence that its user waits for, NOBODY or GIVEN_UP. */
  readonly #owner: Int32Array
  /** For each slot: what UnfinishedWrites.end needs. */
  readonly #counter: Int32Array
  #next = 0
  #inFlight = 0
  #givenUp = 0
  #spins = MOST_SPINS
  /** Size of the last long reply: room for as much is offered with the next request. */
  #expectedBytes = 0
  #vainPolls = 0
  #isClosed = false
  /** Called after a blocking wait, which may have swallowed a wake-up that was meant for the event loop. */
  onWaited: (() => void) | undefined

  private constructor(file: LaneFile, lane: number, options: LaneClientOptions) {
    this.file = file
    this.lane = lane
    this.view = new LaneView(file.region, file.geometry, lane)
    this.#words = this.view.words
    this.#laneAt = this.view.laneAt
    this.#mask = this.view.mask
    this.#inlineBytes = this.view.inlineBytes
    this.#short = new ShortSlots(this.view)
    this.#bell = options.bell
    this.#isServerAlive = options.isServerAlive
    this.#window = file.geometry.window
    const { ring, transferBytes } = file.geometry
    this.#areas = new SlotAreas(transferBytes, ring)
    this.#owner = new Int32Array(ring).fill(NOBODY)
    this.#counter = new Int32Array(ring)
    this.#next = firstUnused(this.view)
  }

  /** Takes a lane of the file that no thread has. Throws OperationError REFUSED if there is none. */
  static open(file: LaneFile, options: LaneClientOptions): LaneClient {
    const { words } = file.region.segments[0]!
    for (let lane = 0; lane < file.geometry.lanes; lane++) {
      const { laneAt } = new LaneView(file.region, file.geometry, lane)
      if (Atomics.compareExchange(words, laneAt + LANE.user, 0, 1) === 0)
        return new LaneClient(file, lane, options)
    }
    throw new OperationError('REFUSED', `all ${file.geometry.lanes} lanes of this client are in use.`)
  }

  /** Requests that have no reply yet, those given up on included. */
  get inFlight(): number {
    return this.#inFlight
  }

  get window(): number {
    return this.#window
  }

  /** Sends a request; returns its id, or 0 if there is no room for it now. What it may change counts until its reply is taken. */
  trySubmit(message: Message, effect: Effect = EFFECT.NONE): number {
    const words = this.#words
    if (words[this.#laneAt + STATE] !== OPEN) this.#throwGone('not-applied')
    const sequence = this.#next
    const slot = sequence & this.#mask
    if ((this.#inFlight >= this.#window || this.#owner[slot] !== NOBODY) && !this.#makeRoom(slot)) return 0
    const offersNoArea = this.#expectedBytes <= this.#inlineBytes
    if (!(offersNoArea && this.#short.put(sequence, REQUESTED, message)) && !this.#putLong(sequence, message))
      return 0
    this.#owner[slot] = sequence
    this.#counter[slot] = this.#writes.begin(effect, message.words, message.keyBytes)
    this.#inFlight++
    this.#next = (sequence + 1) & SEQUENCE_MASK
    this.#bell.ring(words[this.#laneAt + HOME]!)
    return sequence + 1
  }

  /** Publishes a request that is not short, or whose reply is expected not to be; false if there is no room for it now. */
  #putLong(sequence: number, message: Message): boolean {
    const { view } = this
    const words = this.#words
    const slot = sequence & view.mask
    const at = view.slotAt(sequence)
    const payloadBytes = message.payloadBytes
    let inArea = 0
    let bytes = payloadBytes
    if (payloadBytes > view.inlineBytes) {
      if (!this.#areas.take(slot, payloadBytes)) return false
      inArea = IN_AREA
      bytes = Math.min(payloadBytes, this.#areas.bytes(slot))
    } else if (this.#expectedBytes > view.inlineBytes) {
      this.#areas.take(slot, this.#expectedBytes)
    }
    const areaAt = this.#areas.at(slot)
    view.writePart(view.partAt(at, inArea, areaAt), message, 0, bytes)
    view.writeRequest(at, message, inArea, areaAt, this.#areas.bytes(slot))
    if (bytes < payloadBytes)
      this.#parted.set(slot, new PartedExchange(view, this.#areas, sequence, message.copy(), bytes))
    Atomics.store(words, at, stateWord(sequence, REQUESTED))
    return true
  }

  /** Whether the reply has come; if so it is in `reply`, and the id is used up. Throws RangeError for an id that is not in flight. */
  poll(id: number, reply: Message): boolean {
    const sequence = id - 1
    const slot = sequence & this.#mask
    if (this.#owner[slot] !== sequence) throw new RangeError(`there is no request ${id} in flight`)
    if (this.#parted.size > 0) this.pump()
    else if (this.#short.receive(sequence, reply)) {
      // Forgets by and by what it has expected in vain.
      this.#expectedBytes >>= 1
      this.#free(slot)
      return true
    }
    const at = this.view.slotAt(sequence)
    if (Atomics.load(this.#words, at) !== stateWord(sequence, DONE)) {
      if (this.#words[this.view.laneAt + STATE] !== OPEN) this.#throwGone('unknown')
      if (++this.#vainPolls % VAIN_POLLS === 0) this.#lookUp()
      return false
    }
    return this.#collect(slot, at, reply)
  }

  /** Blocks until the reply has come (true) or `timeoutMs` have passed (false; the request is still in flight). */
  wait(id: number, reply: Message, timeoutMs: number): boolean {
    const sequence = id - 1
    for (let spin = 0; spin < this.#spins; spin++) {
      this.#short.lookFor(sequence, LOOKS_PER_SPIN)
      if (this.poll(id, reply)) return true
    }
    const startedMs = monotonicMs()
    try {
      return this.#sleep(id, reply, startedMs + timeoutMs)
    } finally {
      const isShort = monotonicMs() - startedMs < SHORT_WAIT_MS
      this.#spins = isShort ? Math.min(MOST_SPINS, this.#spins * 2) : Math.max(LEAST_SPINS, this.#spins >> 1)
      this.onWaited?.()
    }
  }

  /** The reply to this request is of no interest any more. It may be carried out all the same. */
  giveUp(id: number): void {
    const sequence = id - 1
    const slot = sequence & this.view.mask
    if (this.#owner[slot] !== sequence) throw new RangeError(`there is no request ${id} in flight`)
    this.#owner[slot] = GIVEN_UP
    this.#givenUp++
    this.#parted.get(slot)?.abandon()
    this.pump()
  }

  /**
   * Fetches long replies that nobody has polled for. The server takes nothing more from a lane while too much waits there to be
   * fetched, so before anybody waits for what comes later, these have to go on.
   */
  fetchUnasked(): void {
    if (this.#inFlight < 2) return
    for (let back = this.view.ring; back > 0; back--) {
      const sequence = (this.#next - back) & SEQUENCE_MASK
      const slot = sequence & this.view.mask
      if (this.#owner[slot] !== sequence || this.#parted.has(slot)) continue
      const at = this.view.slotAt(sequence)
      if (Atomics.load(this.#words, at) !== stateWord(sequence, DONE) || this.#fits(slot, at)) continue
      this.#parted.set(slot, new PartedExchange(this.view, this.#areas, sequence))
    }
    this.pump()
  }

  /** From a loop that does nothing but poll: it learns of nothing by itself. */
  #lookUp(): void {
    this.checkServer()
    this.fetchUnasked()
  }

  /** Moves messages in parts on, and drops replies of requests that were given up. Any call does; between calls nothing moves. */
  pump(): void {
    let published = false
    for (const [slot, exchange] of this.#parted) {
      if (exchange.advance()) published = true
      if (exchange.isComplete) this.#areas.giveBack(slot)
    }
    if (published) this.#bell.ring(this.#words[this.view.laneAt + HOME]!)
    if (this.#givenUp > 0) this.#settleGivenUp()
  }

  /** Whether a key may be read past the lane: no write on its way might change it. `words` holds it from word 0. */
  mayReadDirectly(words: Int32Array, keyBytes: number): boolean {
    return this.#writes.mayReadDirectly(words, keyBytes)
  }

  /** Throws OperationError if the server has gone or has dropped this lane. */
  checkServer(): void {
    if (this.#words[this.view.laneAt + STATE] !== OPEN || !this.#isServerAlive()) this.#throwGone('unknown')
  }

  /** Gives the lane back. One with requests in flight stays taken, and goes with its file. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.pump()
    if (this.#inFlight === 0) Atomics.store(this.#words, this.view.laneAt + LANE.user, 0)
  }

  #sleep(id: number, reply: Message, deadlineMs: number): boolean {
    const words = this.#words
    const { asleepAt, laneAt } = this.view
    // Nobody has come in the time of a spin: whoever is awake may be busy.
    if ((words[laneAt + HOME]! & HOME_BOUND) === 0) this.#bell.ringForHelp()
    for (;;) {
      const leftMs = deadlineMs - monotonicMs()
      if (leftMs <= 0) return this.poll(id, reply)
      Atomics.store(words, asleepAt, ASLEEP.ON_FUTEX)
      if (this.poll(id, reply)) break
      this.fetchUnasked()
      this.file.region.wait(asleepAt, ASLEEP.ON_FUTEX, Math.min(WAIT_SLICE_MS, leftMs))
      if (this.poll(id, reply)) break
      if (!this.#isServerAlive()) this.#throwGone('unknown')
    }
    Atomics.store(words, asleepAt, ASLEEP.NO)
    return true
  }

  #collect(slot: number, at: number, reply: Message): boolean {
    const view = this.view
    const exchange = this.#parted.size === 0 ? undefined : this.#parted.get(slot)
    if (exchange !== undefined) {
      if (!exchange.isComplete) return false
      reply.takeOver(exchange.reply)
      this.#expectedBytes = reply.payloadBytes
      this.#free(slot)
      return true
    }
    view.readHead(at, reply)
    const bytes = reply.payloadBytes
    const inArea = inAreaOf(this.#words[at + CODE]!)
    if (bytes > (inArea === 0 ? view.inlineBytes : this.#areas.bytes(slot))) {
      this.#parted.set(slot, new PartedExchange(view, this.#areas, this.#owner[slot]!))
      this.pump()
      return false
    }
    view.readPart(view.partAt(at, inArea, this.#areas.at(slot)), reply, 0, bytes)
    this.#expectedBytes = inArea === 0 ? this.#expectedBytes >> 1 : bytes
    this.#free(slot)
    return true
  }

  #free(slot: number): void {
    this.#owner[slot] = NOBODY
    this.#inFlight--
    this.#areas.giveBack(slot)
    this.#writes.end(this.#counter[slot]!)
    if (this.#parted.size > 0) this.#parted.delete(slot)
  }

  /** Whether the slot can be used now. */
  #makeRoom(slot: number): boolean {
    if (this.#parted.size > 0 || this.#givenUp > 0) this.pump()
    return this.#inFlight < this.#window && this.#owner[slot] === NOBODY
  }

  #settleGivenUp(): void {
    for (let back = 1; back <= this.view.ring; back++) {
      const sequence = (this.#next - back) & SEQUENCE_MASK
      const slot = sequence & this.view.mask
      if (this.#owner[slot] !== GIVEN_UP) continue
      const at = this.view.slotAt(sequence)
      if (Atomics.load(this.#words, at) !== stateWord(sequence, DONE)) continue
      if (!this.#isWhole(slot, sequence)) continue
      this.#givenUp--
      this.#free(slot)
    }
  }

  /** Whether the reply of a slot that was given up needs no more; if it does, that is set going. */
  #isWhole(slot: number, sequence: number): boolean {
    let exchange = this.#parted.get(slot)
    if (exchange === undefined) {
      if (this.#fits(slot, this.view.slotAt(sequence))) return true
      exchange = new PartedExchange(this.view, this.#areas, sequence)
      exchange.abandon()
      this.#parted.set(slot, exchange)
    }
    if (exchange.advance()) this.#bell.ring(this.#words[this.view.laneAt + HOME]!)
    return exchange.isComplete
  }

  /** Whether a reply that is there came in one part. */
  #fits(slot: number, at: number): boolean {
    const words = this.#words
    const bytes = ((words[at + KEY_BYTES]! + 7) & ~7) + words[at + VALUE_BYTES]!
    return bytes <= (inAreaOf(words[at + CODE]!) !== 0 ? this.#areas.bytes(slot) : this.view.inlineBytes)
  }

  #throwGone(outcome: Outcome): never {
    const { laneAt } = this.view
    if (Atomics.load(this.#words, laneAt + STATE) === LANE_STATE.DROPPED)
      throw new OperationError(
        'REFUSED',
        `the server has dropped this lane: ${FAULTS[this.#words[laneAt + LANE.fault]!] ?? 'unknown reason'}.`,
        { outcome },
      )
    throw new OperationError('SERVER_GONE', 'the server has ended or closed this client.', { outcome })
  }
}

/** The sequence that comes next in a lane whose requests all have their replies. */
function firstUnused(view: LaneView): number {
  const sequenceOf = (slot: number) => (view.words[view.slotAt(slot)]! >>> STATE_BITS) & SEQUENCE_MASK
  for (let slot = 1; slot < view.ring; slot++)
    if (sequenceOf(slot) !== ((sequenceOf(slot - 1) + 1) & SEQUENCE_MASK))
      return (sequenceOf(slot) + view.ring) & SEQUENCE_MASK
  return (sequenceOf(0) + view.ring) & SEQUENCE_MASK
}
