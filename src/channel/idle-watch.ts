/**
 * The watch of idle lane workers. One that has found nothing for a while rests: one of those that rest keeps the watch and
 * looks at all lanes each WAIT_SLICE_MS, as everybody does where there is work; the others sleep REST_MS at a time.
 *
 *   watch.isDue && watch.restMs()              before a sleep, once it is announced: how long it may take
 *   watch.slept(ms, wasRung)                   after it
 *   if (watch.isResting && hasWork()) watch.rise()      before the work is begun
 *
 * Rule: whoever rests longer than a slice has seen another's tag in the word `watcher` after it had announced its sleep.
 * The watcher takes its tag back before it begins any work, then wakes all who sleep: one of the two sees the other. So as
 * long as anybody rests, somebody who has nothing else to do comes by in each slice, or everybody is awake.
 *
 * The watcher counts a beat each slice. Who has slept REST_MS and finds the same watcher with the same beat takes the watch
 * from it: it has died, is stopped, or late, which makes no difference; one that comes back finds another's tag and rests.
 * So a dead watcher is replaced within twice REST_MS, whatever it had begun. Until then those who rest are still woken by
 * the bell; only what relies on slices waits: wake-ups that were lost, lanes that the dead one held.
 *
 * In memory of the server's own threads (ledger.ts). One for each worker; not for workers that keep their lanes.
 */
import { WAIT_SLICE_MS } from '../base/limits.js'
import type { Bell } from './bell.js'
import { type Ledger, WATCH } from './ledger.js'

/** Longest sleep of one that rests. Nothing ends it early but the bell: a futex does not hear `worker.terminate()`. */
export const REST_MS = 500
/** Slices in a row that bring nothing before a worker rests: about a second. */
const RESTS_AFTER = 20

export class IdleWatch {
  /** It keeps the watch, or relies on who does. */
  isResting = false
  readonly #tag: number
  readonly #bell: Bell
  readonly #words: Int32Array
  readonly #at: number
  readonly #restsAfter: number
  #idleSlices = 0
  #seenWatcher = 0
  #seenBeat = 0
  /** How long it has slept since it saw that. */
  #seenForMs = 0

  /** `restsAfter`: slices, in tests. */
  constructor(ledger: Ledger, bell: Bell, tag: number, restsAfter = RESTS_AFTER) {
    this.#tag = tag
    this.#bell = bell
    this.#words = ledger.words
    this.#at = ledger.watchAt
    this.#restsAfter = restsAfter
  }

  /** Whether it has found nothing for so long that it may rest. */
  get isDue(): boolean {
    return this.#idleSlices >= this.#restsAfter
  }

  /** Rests, as the watcher if there is no other; returns how long its next sleep may take. */
  restMs(): number {
    const words = this.#words
    this.isResting = true
    let watcher = Atomics.load(words, this.#at + WATCH.watcher)
    if (watcher !== this.#tag && (watcher === 0 || this.#hasStopped(watcher))) {
      const found = Atomics.compareExchange(words, this.#at + WATCH.watcher, watcher, this.#tag)
      watcher = found === watcher ? this.#tag : found
    }
    if (watcher === this.#tag) Atomics.add(words, this.#at + WATCH.beat, 1)
    const isShort = watcher === this.#tag || Atomics.load(words, this.#at + WATCH.ends) !== 0
    return isShort ? WAIT_SLICE_MS : REST_MS
  }

  /** It has slept for so long at most, or was rung for. */
  slept(ms: number, wasRung: boolean): void {
    if (wasRung) this.rise()
    else this.#idleSlices++
    this.#seenForMs += ms
  }

  /** There is work, or may be: it does not rest for a while, and nobody relies on it. */
  rise(): void {
    this.#idleSlices = 0
    if (!this.isResting) return
    this.isResting = false
    this.#seenWatcher = 0
    const { watcher } = WATCH
    if (Atomics.compareExchange(this.#words, this.#at + watcher, this.#tag, 0) === this.#tag)
      this.#bell.wakeSleepers()
  }

  /** Whether the watcher has let REST_MS go by without a look, as far as this one has slept since it saw the last. */
  #hasStopped(watcher: number): boolean {
    const beat = Atomics.load(this.#words, this.#at + WATCH.beat)
    if (watcher === this.#seenWatcher && beat === this.#seenBeat) return this.#seenForMs >= REST_MS
    this.#seenWatcher = watcher
    this.#seenBeat = beat
    this.#seenForMs = 0
    return false
  }
}
