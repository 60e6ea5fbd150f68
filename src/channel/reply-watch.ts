/**
 * Replies for an event loop: calls `look` when there may be one, so that a promise can be kept without anybody blocking.
 *
 *   const watch = new ReplyWatch(lane, { look, gone })     // look: poll the ids in flight; true while some are left
 *   const id = lane.trySubmit(request); watch.begin()      // after each submission that nobody waits for
 *   watch.unref()                                          // from now on, waiting does not keep the process alive
 *   watch.close()
 *
 * At first it looks again with each turn of the event loop, for about the time that a worker that is awake takes; then it
 * tells the lane that its user sleeps in an event loop, and is woken: by Atomics.waitAsync where the lane is of this
 * process, by its doorbell where it is a file. A timer looks each 50 ms whether the server lives, and makes good what
 * a worker that died in between has not rung for; it is also what keeps the process alive while replies are to come.
 *
 * For one thread. Blocking waits on the same lane may come between; nothing is lost by them.
 */
import type { Socket } from 'node:net'
import { monotonicMs } from '../base/clock.js'
import { WAIT_SLICE_MS } from '../base/limits.js'
import { doorbellPath, listenTo } from './doorbell.js'
import type { LaneClient } from './lane-client.js'
import { ASLEEP } from './layout.js'

/** How long to look with each turn before sleeping; a turn takes about a microsecond. */
const TURNS_MS = 0.05
const LOOKS_PER_CLOCK = 16

export interface ReplyWatchOptions {
  /** Polls what is in flight; returns whether anything is left. */
  readonly look: () => boolean
  /** The server has gone, or `look` threw: what is in flight has no reply to expect. Called once, and no look after it. */
  readonly gone: (error: unknown) => void
  /**
   * How long the thread may look on, without a turn of its event loop, for what has just been submitted; 0: not at all. For
   * a thread that has nothing else to do: being woken costs more than most replies take.
   */
  readonly lookOnMs?: () => number
}

/** Not yet in the language's own library of types. */
type WaitAsync = (
  words: Int32Array,
  at: number,
  expected: number,
) => { async: false } | { async: true; value: Promise<string> }
const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync

export class ReplyWatch {
  readonly #lane: LaneClient
  readonly #options: ReplyWatchOptions
  readonly #words: Int32Array
  readonly #asleepAt: number
  /** Runs while something is waited for, and stops by itself afterwards. */
  #timer: NodeJS.Timeout | undefined
  readonly #doorbell: Socket | undefined
  #isWatching = false
  #isClosed = false
  #keepsAlive = true
  #hasWaiter = false
  #turning: NodeJS.Immediate | undefined
  #turnsEndMs = 0

  constructor(lane: LaneClient, options: ReplyWatchOptions) {
    this.#lane = lane
    this.#options = options
    this.#words = lane.view.words
    this.#asleepAt = lane.view.asleepAt
    const { path } = lane.file
    if (path !== undefined)
      this.#doorbell = listenTo(doorbellPath(path, lane.lane), () => this.#wake()).unref()
    lane.onWaited = () => this.#afterWait()
  }

  /** Something was submitted whose reply is to be looked for. */
  begin(): void {
    if (this.#isWatching || this.#isClosed) return
    this.#isWatching = true
    this.#timer ??= setInterval(() => this.#tick(), WAIT_SLICE_MS).unref()
    if (this.#keepsAlive) this.#timer.ref()
    this.#beginTurns()
  }

  /** Waiting keeps the process alive again, as it does from the start. */
  ref(): void {
    this.#keepsAlive = true
    if (this.#isWatching) this.#timer?.ref()
  }

  unref(): void {
    this.#keepsAlive = false
    this.#timer?.unref()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#rest()
    this.#stopTimer()
    this.#doorbell?.destroy()
    this.#lane.onWaited = undefined
    // Ends the waiter of a shared array, which would otherwise wait for ever.
    this.#lane.file.region.notify(this.#asleepAt)
  }

  #beginTurns(): void {
    this.#turnsEndMs = monotonicMs() + TURNS_MS
    this.#turning ??= setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#turning = undefined
    if (!this.#lookOnce()) return
    const lookOnMs = this.#options.lookOnMs?.() ?? 0
    if (lookOnMs > 0) {
      if (!this.#lookOn(lookOnMs)) return
      this.#sleep()
    } else if (monotonicMs() < this.#turnsEndMs) this.#turning = setImmediate(this.#turn)
    else this.#sleep()
  }

  /** Whether there is still something to wait for when the time is up. */
  #lookOn(ms: number): boolean {
    const endMs = monotonicMs() + ms
    do {
      for (let look = 0; look < LOOKS_PER_CLOCK; look++) if (!this.#lookOnce()) return false
    } while (monotonicMs() < endMs)
    return true
  }

  /** Whether there is still something to wait for. */
  #lookOnce(): boolean {
    if (!this.#isWatching) return false
    try {
      this.#lane.pump()
      if (this.#options.look()) return true
    } catch (error) {
      this.#end(error)
      return false
    }
    this.#rest()
    return false
  }

  #rest(): void {
    this.#isWatching = false
    this.#timer?.unref()
    if (this.#turning !== undefined) clearImmediate(this.#turning)
    this.#turning = undefined
    if (Atomics.load(this.#words, this.#asleepAt) === ASLEEP.IN_EVENT_LOOP)
      Atomics.store(this.#words, this.#asleepAt, ASLEEP.NO)
  }

  #end(error: unknown): void {
    this.#rest()
    this.#options.gone(error)
  }

  /** Says so, looks again, and is woken by whoever answers after that. */
  #sleep(): void {
    this.#lane.fetchUnasked()
    Atomics.store(this.#words, this.#asleepAt, ASLEEP.IN_EVENT_LOOP)
    if (this.#lookOnce() && this.#doorbell === undefined) this.#await()
  }

  #await(): void {
    if (this.#hasWaiter) return
    const waiting = waitAsync(this.#words, this.#asleepAt, ASLEEP.IN_EVENT_LOOP)
    if (!waiting.async) {
      this.#beginTurns()
      return
    }
    this.#hasWaiter = true
    waiting.value.then(() => {
      this.#hasWaiter = false
      this.#wake()
    })
  }

  #wake(): void {
    if (!this.#isWatching || this.#turning !== undefined) return
    if (this.#lookOnce()) this.#beginTurns()
  }

  /** A blocking wait on the lane has said that its user is awake, and may have used up a wake-up. */
  #afterWait(): void {
    if (this.#isWatching) this.#beginTurns()
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    if (!this.#isWatching) {
      this.#stopTimer()
      return
    }
    try {
      this.#lane.checkServer()
    } catch (error) {
      // What has come before the end is still to be had.
      if (this.#lookOnce()) this.#end(error)
      return
    }
    this.#wake()
  }
}
