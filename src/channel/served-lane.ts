/**
 * A lane as a worker sees it: takes requests in their order, carries them out, answers.
 *
 * Nothing that the client writes is believed: see request-intake.ts, and reply-desk.ts for what goes back. What can't be
 * right drops the lane, with a reason, and touches no other.
 *
 * Held only while there is something to do, so that another worker can serve it next, unless this one remembers something
 * about it: a request that arrives in parts, a reply that leaves in parts, a reply that is to come. A request is taken once:
 * the ledger's `next` is advanced before it is carried out.
 */
import { assert } from '../base/assert.js'
import type { Doorbell } from './doorbell.js'
import type { LaneFile } from './lane-file.js'
import { LaneView } from './lane-view.js'
import {
  ASLEEP,
  CHANNEL_STATUS,
  FAULT,
  HOME_BOUND as IMPORTED_HOME_BOUND,
  SEQUENCE_MASK as IMPORTED_SEQUENCE_MASK,
  STATE_BITS as IMPORTED_STATE_BITS,
  LANE,
  LANE_STATE,
  SLOT_STATE,
  stateWord,
} from './layout.js'
import { type Ledger, ROW, ROW_STATE } from './ledger.js'
import type { Message } from './message.js'
import { ReplyDesk } from './reply-desk.js'
import { INTAKE, RequestIntake } from './request-intake.js'
import { ShortSlots } from './short-slots.js'

// Local copies: an imported constant is loaded and checked at every use.
const { REQUESTED, GO_ON, PART, DONE } = SLOT_STATE
const { next: NEXT, holder: HOLDER, state: STATE } = ROW
const { WHOLE, REFUSED } = INTAKE
const { NO: AWAKE } = ASLEEP
const { home: HOME } = LANE
const HOME_BOUND = IMPORTED_HOME_BOUND
const SEQUENCE_MASK = IMPORTED_SEQUENCE_MASK
const STATE_BITS = IMPORTED_STATE_BITS
const NONE = -1

/** True: the answer is in `reply`. False: it follows, by `complete` with the ticket. */
export type Handler = (request: Message, reply: Message, ticket: number) => boolean

/**
 * Told of short requests before they are carried out one after the other, the first `count` of `requests`: what they will
 * look at can be brought into the cache for all of them together, and `hint` set. It decides nothing.
 */
export type LookAhead = (requests: readonly Message[], count: number) => void

/** What the lanes of one worker have in common. */
export interface LaneKeeper {
  readonly number: number
  readonly tag: number
  readonly ledger: Ledger
  readonly handler: Handler
  readonly lookAhead: LookAhead | undefined
  /** Called after each request, when its reply can be seen. */
  readonly finish: (() => void) | undefined
  /** Where a request goes that did not come short and whole. */
  readonly request: Message
  /** Where short ones go, so many at a time. */
  readonly group: readonly Message[]
  readonly reply: Message
  /** Keeps every lane that it has taken, until it is detached. */
  readonly keepsLanes: boolean
  onFault(lane: ServedLane, fault: number): void
  onError(error: unknown): void
}

export class ServedLane {
  readonly file: LaneFile
  readonly lane: number
  /** Dropped, or released. */
  isOver = false
  readonly #keeper: LaneKeeper
  readonly #ticketBase: number
  readonly #view: LaneView
  readonly #desk: ReplyDesk
  readonly #intake: RequestIntake
  readonly #short: ShortSlots
  readonly #words: Int32Array
  readonly #rows: Int32Array
  readonly #rowAt: number = 0
  readonly #nextAt: number = 0
  readonly #mask: number = 0
  readonly #doorbell: Doorbell | undefined
  /** For each slot: the sequence whose reply is to come. */
  readonly #pending: Int32Array
  #pendingCount = 0
  #isHeld = false
  #isServing = false
  /** Something was said to the client since it was last looked whether it sleeps. */
  #hasSpoken = false

  /** `ticketBase`: what its tickets have above the number of the slot. */
  constructor(keeper: LaneKeeper, file: LaneFile, lane: number, ticketBase: number, doorbell?: Doorbell) {
    this.#keeper = keeper
    this.file = file
    this.lane = lane
    this.#ticketBase = ticketBase
    this.#view = new LaneView(file.region, file.geometry, lane)
    this.#desk = new ReplyDesk(this.#view)
    this.#intake = new RequestIntake(this.#view, this.#desk, keeper)
    this.#words = this.#view.words
    this.#rows = keeper.ledger.words
    this.#rowAt = keeper.ledger.rowAt(file.firstRow + lane)
    this.#nextAt = this.#rowAt + NEXT
    this.#mask = this.#view.mask
    this.#short = new ShortSlots(this.#view)
    this.#doorbell = doorbell
    this.#pending = new Int32Array(this.#view.ring).fill(NONE)
  }

  /** Tag of the worker that holds it, 0 for none. */
  get holder(): number {
    return Atomics.load(this.#rows, this.#rowAt + HOLDER)
  }

  /** Whether there is something that this worker could do. */
  hasWork(): boolean {
    if (this.isOver) return false
    if (this.#desk.isHolding && this.#desk.isAskedForPart()) return true
    const sequence = this.#rows[this.#nextAt]!
    // Plainly: it is asked again and again, and before a sleep right after an atomic store.
    const word = this.#words[this.#view.slotAt(sequence)]!
    if (this.#isIdle(word, sequence) || this.#desk.isFull) return false
    return this.#isHeld || this.holder === 0
  }

  /** Takes at most `most` requests; returns how many requests and parts were dealt with. */
  serve(most: number): number {
    if (!this.hasWork() || !this.#hold()) return 0
    this.#isServing = true
    let done = 0
    try {
      if (this.#desk.isHolding) done += this.#sendParts()
      while (done < most) {
        const some = this.#serveGroup(most - done)
        done += some
        if (this.#short.isDrained) break
        if (some > 0) continue
        if (!this.#serveNext()) break
        done++
      }
    } finally {
      this.#isServing = false
      // Let go first: that store makes the replies seen before it is looked whether their client sleeps.
      const hasSpoken = this.#hasSpoken
      this.#letGo()
      // A request whose answer is to come is nothing to be woken for.
      if (hasSpoken) this.#wake()
    }
    return done
  }

  /** The reply of a deferred request. A lane that is over takes none. */
  complete(slot: number, reply: Message): void {
    if (this.isOver) return
    const sequence = this.#pending[slot]!
    assert(sequence !== NONE, 'a ticket is completed once')
    this.#pending[slot] = NONE
    this.#pendingCount--
    this.#answer(sequence, reply)
    if (this.#isServing) return
    this.#wake()
    this.#letGo()
  }

  /** A reply for which there is no memory is FAILED. */
  #answer(sequence: number, reply: Message): void {
    this.#hasSpoken = true
    if (!this.#desk.isHolding && this.#short.put(sequence, DONE, reply)) return
    try {
      this.#desk.answer(sequence, reply)
    } catch (error) {
      this.#desk.answerEmpty(sequence, CHANNEL_STATUS.FAILED)
      this.#keeper.onError(error)
    }
  }

  /** Takes the lane over from a worker that has ended, unless somebody else does. */
  takeOver(dead: number): void {
    const { tag } = this.#keeper
    if (this.isOver) return
    if (Atomics.compareExchange(this.#rows, this.#rowAt + HOLDER, dead, tag) !== dead) return
    this.#isHeld = true
    if (this.#isOpen()) this.#desk.settle(this.#rows[this.#nextAt]!)
    else this.#tellDropped()
    this.#wake()
    this.#letGo()
  }

  /**
   * Ends with it: replies that are to come are LOST. If parts of replies are still to be fetched, it leaves its tag there,
   * for the next holder to find as that of one who has ended.
   */
  release(): void {
    if (this.isOver) return
    const leavesParts = this.#isHeld && this.#desk.isHolding
    if (this.#isHeld) {
      this.#desk.settle(this.#rows[this.#nextAt]!)
      this.#wake()
    }
    this.#forget()
    if (!leavesParts) this.#letGo()
  }

  #isOpen(): boolean {
    return this.#rows[this.#rowAt + STATE] === ROW_STATE.OPEN
  }

  #hold(): boolean {
    if (this.#isHeld) return true
    if (Atomics.compareExchange(this.#rows, this.#rowAt + HOLDER, 0, this.#keeper.tag) !== 0) return false
    this.#isHeld = true
    if (this.#isOpen()) return true
    this.#forget()
    this.#letGo()
    return false
  }

  /**
   * Takes requests that are short into private memory, and then carries them out in their order. None is marked as taken
   * before its turn, so what is not carried out is still there for the next look.
   */
  #serveGroup(most: number): number {
    this.#short.isDrained = false
    if (this.isOver || this.#intake.isReceiving) return 0
    const { group, lookAhead } = this.#keeper
    const next = this.#rows[this.#nextAt]!
    const count = this.#short.take(next, Math.min(most, group.length), group)
    if (count > 1 && lookAhead !== undefined) lookAhead(group, count)
    for (let done = 0; done < count; done++) {
      const sequence = (next + done) & SEQUENCE_MASK
      const slot = sequence & this.#mask
      if (this.isOver || this.#desk.isFull || this.#pending[slot] !== NONE) return done
      this.#desk.noteArea(slot, 0, 0)
      this.#carryOut(sequence, group[done]!)
    }
    return count
  }

  /** Deals with the next request, or the next part of it; false if there is nothing to do. */
  #serveNext(): boolean {
    if (this.isOver) return false
    const sequence = this.#rows[this.#nextAt]!
    const at = this.#view.slotAt(sequence)
    const word = Atomics.load(this.#words, at)
    if (word === stateWord(sequence, REQUESTED)) {
      if (this.#desk.isFull) return false
      if (this.#pending[sequence & this.#mask] !== NONE) return this.#drop(FAULT.STATE)
      return this.#goOn(sequence, this.#intake.begin(sequence, at))
    }
    if (word === stateWord(sequence, PART)) return this.#goOn(sequence, this.#intake.goOn(sequence, at))
    return this.#isIdle(word, sequence) ? false : this.#drop(FAULT.STATE)
  }

  #goOn(sequence: number, outcome: number): boolean {
    this.#hasSpoken = true
    if (outcome < 0) return this.#drop(-outcome)
    if (outcome === WHOLE) {
      this.#carryOut(sequence, this.#intake.request)
      this.#intake.forgetRequest()
    } else if (outcome === REFUSED) {
      this.#rows[this.#nextAt] = (sequence + 1) & SEQUENCE_MASK
      this.#desk.answerEmpty(sequence, CHANNEL_STATUS.NOT_TAKEN)
    }
    return true
  }

  /** Whether a slot says that the client has nothing new to say there. */
  #isIdle(word: number, sequence: number): boolean {
    const of = word >>> STATE_BITS
    return of === ((sequence - this.#view.ring) & SEQUENCE_MASK) || word === stateWord(sequence, GO_ON)
  }

  #sendParts(): number {
    this.#hasSpoken = true
    const sent = this.#desk.sendParts()
    if (sent >= 0) return sent
    this.#drop(-sent)
    return 0
  }

  #carryOut(sequence: number, request: Message): void {
    const slot = sequence & this.#mask
    const { reply } = this.#keeper
    this.#rows[this.#nextAt] = (sequence + 1) & SEQUENCE_MASK
    this.#pending[slot] = sequence
    this.#pendingCount++
    let isAnswered = true
    let failure: unknown
    try {
      isAnswered = this.#keeper.handler(request, reply, this.#ticketBase | slot)
    } catch (error) {
      reply.clear(CHANNEL_STATUS.FAILED)
      failure = error ?? 'nothing'
    }
    if (isAnswered) this.complete(slot, reply)
    try {
      this.#keeper.finish?.()
    } catch (error) {
      failure ??= error ?? 'nothing'
    }
    if (isAnswered) reply.trim()
    if (failure !== undefined) this.#keeper.onError(failure)
  }

  #drop(fault: number): false {
    this.#hasSpoken = true
    this.#rows[this.#rowAt + STATE] = ROW_STATE.DROPPED
    this.#words[this.#view.laneAt + LANE.fault] = fault
    this.#tellDropped()
    this.#keeper.onFault(this, fault)
    return false
  }

  #tellDropped(): void {
    Atomics.store(this.#words, this.#view.laneAt + LANE.state, LANE_STATE.DROPPED)
    this.#forget()
  }

  #forget(): void {
    this.isOver = true
    this.#pending.fill(NONE)
    this.#pendingCount = 0
    this.#desk.forget()
    this.#intake.forget()
  }

  /** Frees the lane for other workers, unless this one must go on with it; and says so to its client. */
  #letGo(): void {
    if (!this.#isHeld) return
    const isBound = this.#pendingCount > 0 || this.#desk.isHolding || this.#intake.isReceiving
    const keeps = (isBound || this.#keeper.keepsLanes) && !this.isOver
    const home = (this.#keeper.number + 1) | (keeps ? HOME_BOUND : 0)
    const homeAt = this.#view.laneAt + HOME
    if (this.#words[homeAt] !== home) this.#words[homeAt] = home
    if (keeps) return
    this.#isHeld = false
    Atomics.store(this.#rows, this.#rowAt + HOLDER, 0)
  }

  #wake(): void {
    this.#hasSpoken = false
    // A plain DONE may still be on its way to the other processors, and must not be when we look: a word of ours once more,
    // atomically, holds us up until it has arrived. Who has let go of the lane has stored `holder` so.
    if (this.#isHeld) Atomics.store(this.#rows, this.#nextAt, this.#rows[this.#nextAt]!)
    const { asleepAt } = this.#view
    if (Atomics.load(this.#words, asleepAt) === AWAKE) return
    const asleep = Atomics.exchange(this.#words, asleepAt, AWAKE)
    this.file.region.notify(asleepAt)
    if (asleep === ASLEEP.IN_EVENT_LOOP) this.#doorbell?.ring()
  }
}
