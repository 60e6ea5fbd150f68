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
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'

export interface WriterCycleOptions {
  readonly store: SequencedStore
  /** Carries a request out; its answer is in `reply`. Throws what refuses it, and then nothing of it has happened. */
  readonly run: (store: Store, request: Message, reply: Message) => void
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

/** An answer that waits for the log. */
interface Held {
  readonly ticket: number
  readonly reply: Message
  readonly code: number
  readonly lsn: number
  /** To be evaluated again if what it has seen is taken back; absent for what wrote. */
  readonly request: Message | undefined
  readonly say: (() => void) | undefined
}

/** Messages that are kept for the next group, and the largest of them. */
const MOST_SPARE = 4096
const MOST_SPARE_BYTES = 4096
/** Of most requests and replies. */
const USUAL_BYTES = 256

export class WriterCycle {
  readonly #options: WriterCycleOptions
  #held: Held[] = []
  #heldBytes = 0
  readonly #spare: Message[] = []

  constructor(options: WriterCycleOptions) {
    this.#options = options
  }

  /** Answers that wait for `settle`. */
  get held(): number {
    return this.#held.length
  }

  /** Bytes of those answers, and of what may have to be evaluated again. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Evaluates a request. True: it is answered by `reply`; false: `complete` will answer it. */
  handle(request: Message, reply: Message, ticket: number): boolean {
    const { store } = this.#options
    const { lsn, wrote } = this.#evaluate(request, reply)
    const say = this.#options.takeSaid?.()
    if (lsn <= store.released) {
      say?.()
      return true
    }
    this.#heldBytes += reply.payloadBytes + (wrote ? 0 : request.payloadBytes)
    this.#held.push({
      ticket,
      reply: this.#copyOf(reply),
      code: request.code,
      lsn,
      request: wrote ? undefined : this.#copyOf(request),
      say,
    })
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
      this.#held = []
      this.#heldBytes = 0
      for (const answer of held) this.#answer(answer, released, refused)
      this.#options.settled?.()
      if (this.#held.length === 0) return
    }
  }

  #evaluate(request: Message, reply: Message): { readonly lsn: number; readonly wrote: boolean } {
    const { store, run, fail } = this.#options
    try {
      return store.evaluate((overlay) => run(overlay, request, reply))
    } catch (error) {
      this.#options.takeSaid?.()
      fail(request.code, reply, error)
      // Why it was refused may be something that is not yet safe; after a failed sync nothing is waited for any more.
      return { lsn: store.failure === undefined ? store.position : 0, wrote: false }
    }
  }

  #answer(held: Held, released: number, refused: OperationError | undefined): void {
    const { complete, fail } = this.#options
    const { ticket, reply, request, code } = held
    const isRefused = held.lsn > released && refused !== undefined
    let isAnswered = true
    if (!isRefused) held.say?.()
    else if (request === undefined) fail(code, reply, refused)
    else isAnswered = this.handle(request, reply, ticket)
    if (isAnswered) complete(ticket, reply)
    this.#giveBack(reply)
    if (request !== undefined) this.#giveBack(request)
  }

  #copyOf(message: Message): Message {
    const copy = this.#spare.pop() ?? new Message(USUAL_BYTES)
    copy.copyHead(message)
    copy.bytes.set(message.bytes.subarray(0, message.payloadBytes), 0)
    return copy
  }

  #giveBack(message: Message): void {
    const isKept = this.#spare.length < MOST_SPARE && message.bytes.length <= MOST_SPARE_BYTES
    if (isKept) this.#spare.push(message)
  }
}
