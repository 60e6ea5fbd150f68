/** Commands of the Redis protocol that come by a lane: each by itself, its reply as RESP2 bytes. For one thread. */
import { Writable } from 'node:stream'
import type { CommandContext } from '../commands/command.js'
import { execute } from '../commands/execute.js'
import { RespWriter } from '../resp/writer.js'
import type { Store } from '../store/store.js'
import type { FixedFacts } from './facts.js'

export class LaneCommands {
  readonly #context: CommandContext
  readonly #writer: RespWriter
  readonly #pieces: Buffer[] = []
  readonly #sink = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      // What the writer gives out it uses again.
      this.#pieces.push(Buffer.from(piece))
      done()
    },
  })

  constructor(store: Store, facts: FixedFacts, shutdown: () => void) {
    const session = { id: 0, protocol: 2, name: '', closing: false } as const
    this.#writer = new RespWriter(session)
    const none = (): number => 0
    this.#context = {
      store,
      reply: this.#writer,
      session: { ...session },
      node: {
        ...facts,
        durability: 'off',
        port: 0,
        connectedClients: none,
        connectionsReceived: none,
        commandsProcessed: none,
        shutdown,
      },
    }
  }

  /** `args[0]` is the name. What a command answers with, errors included; nothing for SHUTDOWN. */
  run(args: readonly Buffer[]): Uint8Array {
    const { session } = this.#context
    // A connection's state is none of a lane's: a command cannot leave any behind.
    session.protocol = 2
    session.name = ''
    session.closing = false
    execute(this.#context, args)
    this.#writer.flushTo(this.#sink)
    return Buffer.concat(this.#pieces.splice(0))
  }
}
