/**
 * The lock of a stripe, for a change that a log has accepted: it cannot be refused any more, so whoever holds the stripe
 * is waited for, however long it takes. Who holds one is a reader that could not get a stable look without; it lives, or it is settled.
 */
import { isOperationError } from '../base/errors.js'
import { PARTICIPANT } from '../memory/participant.js'
import { STRIPE } from './layout.js'
import type { Space } from './space.js'

export function waitForStripe({ words, registry, locks }: Space, stripeAt: number): void {
  for (;;) {
    try {
      words[registry.at + PARTICIPANT.holding] = stripeAt + STRIPE.lock
      locks.acquire(stripeAt + STRIPE.lock)
      return
    } catch (error) {
      if (!isOperationError(error, 'TIMEOUT')) throw error
    }
  }
}
