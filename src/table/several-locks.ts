/**
 * The stripes of several keys, locked together: in ascending order, so that no two threads wait for each other.
 *
 * None of them is noted in the own record as held. Whoever settles this thread after its death leaves them locked, and nobody
 * ever sees half of what it was about (docs/decisions/0006-death-inside-several-keys.md). Wants the own desk.
 */
import { PARTICIPANT } from '../memory/participant.js'
import { STRIPE } from './layout.js'
import type { Space } from './space.js'

const { holding: HOLDING } = PARTICIPANT

export class SeveralLocks {
  readonly #space: Space
  #stripes: readonly number[] = []
  /** How many of them are locked. */
  #locked = 0

  constructor(space: Space) {
    this.#space = space
  }

  /** The stripes that are meant from now on, ascending. None is locked. */
  choose(stripes: readonly number[]): void {
    this.#stripes = stripes
  }

  /** Locks all of them, or throws TIMEOUT and has locked none. */
  acquire(): void {
    const { locks, registry, words } = this.#space
    words[registry.at + HOLDING] = 0
    this.#locked = 0
    try {
      for (const stripeAt of this.#stripes) {
        if (this.#locked === 0) locks.acquire(stripeAt + STRIPE.lock)
        else locks.acquireAlso(stripeAt + STRIPE.lock)
        this.#locked++
      }
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** Unlocks those that are locked, the last one first. */
  release(): void {
    for (; this.#locked > 0; this.#locked--) {
      this.#space.locks.release(this.#stripes[this.#locked - 1]! + STRIPE.lock)
    }
  }
}
