/**
 * Answers that wait for the log, in the order of their requests. Replies are copied, and with them the requests that may
 * have to be evaluated again; a reply that is no more than a status, as those of most writes are, needs no copy. All
 * objects are used again. One thread.
 */
import { Message } from '../channel/message.js'

/** Objects that are kept for the next groups, and the largest message of them. */
const MOST_KEPT = 4096
const MOST_KEPT_BYTES = 4096
/** Of most requests and replies. */
const USUAL_BYTES = 256

export class HeldAnswer {
  ticket = 0
  /** Of the request. */
  code = 0
  lsn = 0
  /** Undefined: only a status. */
  reply: Message | undefined = undefined
  status = 0
  /** To be evaluated again if what it has seen is taken back; absent for what wrote. */
  request: Message | undefined = undefined
  say: (() => void) | undefined = undefined
}

export class HeldAnswers {
  readonly #answers: HeldAnswer[] = []
  readonly #spare: Message[] = []
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  /** Bytes of replies and requests. */
  get bytes(): number {
    return this.#bytes
  }

  /** Valid until `clear`. */
  at(index: number): HeldAnswer {
    return this.#answers[index]!
  }

  add(
    ticket: number,
    request: Message,
    reply: Message,
    lsn: number,
    wrote: boolean,
    say: (() => void) | undefined,
  ): void {
    if (this.#count === this.#answers.length) this.#answers.push(new HeldAnswer())
    const held = this.#answers[this.#count++]!
    held.ticket = ticket
    held.code = request.code
    held.lsn = lsn
    held.status = reply.code
    held.reply = isStatus(reply) ? undefined : this.#copyOf(reply)
    held.request = wrote ? undefined : this.#copyOf(request)
    held.say = say
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#release(this.#answers[i]!)
    this.#count = 0
    this.#bytes = 0
    if (this.#answers.length > MOST_KEPT) this.#answers.length = MOST_KEPT
  }

  #release(held: HeldAnswer): void {
    if (held.reply !== undefined) this.#giveBack(held.reply)
    if (held.request !== undefined) this.#giveBack(held.request)
    held.say = undefined
    held.reply = undefined
    held.request = undefined
  }

  #copyOf(message: Message): Message {
    const { payloadBytes } = message
    const copy = this.#spare.pop() ?? new Message(USUAL_BYTES)
    copy.copyHead(message)
    copy.bytes.set(message.bytes.subarray(0, payloadBytes), 0)
    this.#bytes += payloadBytes
    return copy
  }

  #giveBack(message: Message): void {
    const isKept = this.#spare.length < MOST_KEPT && message.bytes.length <= MOST_KEPT_BYTES
    if (isKept) this.#spare.push(message)
  }
}

function isStatus(reply: Message): boolean {
  return reply.payloadBytes === 0 && reply.flags === 0 && reply.first === 0 && reply.second === 0
}
