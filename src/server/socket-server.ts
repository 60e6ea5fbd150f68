/**
 * The Redis front of one thread: accepts on one listening socket, its own or one shared with other threads, and
 * keeps the connections it accepted until they leave or the node stops.
 *
 * A listening socket shared by several threads is one descriptor that each of them will close. `stop` therefore
 * takes what must happen right before closing: the threads meet there, so that all closes fall within moments and
 * the number cannot have been given to another file in between.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { assert } from '../base/assert.js'
import { MAX_CONNECTIONS } from '../base/limits.js'
import { TurnedAway } from '../base/turned-away.js'
import type { Bus } from '../commands/bus.js'
import type { CommandCarrier } from '../commands/carrier.js'
import type { NodeFacts } from '../commands/command.js'
import { RespConnection } from '../resp/connection.js'
import type { Store } from '../store/store.js'
import type { NodeCounters } from './counters.js'
import { FlushRound } from './flush-round.js'

const TOO_MANY = '-ERR max number of clients reached\r\n'
/** Of the listening socket: a burst of this many clients does not get lost. */
const BACKLOG = 511

export type ListenTarget = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface Listening {
  readonly port: number
  /** For threads of the same process; -1 where the system has none. */
  readonly fd: number
}

export class SocketServer {
  readonly #server: Server
  readonly #connections = new Set<RespConnection>()
  readonly #turnedAway = new TurnedAway()
  readonly #round = new FlushRound()
  readonly #store: Store
  readonly #bus: Bus
  readonly #counters: NodeCounters
  readonly #carrier: CommandCarrier | undefined
  #facts: NodeFacts | undefined
  #allClosed: (() => void) | undefined

  /** `carrier`: to the thread that writes, if it is another one. */
  constructor(store: Store, bus: Bus, counters: NodeCounters, carrier?: CommandCarrier) {
    this.#carrier = carrier
    this.#store = store
    this.#bus = bus
    this.#counters = counters
    carrier?.onReplies?.(() => this.#round.end())
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  /** Listens, then builds the facts that commands see with the port that came out. */
  async listen(target: ListenTarget, factsOf: (port: number) => NodeFacts): Promise<Listening> {
    this.#server.listen('fd' in target ? target : { ...target, backlog: BACKLOG, exclusive: true })
    await once(this.#server, 'listening')
    const address = this.#server.address()
    assert(address !== null && typeof address !== 'string', 'a TCP server has an address')
    this.#facts = factsOf(address.port)
    return { port: address.port, fd: descriptorOf(this.#server) }
  }

  /** No new connections; those there end after what they have sent; resolves when the last is gone. */
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
    const facts = this.#facts
    if (facts === undefined || this.#counters.connected >= MAX_CONNECTIONS) {
      this.#turnedAway.add(socket, TOO_MANY)
      return
    }
    this.#counters.connectionOpened()
    const id = this.#counters.nextConnectionId()
    const events = {
      ran: (commands: number) => this.#counters.commandsRan(commands),
      ready: (ready: RespConnection) =>
        this.#connections.size === 1 && this.#carrier === undefined ? ready.flush() : this.#round.add(ready),
      pushed: (pushed: RespConnection) => this.#round.add(pushed),
      closed: (gone: RespConnection) => this.#forget(gone),
    }
    const connection = new RespConnection(socket, id, this.#store, this.#bus, facts, events, this.#carrier)
    this.#connections.add(connection)
  }

  #forget(connection: RespConnection): void {
    this.#connections.delete(connection)
    this.#counters.connectionClosed()
    if (this.#connections.size === 0) this.#allClosed?.()
  }
}

/** Node has no public way to a listening descriptor; `_handle.fd` has been there since 0.x and in Node 20 to 26. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } }
  return handle?.fd ?? -1
}
