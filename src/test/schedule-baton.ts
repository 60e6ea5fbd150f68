/**
 * The baton that goes around among the participants of a schedule: only who holds it runs. A plan says at which steps
 * (shared accesses, counted over all) it goes to another although the holder could go on; else it changes hands when
 * the holder is done or sleeps on a lock. So one plan gives one interleaving, every time.
 *
 * After Musuvathi and Qadeer's iterative context bounding (CHESS, 2007): most bugs need few such preemptions.
 *
 * Sleepers are woken by notify; if all others sleep or are done, the longest-suffering one goes on as after a timeout,
 * which is counted: in a correct protocol nobody needs that.
 *
 * All words are written by the holder of the baton alone.
 */
import { assert } from '../base/assert.js'
import { monotonicMs } from '../base/clock.js'
import type { Stepper } from './schedule-hooks.js'

export const MOST_PARTICIPANTS = 4
const MOST_PREEMPTIONS = 8

const HOLDER = 0
const STEPS = 1
const NEXT_AT = 2
const PREEMPTIONS = 3
const TAKEN = 4
const TIMEOUTS = 5
const CLOCK = 6
const PARTICIPANTS = 7
const STATUS = 8
const SLEEPS_ON = STATUS + MOST_PARTICIPANTS
const PLAN = SLEEPS_ON + MOST_PARTICIPANTS
const WORDS = PLAN + MOST_PREEMPTIONS * 2

const DONE = 0
const READY = 1
const ASLEEP = 2

/** The one who makes the plans has the baton between schedules. */
export const PLANNER = MOST_PARTICIPANTS
/** A schedule that takes more is taken for one that never ends. */
const MOST_STEPS = 100_000
const SPINS = 3000
/** How long the planner waits for the baton, however often it changes hands meanwhile. */
const MOST_WAIT_MS = 240_000

export interface Preemption {
  /** The baton goes before this step, counted from 1. */
  readonly step: number
  /** To whom: so many places behind the holder, in the circle of participants. */
  readonly places: number
}

export interface ScheduleFacts {
  readonly steps: number
  /** Preemptions that happened; fewer than planned if one came too late or its target could not run. */
  readonly taken: number
  /** Sleeps that nobody ended. */
  readonly timeouts: number
}

export class EndlessSchedule extends Error {}

export class Baton implements Stepper {
  readonly #words: Int32Array
  readonly #me: number
  #privateFrom = 0
  #privateTo = 0
  #recordWords = 1
  #privateBuffer: ArrayBufferLike | undefined

  constructor(shared: SharedArrayBuffer, me: number) {
    this.#words = new Int32Array(shared)
    this.#me = me
  }

  static create(): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(WORDS * 4)
    new Int32Array(shared)[HOLDER] = PLANNER
    return shared
  }

  /** Words [from, to) of `words` are records of `recordWords` of which only the first word concerns others. */
  ignore(words: Int32Array, from: number, to: number, recordWords: number): void {
    this.#privateBuffer = words.buffer
    this.#privateFrom = from
    this.#privateTo = to
    this.#recordWords = recordWords
  }

  isPrivate(array: ArrayBufferView, index: number): boolean {
    if (array.buffer !== this.#privateBuffer) return false
    const word = array instanceof Int32Array ? index : index * 2
    return (
      word >= this.#privateFrom &&
      word < this.#privateTo &&
      (word - this.#privateFrom) % this.#recordWords !== 0
    )
  }

  /** Planner: runs one schedule of `participants`, beginning with `first`; returns when all are done. */
  run(participants: number, first: number, plan: readonly Preemption[]): ScheduleFacts {
    assert(plan.length <= MOST_PREEMPTIONS, 'a plan fits its words')
    const words = this.#words
    for (let at = STEPS; at < WORDS; at++) words[at] = 0
    for (const [at, { step, places }] of plan.entries()) {
      words[PLAN + at * 2] = step
      words[PLAN + at * 2 + 1] = places
    }
    words[PARTICIPANTS] = participants
    words[PREEMPTIONS] = plan.length
    words[NEXT_AT] = plan[0]?.step ?? 0
    words.fill(READY, STATUS, STATUS + participants)
    this.#pass(first)
    this.await()
    return { steps: words[STEPS]!, taken: words[TAKEN]!, timeouts: words[TIMEOUTS]! }
  }

  /** Planner: lets one participant do something that is no schedule. */
  lend(to: number): void {
    this.#pass(to)
    this.await()
  }

  /** Participant: the answer to `lend`. */
  giveBack(): void {
    this.#pass(PLANNER)
  }

  /** Blocks until the baton comes. */
  await(): void {
    const words = this.#words
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(words, HOLDER) === this.#me) return
    const startedMs = monotonicMs()
    while (Atomics.load(words, HOLDER) !== this.#me) {
      // A participant may wait for ever: it ends with its planner. Each change of hands wakes everybody who waits.
      if (this.#me === PLANNER && monotonicMs() - startedMs > MOST_WAIT_MS)
        throw new Error(`participant ${Atomics.load(words, HOLDER)} does not come back`)
      const holder = Atomics.load(words, HOLDER)
      if (holder !== this.#me) Atomics.wait(words, HOLDER, holder, 1000)
    }
  }

  /** A moment in the history of this schedule, each later than the one before. */
  tick(): number {
    return ++this.#words[CLOCK]!
  }

  step(): void {
    const words = this.#words
    const steps = ++words[STEPS]!
    if (steps === words[NEXT_AT]!) this.#preempt()
    if (steps > MOST_STEPS) throw new EndlessSchedule('the schedule does not end')
  }

  #preempt(): void {
    const words = this.#words
    const at = words[TAKEN]!
    const to = (this.#me + words[PLAN + at * 2 + 1]!) % words[PARTICIPANTS]!
    if (to === this.#me || words[STATUS + to] !== READY) return
    words[TAKEN] = at + 1
    words[NEXT_AT] = at + 1 < words[PREEMPTIONS]! ? words[PLAN + (at + 1) * 2]! : 0
    this.#pass(to)
    this.await()
  }

  sleep(at: number): void {
    this.#words[STATUS + this.#me] = ASLEEP
    this.#words[SLEEPS_ON + this.#me] = at
    this.#passOn()
    this.await()
  }

  wake(at: number): void {
    for (let other = 0; other < MOST_PARTICIPANTS; other++) {
      if (this.#words[STATUS + other] === ASLEEP && this.#words[SLEEPS_ON + other] === at)
        this.#words[STATUS + other] = READY
    }
  }

  /** Participant: its program is over. */
  finish(): void {
    this.#words[STATUS + this.#me] = DONE
    this.#passOn()
  }

  #passOn(): void {
    const next = this.#next(READY)
    const sleeper = next === PLANNER ? this.#next(ASLEEP) : PLANNER
    if (sleeper !== PLANNER) {
      this.#words[TIMEOUTS]!++
      this.#words[STATUS + sleeper] = READY
    }
    this.#pass(sleeper === PLANNER ? next : sleeper)
  }

  /** The next participant in a circle that has `status`; the planner if there is none. */
  #next(status: number): number {
    for (let distance = 1; distance <= MOST_PARTICIPANTS; distance++) {
      const other = (this.#me + distance) % MOST_PARTICIPANTS
      if (this.#words[STATUS + other] === status) return other
    }
    return PLANNER
  }

  #pass(to: number): void {
    if (to === this.#me) return
    Atomics.store(this.#words, HOLDER, to)
    Atomics.notify(this.#words, HOLDER)
  }
}
