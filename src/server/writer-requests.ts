/**
 * What the writer thread does for each request: an operation of the table that clients and servers share, on the store as it
 * will be. Commands and whole transactions of the Redis protocol are two of them.
 *
 * The two that most are, a get and a set without options of a short value, go straight from the message's words into the
 * table's buffers, past the views of bytes that operations work on: the same meaning in half the time.
 *
 * A refusal is an answer, too: for an operation a status and the reason, for a command the line that Redis would send.
 */
import type { Message } from '../channel/message.js'
import type { Bus } from '../commands/bus.js'
import { writeFailure } from '../commands/operations/failure.js'
import { type OperationContext, replyWith, STATUS } from '../commands/operations/operation.js'
import { carryOutOperation, OPERATIONS } from '../commands/operations/operation-table.js'
import { errorLine } from '../commands/run-command.js'
import type { PlainStore } from '../store/plain-store.js'
import type { Store } from '../store/store.js'
import type { FixedFacts } from './facts.js'
import { HeldBus } from './held-bus.js'
import { LaneCommands } from './lane-commands.js'

const GET = OPERATIONS.get.code
const SET = OPERATIONS.set.code
/** Copied word by word up to here. */
const SHORT_BYTES = 256

export class WriterRequests {
  readonly #facts: FixedFacts
  readonly #bus: HeldBus
  readonly #shutdown: () => void
  #context: OperationContext | undefined

  constructor(facts: FixedFacts, bus: Bus, shutdown: () => void) {
    this.#facts = facts
    this.#bus = new HeldBus(bus)
    this.#shutdown = shutdown
  }

  /** Throws what refuses it; then nothing has happened. */
  run(store: Store, plain: PlainStore, request: Message, reply: Message): void {
    if (runPlainly(plain, request, reply)) return
    carryOutOperation(this.#contextOf(store), request, reply)
  }

  /** Makes heard what was published since the last time; undefined if there was nothing. */
  takeSaid(): (() => void) | undefined {
    return this.#bus.take()
  }

  /** Of the one store that the writer evaluates on. */
  #contextOf(store: Store): OperationContext {
    if (this.#context?.store === store) return this.#context
    const commands = new LaneCommands(store, this.#facts, this.#shutdown, this.#bus)
    this.#context = {
      store,
      runCommand: (args, protocol) => commands.run(args, protocol),
      runTransaction: (all, watched, protocol) => commands.transact(all, watched, protocol),
    }
    return this.#context
  }

  /** Makes `reply` say why the request of this code was refused. Throws what is a bug. */
  fail(code: number, reply: Message, error: unknown): void {
    if (code !== OPERATIONS.command.code && code !== OPERATIONS.exec.code) {
      if (!writeFailure(reply, error)) throw error
      return
    }
    const line = errorLine(error)
    if (line === undefined) throw error
    reply.clear(STATUS.YES)
    replyWith(reply, Buffer.from(`-${line.replace(/[\r\n]+/g, ' ')}\r\n`))
  }
}

/** Whether the request was one of those, and is carried out. */
function runPlainly(plain: PlainStore, request: Message, reply: Message): boolean {
  const { code, keyBytes, valueBytes } = request
  if (keyBytes > SHORT_BYTES || request.flags !== 0 || request.first !== 0) return false
  if (code === SET && valueBytes <= SHORT_BYTES) {
    reply.clear(STATUS.YES)
    plain.setAt(request.words, keyBytes, request.hint, ((keyBytes + 7) >>> 3) << 1, valueBytes)
    return true
  }
  if (code !== GET) return false
  reply.clear(STATUS.YES)
  if (!plain.getInto(reply, request.words, keyBytes, request.hint)) reply.code = STATUS.NO
  return true
}
