/** One command after the other against a plain store with a clock in the test's hand, written as at a prompt. */
import type { CommandContext, NodeFacts } from '../commands/command.js'
import { execute } from '../commands/execute.js'
import { MapStore } from '../store/map-store.js'
import { type Recorded, RecordedReply } from './recorded-reply.js'

export class CommandBench {
  nowMs = 1_700_000_000_000
  shutdowns = 0
  readonly reply = new RecordedReply()
  readonly context: CommandContext

  constructor(capacityBytes?: number) {
    const clock = (): number => this.nowMs
    this.context = {
      store: new MapStore(capacityBytes === undefined ? { clock } : { clock, capacityBytes }),
      reply: this.reply,
      session: { id: 7, protocol: 2, name: '', closing: false },
      node: this.#facts(),
    }
  }

  /** Runs the words of `line`; one reply comes as itself, several as an array. `''` stands for an empty word. */
  run(line: string): Recorded | Recorded[] | undefined {
    return this.runWords(line.split(' ').map((word) => (word === "''" ? '' : word)))
  }

  runWords(words: readonly (string | Buffer)[]): Recorded | Recorded[] | undefined {
    execute(
      this.context,
      words.map((word) => (typeof word === 'string' ? Buffer.from(word, 'latin1') : word)),
    )
    const replies = this.reply.take()
    return replies.length > 1 ? replies : replies[0]
  }

  #facts(): NodeFacts {
    return {
      version: '0.0.0',
      startedAtMs: this.nowMs,
      durability: 'off',
      host: '127.0.0.1',
      port: 6380,
      eviction: 'none',
      socketWorkers: 1,
      connectedClients: () => 1,
      connectionsReceived: () => 1,
      commandsProcessed: () => 0,
      shutdown: () => {
        this.shutdowns += 1
      },
    }
  }
}
