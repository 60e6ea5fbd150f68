/**
 * The two requests that most are: a get, and a set without options of a short value. Straight from the message's words into
 * the table's buffers and back, past the views of bytes that the operations work on. Of several that have come at once, the
 * keys are hashed and what they will look at is touched before the first is carried out (measured: see `touch.ts`).
 *
 * The same meaning as `get` and `set` of commands/operations, to which everything else goes.
 */
import { GROUP } from '../channel/lane-worker.js'
import type { Message } from '../channel/message.js'
import { writeFailure } from '../commands/operations/failure.js'
import { STATUS } from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import type { DirectStore } from '../store/direct-store.js'
import type { Touch } from '../table/touch.js'

const GET = OPERATIONS.get.code
const SET = OPERATIONS.set.code
/** Copied word by word up to here. */
const SHORT_BYTES = 256
/** Keys that are touched together: those of the requests that are taken together. */
export const MOST_TOUCHED = GROUP

export class PlainRequests {
  readonly #store: DirectStore
  readonly #touch: Touch
  #isUnfinished = false

  constructor(store: DirectStore) {
    this.#store = store
    this.#touch = store.newTouch(MOST_TOUCHED)
  }

  /** Those requests will be carried out soon. */
  lookAhead(requests: readonly Message[], count: number): void {
    touchKeys(this.#touch, requests, count)
  }

  /** After each request that was run: what its client need not wait for. */
  finish(): void {
    if (!this.#isUnfinished) return
    this.#isUnfinished = false
    this.#store.finishSet()
  }

  /** Whether the request was one of these, and is answered; `finish` must follow. Throws only on a bug of ours. */
  run(request: Message, reply: Message): boolean {
    const { code, keyBytes, valueBytes, hint } = request
    if (code === SET) {
      if (request.flags !== 0 || request.first !== 0 || valueBytes > SHORT_BYTES || keyBytes > SHORT_BYTES)
        return false
      reply.clear(STATUS.YES)
      try {
        this.#store.beginSet(request, hint)
        this.#isUnfinished = true
      } catch (error) {
        if (!writeFailure(reply, error)) throw error
      }
      return true
    }
    if (code !== GET || keyBytes > SHORT_BYTES) return false
    reply.clear(STATUS.YES)
    try {
      if (!this.#store.getPlain(reply, request, hint)) reply.code = STATUS.NO
    } catch (error) {
      if (!writeFailure(reply, error)) throw error
    }
    return true
  }
}

/** Touches what the gets and sets among these requests will look at, and tells each its hash. */
export function touchKeys(touch: Touch, requests: readonly Message[], count: number): void {
  let touched = 0
  for (let i = 0; i < count && touched < MOST_TOUCHED; i++) {
    const request = requests[i]!
    const { code, keyBytes } = request
    if (code !== GET && code !== SET) continue
    request.hint = touch.add(touched++, request.words, keyBytes)
  }
  touch.touch(touched)
}
