/**
 * Runs the commands of one connection, in order: here, or at the thread that orders all writes where the node has one, whose
 * replies come later. What cannot be run yet is refused, and whoever has it tries again when `goOn` is called.
 *
 * Replies to what was sent come in order (CommandCarrier); nothing that would be answered at once runs between them.
 */
import type { CommandCarrier } from '../commands/carrier.js'
import type { CommandContext } from '../commands/command.js'
import { findCommand } from '../commands/command-table.js'
import type { ConnectionState } from '../commands/connection-state.js'
import { execute } from '../commands/execute.js'
import { routeOf } from '../commands/routing.js'
import { AskWriter } from '../table/region-clock.js'
import type { RespWriter } from './writer.js'

export interface DispatcherEvents {
  /** A reply to what was sent, to be written; valid during the call. */
  replied(reply: Uint8Array): void
  /** What was refused may be tried again. */
  goOn(): void
}

export class Dispatcher {
  readonly #context: CommandContext
  readonly #connection: ConnectionState
  readonly #writer: RespWriter
  readonly #carrier: CommandCarrier | undefined
  readonly #events: DispatcherEvents
  #inFlight = 0
  #isHeld = false
  /** The connection has gone: replies to come are nobody's. */
  #isClosed = false

  constructor(
    context: CommandContext & { readonly connection: ConnectionState },
    writer: RespWriter,
    carrier: CommandCarrier | undefined,
    events: DispatcherEvents,
  ) {
    this.#context = context
    this.#connection = context.connection
    this.#writer = writer
    this.#carrier = carrier
    this.#events = events
  }

  /** Commands at the writer, whose replies are still to come. */
  get inFlight(): number {
    return this.#inFlight
  }

  close(): void {
    this.#isClosed = true
  }

  /** False: not yet; `args` must be handed in again once `goOn` was called, before anything else. */
  run(args: readonly Buffer[]): boolean {
    if (this.#carrier !== undefined) return this.#route(this.#carrier, args)
    execute(this.#context, args)
    return true
  }

  #route(carrier: CommandCarrier, args: readonly Buffer[]): boolean {
    const command = args[0] && findCommand(args[0])
    const { session } = this.#context
    const route = routeOf(command, args, this.#connection, session.protocol, this.#inFlight)
    if (route === 'after') {
      this.#isHeld = true
      return false
    }
    if (route === 'here') return this.#runHere(carrier, args)
    if (route === 'writer') return this.#sent(carrier, carrier.send(args, session.protocol, this.#replied))
    const { queue = [], watched } = this.#connection
    if (!this.#sent(carrier, carrier.sendTransaction(queue, watched, session.protocol, this.#replied)))
      return false
    this.#connection.forgetTransaction()
    return true
  }

  #runHere(carrier: CommandCarrier, args: readonly Buffer[]): boolean {
    try {
      execute(this.#context, args)
      return true
    } catch (error) {
      if (!(error instanceof AskWriter)) throw error
      this.#writer.rewind(0)
      return this.#sent(carrier, carrier.send(args, this.#context.session.protocol, this.#replied))
    }
  }

  #sent(carrier: CommandCarrier, isSent: boolean): boolean {
    if (isSent) this.#inFlight++
    else carrier.whenRoom(() => this.#goOn())
    return isSent
  }

  readonly #replied = (reply: Uint8Array): void => {
    this.#inFlight--
    if (this.#isClosed) return
    this.#events.replied(reply)
    if (this.#isHeld && this.#inFlight === 0) {
      this.#isHeld = false
      this.#goOn()
    }
  }

  #goOn(): void {
    if (!this.#isClosed) this.#events.goOn()
  }
}
