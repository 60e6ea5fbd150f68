/**
 * What a thread does for its table ten times a second, whether it uses it or not: it ends what one of its own operations has
 * left behind that was thrown out of, settles the dead, counts anew where a death has spoilt the count, and takes its turn in
 * the sweep of what has expired.
 *
 * It runs from a timer of that thread, so no operation of it can be under way: a desk or batch that it holds was left
 * behind. The timer keeps no process alive. Never a part of an operation: nothing waits for it but who finds a dead one's lock.
 */
import { isOperationError } from '../base/errors.js'
import type { Desk } from './desk.js'
import { isRecountDue, recountIfDue } from './entry-limit.js'
import type { Space } from './space.js'

/** How often a thread looks for what it or others have left behind. */
export const HOUSEKEEPING_MS = 100

/** What only the table itself can do. */
export interface House {
  /** Ends a batch of look-ups that was left open. */
  endBatch(): void
  /** Sweeps a part of the table, if it is this thread's turn. */
  sweepInTurn(): void
}

export class Housekeeping {
  readonly #space: Space
  readonly #desk: Desk
  readonly #house: House
  readonly #timer: NodeJS.Timeout

  constructor(space: Space, desk: Desk, house: House) {
    this.#space = space
    this.#desk = desk
    this.#house = house
    this.#timer = setInterval(() => this.#keep(), HOUSEKEEPING_MS)
    this.#timer.unref()
    // Processes that come and go quickly leave before their first housekeeping: the next one sees to it at once.
    if (space.region.presence !== undefined) this.#keep()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #keep(): void {
    const { registry, region, words } = this.#space
    this.#house.endBatch()
    registry.forgetThrownOut()
    region.tend?.()
    try {
      if (registry.isInside()) registry.settle(registry.tag, false)
      if (registry.isSettlingDue() || isRecountDue(words)) this.#settleDead()
      this.#house.sweepInTurn()
    } catch (error) {
      // Somebody who lives keeps a lock: there is no caller to tell, and the next time is near.
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
  }

  /** With the own desk, so that a TIMEOUT in the middle is found and settled the next time. */
  #settleDead(): void {
    this.#desk.enter()
    this.#space.registry.settleDead()
    recountIfDue(this.#space)
    this.#desk.leave()
  }
}
