/**
 * A socket worker's end of the lane to the writer thread: requests out, replies back in the order of the requests, all on
 * the event loop.
 *
 *   const link = new WriterLink(LaneClient.open(LaneFile.attach(handle), { bell, isServerAlive: () => true }))
 *   if (!link.send(request, (reply) => ...)) link.whenRoom(() => ...)
 *
 * One lane for all connections of the thread: its replies are handed out from the oldest on, so each connection gets its
 * own in order, and a reply that is there early waits for those before it. While there are few requests, the thread has
 * nothing else to do, and looks on for about as long as a reply usually takes before it sleeps. When the writer thread has ended, the node ends:
 * `gone` is called, and nothing is answered any more.
 */

import { monotonicMs } from '../base/clock.js'
import type { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import { ReplyWatch } from '../channel/reply-watch.js'
import { UsualWait } from '../channel/usual-wait.js'

interface Sent {
  readonly id: number
  readonly replied: (reply: Message) => void
}

/** Answered requests at the front of the queue before it is cut off. */
const MOST_ANSWERED = 1024
/** With more in flight, other connections have something for the thread to do. */
const FEW_IN_FLIGHT = 2

export class WriterLink {
  readonly #lane: LaneClient
  readonly #watch: ReplyWatch
  readonly #reply = new Message()
  #sent: Sent[] = []
  /** How many at the front of `#sent` are answered. */
  #answered = 0
  #waiting: (() => void)[] = []
  /** How long one request in flight takes. */
  readonly #usual = new UsualWait()
  #sentMs = 0
  /** Called when replies have been handed out, for now. */
  onReplies: (() => void) | undefined

  constructor(lane: LaneClient, gone: (error: unknown) => void) {
    this.#lane = lane
    this.#watch = new ReplyWatch(lane, {
      look: () => this.#look(),
      gone,
      lookOnMs: () => (this.inFlight <= FEW_IN_FLIGHT ? this.#usual.lookOnMs : 0),
    })
  }

  /** Requests without a reply yet. */
  get inFlight(): number {
    return this.#sent.length - this.#answered
  }

  /** False: there is no room, and nothing was sent. `request` is free again; `replied` must copy what it keeps. */
  send(request: Message, replied: (reply: Message) => void): boolean {
    const id = this.#lane.trySubmit(request)
    if (id === 0) return false
    if (this.inFlight === 0) this.#sentMs = monotonicMs()
    this.#sent.push({ id, replied })
    this.#watch.begin()
    return true
  }

  /** Calls once, when there is room again. */
  whenRoom(again: () => void): void {
    this.#waiting.push(again)
  }

  close(): void {
    this.#watch.close()
    this.#lane.close()
  }

  /** Hands out the replies that are there, oldest first; whether some are left to come. */
  #look(): boolean {
    const reply = this.#reply
    let some = 0
    for (; this.#answered < this.#sent.length; some++) {
      const { id, replied } = this.#sent[this.#answered]!
      if (!this.#lane.poll(id, reply)) break
      this.#answered++
      if (this.inFlight === 0) this.#usual.note(monotonicMs() - this.#sentMs)
      replied(reply)
      reply.trim()
    }
    if (some > 0) this.onReplies?.()
    if (this.#answered === this.#sent.length || this.#answered > MOST_ANSWERED) {
      this.#sent.splice(0, this.#answered)
      this.#answered = 0
    }
    if (some > 0 && this.#waiting.length > 0) for (const again of this.#waiting.splice(0)) again()
    return this.inFlight > 0
  }
}
