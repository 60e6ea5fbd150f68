/**
 * One client of the Redis protocol: bytes in, commands run in order, replies out, one write for each batch. When a
 * batch has run, `events.ready` is told, and whoever listens calls `flush` before the event loop waits again.
 *
 * Back-pressure: when the peer does not read its replies, the connection stops running commands and stops reading,
 * also in the middle of a batch, and goes on when the socket has drained. So a peer holds at most one batch of
 * replies, and what was on its way to the thread that writes; beyond the limit the connection is dropped.
 *
 * A peer that has closed its half has its replies first.
 *
 * Messages that it has subscribed to come in between, whole, never inside a reply. A subscriber that does not read them is
 * dropped at a limit of its own.
 *
 * A line that starts like an HTTP request is a web page talking to the port on somebody's behalf: dropped, as
 * Redis does. What a bug throws (`InvariantError`) passes through to the node.
 */
import type { Socket } from 'node:net'
import { MAX_RESP_UNREAD_REPLY_BYTES, MAX_SUBSCRIBER_BACKLOG_BYTES } from '../base/limits.js'
import type { Bus, Subscriber } from '../commands/bus.js'
import type { CommandCarrier } from '../commands/carrier.js'
import type { NodeFacts, Session } from '../commands/command.js'
import { ConnectionState } from '../commands/connection-state.js'
import type { Store } from '../store/store.js'
import { Dispatcher } from './dispatcher.js'
import { ProtocolError, RespReader } from './reader.js'
import { ReplyOverflow, RespWriter } from './writer.js'

export interface ConnectionEvents {
  /** After each batch: how many commands it held. */
  ran(commands: number): void
  /** Replies are there to be flushed, soon. */
  ready(connection: RespConnection): void
  /** A message is there to be flushed, and more may follow in this turn. */
  pushed(connection: RespConnection): void
  closed(connection: RespConnection): void
}

/** Replies are handed to the socket at the latest when this much has gathered. */
const FLUSH_BYTES = 256 * 1024
/** How long a peer that has been sent everything, or that a node which stops waits for, may keep its half open. */
const LINGER_MS = 1000

export class RespConnection implements Subscriber {
  readonly #socket: Socket
  readonly #events: ConnectionEvents
  readonly #reader = new RespReader()
  readonly #writer: RespWriter
  readonly #session: Session
  readonly #state: ConnectionState
  readonly #dispatcher: Dispatcher
  /** A command that cannot be run before the replies to others are there. */
  #held: readonly Buffer[] | undefined
  /** What is to be said at the end, after those replies. */
  #lastWords: string | undefined
  #isRunning = false
  #ended = false
  /** The peer sends nothing any more. */
  #isHeardOut = false
  #waitsForDrain = false

  /** With a `carrier`, writes are carried out elsewhere: see dispatcher.ts. */
  constructor(
    socket: Socket,
    id: number,
    store: Store,
    bus: Bus,
    node: NodeFacts,
    events: ConnectionEvents,
    carrier?: CommandCarrier,
  ) {
    this.#socket = socket
    this.#events = events
    this.#session = { id, protocol: 2, name: '', closing: false }
    this.#writer = new RespWriter(this.#session)
    this.#state = new ConnectionState(bus, this)
    const context = { store, bus, reply: this.#writer, session: this.#session, node, connection: this.#state }
    this.#dispatcher = new Dispatcher(context, this.#writer, carrier, {
      replied: (reply) => this.#replied(reply),
      goOn: () => this.#goOn(),
    })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 300_000)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#drained())
    socket.on('end', () => {
      this.#isHeardOut = true
      this.#goOn()
    })
    // A reset is the peer's way to leave; 'close' follows.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#dispatcher.close()
      this.#state.reset()
      events.closed(this)
    })
  }

  deliver(channel: Buffer, message: Buffer, pattern?: Buffer): void {
    if (this.#ended || this.#socket.destroyed) return
    const writer = this.#writer
    const isFirst = writer.pendingBytes === 0
    try {
      writer.push(pattern === undefined ? 3 : 4)
      writer.bulk(pattern === undefined ? 'message' : 'pmessage')
      if (pattern !== undefined) writer.bulk(pattern)
      writer.bulk(channel)
      writer.bulk(message)
    } catch (error) {
      if (!(error instanceof ReplyOverflow)) throw error
      this.drop()
    }
    if (this.#socket.writableLength + writer.pendingBytes > MAX_SUBSCRIBER_BACKLOG_BYTES) this.drop()
    else if (isFirst) this.#events.pushed(this)
  }

  drop(): void {
    this.#session.closing = true
    this.#socket.destroy()
  }

  /** Hands the replies so far to the socket. */
  flush(): void {
    this.#flush()
  }

  /** Ends after the replies so far: for a node that stops. */
  end(): void {
    this.#session.closing = true
    if (!this.#waitsForDrain) this.#goodbye()
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return
    this.#reader.feed(chunk)
    if (this.#held === undefined) this.#run()
  }

  #drained(): void {
    if (!this.#waitsForDrain) return
    this.#waitsForDrain = false
    this.#run()
    this.#resume()
  }

  /** Replies to what was held up are there. */
  #goOn(): void {
    if (this.#ended || this.#isRunning) return
    this.#run()
    this.#resume()
  }

  #resume(): void {
    if (!this.#waitsForDrain && this.#held === undefined) this.#socket.resume()
  }

  /** A reply came later than its command. */
  #replied(reply: Uint8Array): void {
    const writer = this.#writer
    try {
      writer.append(reply)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#socket.writableLength + writer.pendingBytes > MAX_RESP_UNREAD_REPLY_BYTES) this.drop()
    else if (writer.pendingBytes >= FLUSH_BYTES) this.#flush()
    if (this.#session.closing) this.#goodbye()
    else if (writer.pendingBytes > 0) this.#events.ready(this)
  }

  #run(): void {
    if (this.#waitsForDrain) return
    let ran = 0
    this.#isRunning = true
    try {
      while (!this.#session.closing) {
        const args = this.#held ?? this.#reader.next()
        if (args === undefined) break
        if (isHttp(args[0])) {
          this.#socket.destroy()
          return
        }
        if (!this.#dispatcher.run(args)) {
          this.#held = args
          this.#socket.pause()
          break
        }
        this.#held = undefined
        ran += 1
        if (this.#writer.pendingBytes >= FLUSH_BYTES && !this.#flush()) break
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isRunning = false
    }
    this.#events.ran(ran)
    if (this.#isHeardOut && this.#held === undefined && !this.#waitsForDrain) this.#session.closing = true
    if (this.#session.closing) this.#goodbye()
    else if (this.#writer.pendingBytes > 0) this.#events.ready(this)
  }

  #fail(error: unknown): void {
    if (error instanceof ReplyOverflow) {
      this.#session.closing = true
      this.#socket.destroy()
      return
    }
    if (!(error instanceof ProtocolError)) throw error
    this.#lastWords = error.message
    this.#session.closing = true
  }

  /** Hands replies over; false when the peer must read some before more are made. */
  #flush(): boolean {
    if (this.#socket.destroyed) return false
    this.#writer.flushTo(this.#socket)
    if (this.#socket.writableNeedDrain && !this.#waitsForDrain) {
      this.#waitsForDrain = true
      this.#socket.pause()
    }
    return !this.#waitsForDrain
  }

  #goodbye(): void {
    if (this.#ended || this.#socket.destroyed || this.#dispatcher.inFlight > 0) return
    this.#ended = true
    if (this.#lastWords !== undefined) this.#writer.error(this.#lastWords)
    this.#flush()
    // However long it takes the peer to read what is left.
    this.#socket.end(() => setTimeout(() => this.#socket.destroy(), LINGER_MS).unref())
    // Bytes left unread would turn the close into a reset, and the last reply could be lost with it.
    this.#socket.resume()
  }
}

/** `POST` and `Host:` are no commands, but what browsers send. */
function isHttp(name: Buffer | undefined): boolean {
  if (name === undefined || (name.length !== 4 && name.length !== 5)) return false
  const first = name[0] ?? 0
  if (first !== 0x50 && first !== 0x70 && first !== 0x48 && first !== 0x68) return false
  const text = name.toString('latin1').toLowerCase()
  return text === 'post' || text === 'host:'
}
