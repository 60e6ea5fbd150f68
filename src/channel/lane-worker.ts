/**
 * A worker of lanes: one for each thread that serves them. It looks at every lane of every client in turn, and sleeps when
 * nothing is to be done; long, if nothing was for a while and another one keeps the watch (idle-watch.ts).
 *
 *   const worker = new LaneWorker({ number, ledger: Ledger.attach(l), bell: Bell.attach(b), handler })
 *   worker.attach(handle)                       // of a LaneFile; detach(handle.id) when its client has gone
 *   while (!ended) {
 *     if (worker.poll() === 0) worker.sleep(REST_MS)
 *     ... messages from the main thread, by receiveMessageOnPort; `bell.wake(number)` brings the worker here at once
 *   }
 *   worker.close()
 *
 *   handler = (request, reply, ticket) => { reply.clear(OK); ...; return true }
 *
 * `request` and `reply` are used again for the next one. A handler that cannot answer yet keeps `ticket` (and a `copy` of
 * what it needs), returns false, and calls `worker.complete(ticket, reply)` later, in any order. Requests of one client are
 * given to handlers in their order, whichever workers serve it. What a handler throws goes to `onError`, and FAILED to the
 * client.
 *
 * One worker spins at a time: while another is awake, one with nothing to do goes to sleep at once.
 */
import { availableParallelism } from 'node:os'
import { assert } from '../base/assert.js'
import { monotonicMs } from '../base/clock.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { isThreadAlive, type Liveness, type ThreadIdentity } from '../memory/threads.js'
import type { Bell } from './bell.js'
import { type Doorbell, openDoorbells } from './doorbell.js'
import { IdleWatch } from './idle-watch.js'
import { LaneFile, type LaneFileHandle } from './lane-file.js'
import { FAULTS, MAX_WINDOW } from './layout.js'
import { type Ledger, workerOf } from './ledger.js'
import { Message } from './message.js'
import { type Handler, type LaneKeeper, type LookAhead, ServedLane } from './served-lane.js'

/** Most requests of one lane before the others have their turn. */
const BATCH = 64
/** Most short requests that are taken together. */
export const GROUP = 16
/**
 * A look at a lane costs 50 to 100 ns, so with many of them those that had something are looked at first (measured with
 * 256: a round trip 16 us without that); all are at each eighth poll, and whenever these have nothing.
 */
const FEW_LANES = 8
const MOST_HOT = 8
const COLD_MASK = 7
const HOT_LOOKS = 32
/** About a microsecond and a half. */
const LOOKS_ON = 128
const AROUND_MASK = 0xff
/** How long the last one that is awake looks on before it sleeps. */
const SPIN_MS = 0.05
const LOOKS_PER_CLOCK = 16
/** Workers that a busy one calls for help, itself included: one processor is left to the clients. */
const MOST_AWAKE = Math.max(1, availableParallelism() - 1)
/** Asking whether a thread lives takes 50 us, so those that seem awake are asked for about once in a second. */
const TOURS_PER_ROLL_CALL = 20
/** Tickets: the slot below, the lane's serial number above. */
const SLOT_BITS = 12
const MOST_SERIAL = 2 ** (31 - SLOT_BITS) - 1
assert(1 << SLOT_BITS >= MAX_WINDOW, 'a ticket names any slot')

export interface LaneWorkerOptions {
  /** 0 to MAX_LANE_WORKERS - 1, of no other living worker of this server. */
  readonly number: number
  readonly ledger: Ledger
  readonly bell: Bell
  readonly handler: Handler
  readonly lookAhead?: LookAhead
  /** Called after each request, when its reply can be seen: for what its client need not wait for. */
  readonly finish?: () => void
  /** It keeps lanes it has taken: for the only worker of a server, which then need not ask whose they are. */
  readonly keepsLanes?: boolean
  /** After some work it looks for more for a microsecond or two before `poll` says that there is none. Where nobody waits for that. */
  readonly looksOn?: boolean
  /** A client's lane was dropped. */
  readonly onFault?: (file: LaneFile, lane: number, reason: string) => void
  /** A handler threw. */
  readonly onError?: (error: unknown) => void
  /** For tests: who this is, who lives, and what time it is, in ms. */
  readonly thread?: ThreadIdentity
  readonly isAlive?: Liveness
  readonly clock?: () => number
  /** For tests: slices that bring nothing before it rests. */
  readonly restsAfter?: number
}

export class LaneWorker {
  readonly number: number
  readonly #ledger: Ledger
  readonly #bell: Bell
  readonly #isAlive: Liveness
  readonly #keeper: LaneKeeper
  readonly #watch: IdleWatch
  readonly #looksOn: boolean
  #lanes: ServedLane[] = []
  #hot: ServedLane[] = []
  readonly #bySerial = new Map<number, ServedLane>()
  readonly #doorbells = new Map<number, Doorbell[]>()
  #serial = 0
  readonly #clock: () => number
  #touredMs: number
  #polls = 0
  #busyPolls = 0
  #tours = 0
  /** Something was done since it last slept. */
  #mayBeMore = false

  constructor(options: LaneWorkerOptions) {
    this.number = options.number
    this.#ledger = options.ledger
    this.#bell = options.bell
    this.#isAlive = options.isAlive ?? isThreadAlive
    this.#looksOn = options.looksOn ?? false
    this.#clock = options.clock ?? monotonicMs
    this.#touredMs = this.#clock()
    this.#keeper = {
      number: options.number,
      tag: options.ledger.join(options.number, options.thread),
      ledger: options.ledger,
      handler: options.handler,
      lookAhead: options.lookAhead,
      finish: options.finish,
      request: new Message(),
      group: Array.from({ length: GROUP }, () => new Message()),
      reply: new Message(),
      keepsLanes: options.keepsLanes ?? false,
      onFault: ({ file, lane }, fault) => options.onFault?.(file, lane, FAULTS[fault] ?? 'unknown'),
      onError: (error) => options.onError?.(error),
    }
    // The only worker has nobody to rely on.
    const restsAfter = options.keepsLanes ? Number.POSITIVE_INFINITY : options.restsAfter
    this.#watch = new IdleWatch(this.#ledger, this.#bell, this.#keeper.tag, restsAfter)
    this.#bell.join(options.number)
  }

  /** Serves the lanes of a file from now on. Throws, with nothing changed, if the file or its doorbells are not there any more. */
  attach(handle: LaneFileHandle): void {
    const file = LaneFile.attach(handle)
    const doorbells = file.path === undefined ? [] : openDoorbells(file.path, file.geometry.lanes)
    for (let lane = 0; lane < file.geometry.lanes; lane++) {
      const serial = this.#freeSerial()
      const served = new ServedLane(this.#keeper, file, lane, serial << SLOT_BITS, doorbells[lane])
      this.#bySerial.set(serial, served)
      this.#lanes.push(served)
    }
    this.#doorbells.set(file.id, doorbells)
  }

  /** Ends with the lanes of a file; replies to its requests that are still to come go nowhere. */
  detach(id: number): void {
    for (const [serial, lane] of this.#bySerial) {
      if (lane.file.id !== id) continue
      lane.release()
      this.#bySerial.delete(serial)
    }
    this.#lanes = this.#lanes.filter((lane) => lane.file.id !== id)
    this.#hot = []
    for (const doorbell of this.#doorbells.get(id) ?? []) doorbell.close()
    this.#doorbells.delete(id)
  }

  /** Lanes that it serves. */
  get lanes(): number {
    return this.#lanes.length
  }

  /** Takes what has come, a bounded batch of each lane; returns how much that was, 0 for nothing in any lane. */
  poll(): number {
    if (this.#watch.isResting) {
      if (!this.#hasWork()) return 0
      this.#watch.rise()
    }
    const polls = ++this.#polls
    let done = (polls & COLD_MASK) === 0 ? 0 : this.#pollHot()
    if ((polls & AROUND_MASK) === 0) this.#lookAround()
    if (done === 0) done = this.#pollAll()
    if (done === 0 && this.#mayBeMore && this.#looksOn) done = this.#lookOn()
    if (done > 0) this.#mayBeMore = true
    return done
  }

  #pollAll(): number {
    const lanes = this.#lanes
    const mayHeat = lanes.length > FEW_LANES
    if (this.#hot.length > 0) this.#hot = []
    let done = 0
    let busy = 0
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!
      const some = lane.serve(BATCH)
      done += some
      if (some === BATCH) busy++
      if (some > 0 && mayHeat && this.#hot.length < MOST_HOT) this.#hot.push(lane)
    }
    if (busy > 1) this.#busyPolls++
    return done
  }

  /**
   * After some work: a client that blocks asks again within about a microsecond, and what is found here need not come by the
   * end of `sleep` and another poll.
   */
  #lookOn(): number {
    const lanes = this.#lanes
    if (lanes.length > FEW_LANES) return 0
    for (let look = 0; look < LOOKS_ON; look++) {
      for (let i = 0; i < lanes.length; i++) {
        const some = lanes[i]!.serve(BATCH)
        if (some > 0) return some
      }
    }
    return 0
  }

  /** Only the lanes that had something last time, looked at for about as long as a client takes to ask again. */
  #pollHot(): number {
    const hot = this.#hot
    let done = 0
    for (let look = 0; hot.length > 0 && look < HOT_LOOKS && done === 0; look++) {
      let busy = 0
      for (let i = 0; i < hot.length; i++) {
        const some = hot[i]!.serve(BATCH)
        done += some
        if (some === BATCH) busy++
      }
      if (busy > 1) this.#busyPolls++
    }
    return done
  }

  /** The reply to a deferred request. Goes nowhere if its client has gone. */
  complete(ticket: number, reply: Message): void {
    this.#bySerial.get(ticket >>> SLOT_BITS)?.complete(ticket & ((1 << SLOT_BITS) - 1), reply)
  }

  /**
   * Returns when there may be something to do, or `timeoutMs` have passed, or a slice: WAIT_SLICE_MS, or REST_MS where
   * another one keeps the watch. True if it was rung for: by a client, or by who has something else to tell this thread.
   */
  sleep(timeoutMs: number): boolean {
    const bell = this.#bell
    // Once after each piece of work: who was woken by a slice's end and found nothing goes back to sleep at once.
    const hasWorked = this.#mayBeMore
    this.#mayBeMore = false
    if (hasWorked) {
      this.#watch.rise()
      if (!bell.isAnotherAwake(this.number) && this.#spin(Math.min(SPIN_MS, timeoutMs))) return false
    }
    bell.announceSleep(this.number)
    let wasRung = false
    if (this.#hasWork()) bell.stayAwake(this.number)
    else {
      const ms = Math.min(timeoutMs, this.#sliceMs())
      wasRung = bell.sleep(this.number, ms)
      this.#watch.slept(ms, wasRung)
    }
    this.#tour()
    return wasRung
  }

  /** How long it may sleep, which it has announced. Who holds a lane is needed there, and rests no longer than a slice. */
  #sliceMs(): number {
    if (!this.#watch.isDue) return WAIT_SLICE_MS
    if (!this.#holdsLane()) return this.#watch.restMs()
    this.#watch.rise()
    return WAIT_SLICE_MS
  }

  #holdsLane(): boolean {
    return this.#lanes.some(({ holder }) => holder === this.#keeper.tag)
  }

  /** Ends: what is to come is LOST. */
  close(): void {
    this.#watch.rise()
    for (const id of [...this.#doorbells.keys()]) this.detach(id)
    this.#ledger.leave(this.number)
    this.#bell.leave(this.number)
  }

  /** Once in 256 polls. One lane is always one worker's, so help is of use with several busy ones, and a processor for it. */
  #lookAround(): void {
    if (this.#busyPolls > 0x80 && this.#bell.awake().length < MOST_AWAKE) this.#bell.ringForHelp()
    this.#busyPolls = 0
    this.#tour()
  }

  #spin(ms: number): boolean {
    const endMs = monotonicMs() + ms
    do {
      for (let look = 0; look < LOOKS_PER_CLOCK; look++) if (this.#hasWork()) return true
    } while (monotonicMs() < endMs)
    return false
  }

  #hasWork(): boolean {
    const lanes = this.#lanes
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.hasWork()) return true
    return false
  }

  /** Looks about each 50 ms for workers that have ended, and takes over the lanes that they held. */
  #tour(): void {
    const nowMs = this.#clock()
    if (nowMs - this.#touredMs < WAIT_SLICE_MS - 1) return
    this.#touredMs = nowMs
    for (const lane of this.#lanes) {
      const { holder } = lane
      const isAnothers = holder !== 0 && holder !== this.#keeper.tag
      if (!isAnothers || !this.#ledger.isDead(holder, this.#isAlive)) continue
      lane.takeOver(holder)
      this.#bury(workerOf(holder))
    }
    if (++this.#tours % TOURS_PER_ROLL_CALL === 0) for (const number of this.#bell.awake()) this.#bury(number)
  }

  /** One that has ended does not count as awake, if nobody has its number by now. */
  #bury(number: number): void {
    if (number !== this.number && this.#ledger.isNumberDead(number, this.#isAlive)) this.#bell.leave(number)
  }

  #freeSerial(): number {
    do this.#serial = (this.#serial + 1) & MOST_SERIAL
    while (this.#bySerial.has(this.#serial))
    return this.#serial
  }
}
