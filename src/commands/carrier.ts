/**
 * How a front hands commands to the thread that orders all writes, where the node has one: it cannot execute them itself,
 * and their replies come later.
 *
 * For the fronts of one thread; everything happens on its event loop.
 */
import type { WatchedKey } from '../store/store.js'
import type { QueuedCommand } from './connection-state.js'

/** A whole reply as bytes of the protocol that was asked for; valid during the call. */
export type Replied = (reply: Uint8Array) => void

export interface CommandCarrier {
  /**
   * Sends one command; `args` may be used again afterwards. False: there is no room now, nothing was sent; try again when
   * `whenRoom` calls. Replies come in the order in which commands were sent.
   */
  send(args: readonly Buffer[], protocol: 2 | 3, replied: Replied): boolean
  /** As `send`, for the commands of a transaction: one reply, as EXEC has it. */
  sendTransaction(
    queue: readonly QueuedCommand[],
    watched: readonly WatchedKey[],
    protocol: 2 | 3,
    replied: Replied,
  ): boolean
  /** Calls once, when something can be sent again. */
  whenRoom(again: () => void): void
  /** Calls `listener` each time that replies have been handed out and no more are there for now. */
  onReplies?(listener: () => void): void
}
