/**
 * How long waits of one kind usually take, and what follows for the next one: who will be answered soon looks on, which
 * costs a processor that long; who will not sleeps at once, which costs being woken (20 to 90 us each time).
 *
 *   const usual = new UsualWait()
 *   const lookMs = usual.lookOnMs      // 0: sleep
 *   usual.note(waitedMs)               // after each wait, however it was spent
 *
 * Goes by the median: each wait moves what is thought usual by a twentieth, so single long ones change little. One thread.
 */

/** A step up, and as much down. */
const STEP = 1.05
const FIRST_MS = 0.1
const LEAST_MS = 0.01
/** What usually takes longer is not worth a processor's time. */
const MOST_WORTH_MS = 0.4
/** Beyond this nothing is learnt: it is to be unlearnt again in a few waits. */
const MOST_MS = 0.6
/** Looking on ends after so many times the usual wait. */
const PATIENCE = 1.5

export class UsualWait {
  #usualMs = FIRST_MS

  note(waitedMs: number): void {
    if (waitedMs > this.#usualMs) this.#usualMs = Math.min(this.#usualMs * STEP, MOST_MS)
    else this.#usualMs = Math.max(this.#usualMs / STEP, LEAST_MS)
  }

  /** For how long looking on is worth it. */
  get lookOnMs(): number {
    return this.#usualMs > MOST_WORTH_MS ? 0 : this.#usualMs * PATIENCE
  }
}
