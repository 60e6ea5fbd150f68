/**
 * Commands of the Redis protocol that come by a lane: each by itself, or those of a transaction together. The reply is the
 * bytes that a connection would send. For one thread.
 */
import { Writable } from 'node:stream'
import { MAX_RESP_UNREAD_REPLY_BYTES, MIB } from '../base/limits.js'
import type { Bus, Subscriber } from '../commands/bus.js'
import type { CommandContext, Session } from '../commands/command.js'
import { CommandError } from '../commands/command-error.js'
import { findCommand } from '../commands/command-table.js'
import { ConnectionState } from '../commands/connection-state.js'
import { execute } from '../commands/execute.js'
import { OF_CONNECTION } from '../commands/routing.js'
import { ReplyOverflow, RespWriter } from '../resp/writer.js'
import type { Store, WatchedKey } from '../store/store.js'
import { type FixedFacts, nodeFacts } from './facts.js'

const EXEC = [Buffer.from('EXEC')]
/** What comes by a lane listens to nothing. */
const DEAF: Subscriber = { deliver: () => {}, drop: () => {} }

export class LaneCommands {
  readonly #session: Session = { id: 0, protocol: 2, name: '', closing: false }
  readonly #writer = new RespWriter(this.#session)
  readonly #context: CommandContext
  readonly #bus: Bus | undefined
  readonly #pieces: Buffer[] = []
  readonly #sink = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      // What the writer gives out it uses again.
      this.#pieces.push(Buffer.from(piece))
      done()
    },
  })

  constructor(store: Store, facts: FixedFacts, shutdown: () => void, bus?: Bus) {
    this.#bus = bus
    this.#context = {
      store,
      reply: this.#writer,
      session: this.#session,
      node: nodeFacts(facts, shutdown),
      ...(bus === undefined ? {} : { bus }),
    }
  }

  /** `args[0]` is the name. What a command answers with, errors included; nothing for SHUTDOWN. */
  run(args: readonly Buffer[], protocol: 2 | 3): Uint8Array {
    return this.#reply(this.#context, args, protocol)
  }

  /** What EXEC answers with after these commands, on a connection that watches these keys. */
  transact(
    commands: readonly (readonly Buffer[])[],
    watched: readonly WatchedKey[],
    protocol: 2 | 3,
  ): Uint8Array {
    if (this.#bus === undefined) throw new RangeError('transactions are not run here')
    const connection = new ConnectionState(this.#bus, DEAF)
    connection.begin()
    for (const args of commands) {
      const command = args[0] && findCommand(args[0])
      if (command === undefined) throw new RangeError('a transaction holds a command that is none')
      if (OF_CONNECTION.has(command.name)) throw new CommandError(notWithKeys(command.name))
      connection.enqueue(command, args)
    }
    for (const { key, version } of watched) connection.watch(Buffer.from(key), version)
    return this.#reply({ ...this.#context, connection }, EXEC, protocol)
  }

  #reply(context: CommandContext, args: readonly Buffer[], protocol: 2 | 3): Uint8Array {
    // A connection's state is none of a lane's: a command cannot leave any behind.
    const session = this.#session
    session.protocol = protocol
    session.name = ''
    session.closing = false
    try {
      execute(context, args)
    } catch (error) {
      this.#writer.discard()
      if (!(error instanceof ReplyOverflow)) throw error
      throw tooLong()
    }
    if (this.#writer.pendingBytes > MAX_RESP_UNREAD_REPLY_BYTES) {
      this.#writer.discard()
      throw tooLong()
    }
    this.#writer.flushTo(this.#sink)
    const pieces = this.#pieces.splice(0)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }
}

function notWithKeys(name: string): string {
  return (
    `EXECABORT Transaction discarded because of: ERR '${name}' cannot be in a transaction with commands that ` +
    'use keys, where a node logs its writes'
  )
}

/** Thrown, so that nothing has happened. */
function tooLong(): RangeError {
  return new RangeError(`the reply takes more than the ${MAX_RESP_UNREAD_REPLY_BYTES / MIB} MiB that one may`)
}
