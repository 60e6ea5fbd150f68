/**
 * One client of the line protocol: lines in, requests asked of the service in their order, replies out in the same
 * order, whenever each is known (a durable write is answered when it is on disk). Requests may be pipelined.
 *
 * What a peer can hold is bounded: of a line, its longest form; of replies that it does not read, one batch; of
 * requests that wait for the disk, `MAX_WAITING` or `MAX_WAITING_BYTES`. Beyond, it is not read from. A peer that has
 * ended its half gets the replies to what it has sent. HTTP is dropped (foreign-request.ts).
 *
 * A bug of ours (anything that is no expected failure) passes through to the node.
 */
import type { Socket } from 'node:net'
import { answer } from './answer.js'
import { isHttpLine } from './foreign-request.js'
import { maxLineBytes, type TextLimits } from './limits.js'
import { LineReader, TOO_LONG } from './line-reader.js'
import { errorReply } from './reply.js'
import { ReplyQueue } from './reply-queue.js'
import { parseRequest } from './request.js'
import type { TextService } from './service.js'

export interface TextConnectionEvents {
  /** After each batch: how many requests it held. */
  ran(requests: number): void
  closed(connection: TextConnection): void
}

/** Replies are handed to the socket at the latest when this much has gathered. */
const FLUSH_BYTES = 256 * 1024
const MAX_WAITING = 1024
const MAX_WAITING_BYTES = 1024 * 1024
/** How long a peer that was told goodbye may keep its half open. */
const LINGER_MS = 1000

export class TextConnection {
  readonly #socket: Socket
  readonly #service: TextService
  readonly #limits: TextLimits
  readonly #events: TextConnectionEvents
  readonly #reader: LineReader
  readonly #replies = new ReplyQueue()
  /** Bytes of the requests that are not answered. */
  #waitingBytes = 0
  #waitsForDrain = false
  #willFlush = false
  /** No further request is taken: the peer has ended its half, or the node stops. */
  #ending = false
  #ended = false

  constructor(socket: Socket, service: TextService, limits: TextLimits, events: TextConnectionEvents) {
    this.#socket = socket
    this.#service = service
    this.#limits = limits
    this.#events = events
    this.#reader = new LineReader(maxLineBytes(limits))
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 300_000)
    socket.on('data', (chunk: Buffer) => {
      this.#reader.feed(chunk)
      this.#run()
    })
    socket.on('drain', () => {
      this.#waitsForDrain = false
      this.#run()
    })
    // With allowHalfOpen: what the peer has sent is answered before this half ends, too.
    socket.on('end', () => {
      this.#ending = true
      this.#run()
    })
    // A reset is the peer's way to leave; 'close' follows.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => events.closed(this))
  }

  /** Ends after the replies to what has been asked: for a node that stops. */
  end(): void {
    this.#ending = true
    this.#run()
    if (!this.#ended) setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }

  get #mayGoOn(): boolean {
    const { waiting } = this.#replies
    return (
      !(this.#waitsForDrain || this.#ended || this.#socket.destroyed) &&
      waiting < MAX_WAITING &&
      (waiting === 0 || this.#waitingBytes + this.#replies.heldBytes < MAX_WAITING_BYTES)
    )
  }

  /** Runs the requests that are there, as far as the peer keeps up with its replies. */
  #run(): void {
    let ran = 0
    let line: ReturnType<LineReader['next']>
    while (this.#mayGoOn && (line = this.#reader.next()) !== undefined) {
      ran++
      if (line === TOO_LONG) this.#replies.add(errorReply(this.#tooLong()))
      else if (isHttpLine(line)) this.#socket.destroy()
      else this.#ask(line)
      if (this.#replies.readyBytes >= FLUSH_BYTES) this.#flush()
    }
    this.#events.ran(ran)
    this.#flush()
    if (!this.#mayGoOn) this.#socket.pause()
    else if (this.#ending && this.#replies.waiting === 0) this.#goodbye()
    else this.#socket.resume()
  }

  #tooLong(): string {
    const { maxKeyBytes, maxValueBytes } = this.#limits
    return `the line is too long: a key has at most ${maxKeyBytes} bytes (max_key_size), a value ${maxValueBytes} (max_value_size)`
  }

  #ask(line: Buffer): void {
    const request = parseRequest(line, this.#limits)
    if (request === undefined) return
    if (typeof request === 'string') {
      this.#replies.add(errorReply(request))
      return
    }
    const reply = answer(request, this.#service)
    if (!(reply instanceof Promise)) {
      this.#replies.add(reply)
      return
    }
    const settle = this.#replies.reserve()
    this.#waitingBytes += line.length
    void reply.then((bytes) => {
      this.#waitingBytes -= line.length
      settle(bytes)
      this.#runSoon()
    })
  }

  /** Answers that come in one turn of the event loop leave in one write. */
  #runSoon(): void {
    if (this.#willFlush) return
    this.#willFlush = true
    setImmediate(() => {
      this.#willFlush = false
      this.#run()
    })
  }

  #flush(): void {
    if (this.#replies.readyBytes === 0 || this.#ended || this.#socket.destroyed) return
    if (!this.#socket.write(this.#replies.take())) this.#waitsForDrain = true
  }

  #goodbye(): void {
    this.#ended = true
    this.#socket.end()
    // Bytes left unread would turn the close into a reset, and the last reply could be lost with it.
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }
}
