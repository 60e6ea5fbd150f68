/**
 * What the writer thread does with requests: each is evaluated when it comes, and answered when what it has seen and done is
 * as safe as the level asks.
 *
 *   handler = (request, reply, ticket) => cycle.handle(request, reply, ticket)     // of the thread's LaneWorker
 *   ... poll until nothing comes, or the group is large enough
 *   cycle.settle()            // commits the group and answers it
 *
 * An answer is held with the position of the newest write that it has seen, also if it is a "no", an error or a read. When
 * the log refuses a group, its writes are answered with that, and what only read is evaluated again: what it had seen was
 * never there.
 *
 * What an evaluation publishes is heard when its answer goes out, and never if it is refused.
 *
 * Free of threads and channels, for tests; one caller, everything synchronous. Held replies are copies: the channel uses its
 * own again.
 */
import type { OperationError } from '../base/errors.js'
import { Message } from '../channel/message.js'
import type { PlainStore } from '../store/plain-store.js'
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'
import { type HeldAnswer, HeldAnswers } from './held-answers.js'

export interface WriterCycleOptions {
  readonly store: SequencedStore
  /** Carries a request out; its answer is in `reply`. Throws what refuses it, and then nothing of it has happened. */
  readonly run: (store: Store, plain: PlainStore, request: Message, reply: Message) => void
  /** Makes `reply` say why a request of this code was refused. Throws what is no refusal but a bug. */
  readonly fail: (code: number, reply: Message, error: unknown) => void
  /** What the last evaluation has published, to be made heard; undefined if there was nothing. */
  readonly takeSaid?: () => (() => void) | undefined
  readonly complete: (ticket: number, reply: Message) => void
  /** After each group. */
  readonly settled?: () => void
  /** A clock that never goes back. */
  readonly monotonicMs: () => number
}

export class WriterCycle {
  readonly #options: WriterCycleOptions
  #held = new HeldAnswers()
  /** Those that are being answered; else empty. */
  #settling = new HeldAnswers()
  #request = new Message(0)
  #reply = this.#request
  /** For answers without a payload. */
  readonly #empty = new Message(0)
  /** One function for all evaluations: of the request and the reply above. */
  readonly #work = (store: Store, plain: PlainStore): void =>
    this.#options.run(store, plain, this.#request, this.#reply)

  constructor(options: WriterCycleOptions) {
    this.#options = options
  }

  /** Answers that wait for `settle`. */
  get held(): number {
    return this.#held.count
  }

  /** Bytes of those answers, and of what may have to be evaluated again. */
  get heldBytes(): number {
    return this.#held.bytes
  }

  /** Evaluates a request. True: it is answered by `reply`; false: `complete` will answer it. */
  handle(request: Message, reply: Message, ticket: number): boolean {
    const { store, takeSaid } = this.#options
    const { lsn, wrote } = this.#evaluate(request, reply)
    const say = takeSaid?.()
    if (lsn <= store.released) {
      say?.()
      return true
    }
    this.#held.add(ticket, request, reply, lsn, wrote, say)
    return false
  }

  /** Ends the group and brings all of it to disk, whatever the level; if that fails, `reply` says why. */
  flush(request: Message, reply: Message): void {
    const { store, fail } = this.#options
    this.settle()
    try {
      store.flush()
    } catch (error) {
      fail(request.code, reply, error)
    }
  }

  /** Ends the group: all that is held is answered. */
  settle(): void {
    const { store, monotonicMs } = this.#options
    for (;;) {
      const { released, refused } = store.commit(monotonicMs())
      const held = this.#held
      this.#held = this.#settling
      this.#settling = held
      for (let i = 0; i < held.count; i++) this.#answer(held.at(i), released, refused)
      held.clear()
      this.#options.settled?.()
      if (this.#held.count === 0) return
    }
  }

  #evaluate(request: Message, reply: Message): { readonly lsn: number; readonly wrote: boolean } {
    const { store, fail } = this.#options
    this.#request = request
    this.#reply = reply
    try {
      return store.evaluate(this.#work)
    } catch (error) {
      this.#options.takeSaid?.()
      fail(request.code, reply, error)
      // Why it was refused may be something that is not yet safe; after a failed sync nothing is waited for any more.
      return { lsn: store.failure === undefined ? store.position : 0, wrote: false }
    }
  }

  #answer(held: HeldAnswer, released: number, refused: OperationError | undefined): void {
    const { complete, fail } = this.#options
    const { ticket, request, code, say } = held
    let { reply } = held
    if (reply === undefined) {
      reply = this.#empty
      reply.clear(held.status)
    }
    const isRefused = held.lsn > released && refused !== undefined
    if (!isRefused) {
      say?.()
      complete(ticket, reply)
    } else if (request === undefined) {
      fail(code, reply, refused)
      complete(ticket, reply)
      reply.trim()
    } else if (this.handle(request, reply, ticket)) complete(ticket, reply)
  }
}
