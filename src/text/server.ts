/**
 * The front of one thread: accepts on one listening socket, its own or one shared with other threads, and keeps the
 * connections until they leave or the node stops. One too many is told so and let go.
 *
 * As with the Redis front, a listening socket shared by several threads is one descriptor that each of them closes:
 * `stop` takes what must happen right before closing, so that the threads can meet there.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { assert } from '../base/assert.js'
import { TurnedAway } from '../base/turned-away.js'
import { TextConnection } from './connection.js'
import { DEFAULT_TEXT_LIMITS, type TextLimits } from './limits.js'
import { errorReply } from './reply.js'
import type { TextService } from './service.js'

/** Counts connections and requests, of all threads of a node where they share one port. */
export interface TextCounters {
  readonly connected: number
  connectionOpened(): void
  connectionClosed(): void
  commandsRan(count: number): void
}

export type TextListenTarget = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface TextListening {
  readonly port: number
  /** For threads of the same process; -1 where the system has none. */
  readonly fd: number
}

/** Of the listening socket: a burst of this many clients does not get lost. */
const BACKLOG = 511

export class TextServer {
  readonly #server: Server
  readonly #serviceOf: () => TextService
  readonly #limits: TextLimits
  readonly #counters: TextCounters
  readonly #connections = new Set<TextConnection>()
  readonly #turnedAway = new TurnedAway()
  #allClosed: (() => void) | undefined

  /** `serviceOf` gives the service of a new connection. Without `counters` it counts its own connections alone. */
  constructor(
    serviceOf: () => TextService,
    limits: TextLimits = DEFAULT_TEXT_LIMITS,
    counters?: TextCounters,
  ) {
    this.#serviceOf = serviceOf
    this.#limits = limits
    this.#counters = counters ?? ownCounters()
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  async listen(target: TextListenTarget): Promise<TextListening> {
    this.#server.listen('fd' in target ? target : { ...target, backlog: BACKLOG, exclusive: true })
    await once(this.#server, 'listening')
    const address = this.#server.address()
    assert(address !== null && typeof address !== 'string', 'a TCP server has an address')
    const { _handle: handle } = this.#server as unknown as { _handle?: { fd?: number } }
    return { port: address.port, fd: handle?.fd ?? -1 }
  }

  /** No new connections; those there end after the replies to what they have sent; resolves when the last is gone. */
  async stop(beforeClose: () => void = () => {}): Promise<void> {
    beforeClose()
    this.#server.close()
    this.#turnedAway.end()
    const gone = new Promise<void>((resolve) => {
      this.#allClosed = resolve
    })
    for (const connection of this.#connections) connection.end()
    if (this.#connections.size > 0) await gone
  }

  #accept(socket: Socket): void {
    const { maxConnections } = this.#limits
    if (this.#counters.connected >= maxConnections) {
      const reason = `${maxConnections} clients are connected (max_connections); try again later`
      this.#turnedAway.add(socket, errorReply(reason))
      return
    }
    this.#counters.connectionOpened()
    const connection = new TextConnection(socket, this.#serviceOf(), this.#limits, {
      ran: (requests) => this.#counters.commandsRan(requests),
      closed: (gone) => this.#forget(gone),
    })
    this.#connections.add(connection)
  }

  #forget(connection: TextConnection): void {
    this.#connections.delete(connection)
    this.#counters.connectionClosed()
    if (this.#connections.size === 0) this.#allClosed?.()
  }
}

function ownCounters(): TextCounters {
  let connected = 0
  return {
    get connected() {
      return connected
    },
    connectionOpened: () => {
      connected++
    },
    connectionClosed: () => {
      connected--
    },
    commandsRan() {},
  }
}
