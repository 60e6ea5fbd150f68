/**
 * One connection of a client, with all that goes by it: its lane, its direct reads, the calls on their way.
 *
 * It ends once, for whatever reason: the server died, hung up or closed the lanes, it dropped this one, or the client
 * closes. Then what has been answered is answered, all other calls fail, and `onEnd` is told. A client makes another.
 */
import { isOperationError, OperationError, type Outcome } from '../base/errors.js'
import { LaneClient } from '../channel/lane-client.js'
import { Message } from '../channel/message.js'
import { ReplyWatch } from '../channel/reply-watch.js'
import { checkReadOnly } from '../table/check-read-only.js'
import { ReadOnlyTable } from '../table/read-only-table.js'
import { Calls, outcomeOf } from './calls.js'
import type { Connection } from './connection.js'
import { DirectReads } from './direct-reads.js'
import type { Messenger } from './messenger.js'
import type { Requests } from './requests.js'
import { type Answer, Window } from './windowed.js'

/** Where nobody can say who lives. */
const SURELY = { isPresent: () => true }

export class Link<K, V> {
  readonly lane: LaneClient
  readonly calls: Calls
  readonly window: Window
  readonly direct: DirectReads<K, V>
  /** For replies of blocking calls. */
  readonly reply = new Message()
  readonly #connection: Connection
  readonly #table: ReadOnlyTable
  readonly #watch: ReplyWatch
  readonly #onEnd: (error: OperationError) => void
  /** Why it ended. */
  #reason: OperationError | undefined

  /** `number` counts the connections of the client. */
  constructor(
    connection: Connection,
    requests: Requests<K, V>,
    number: number,
    onEnd: (error: OperationError) => void,
  ) {
    const { file, bell, region } = connection
    this.#connection = connection
    this.#onEnd = onEnd
    this.lane = LaneClient.open(file, { bell, isServerAlive: () => connection.isServerAlive() })
    this.calls = new Calls(this.lane)
    this.window = new Window(this.lane, number)
    this.#table = ReadOnlyTable.attach(region)
    this.direct = new DirectReads(this.#table, this.lane, this.calls, requests.keys, requests.values)
    this.#watch = new ReplyWatch(this.lane, {
      look: () => {
        if (this.calls.queued > 0) this.window.gather()
        this.calls.drain()
        return this.calls.pending > 0
      },
      gone: (error) => this.#fail(error),
    })
    connection.mapped()
    connection.onGone(() => this.end(new OperationError('SERVER_GONE', 'the server has gone')))
  }

  get messenger(): Messenger {
    return this.#connection.messenger
  }

  get isOver(): boolean {
    return this.#reason !== undefined
  }

  /** There is a promise to be answered: the event loop is to be woken for it. */
  expect(): void {
    if (!this.isOver) this.#watch.begin()
  }

  /** Ends the link if that is what `error` says; whether it does. */
  notice(error: unknown): boolean {
    if (this.isOver) return true
    if (!isOperationError(error)) return false
    try {
      this.lane.checkServer()
      return false
    } catch (reason) {
      this.end(isOperationError(reason) ? reason : error)
      return true
    }
  }

  /** Walks the table, see check-read-only.ts. */
  check(timeoutMs: number): void {
    checkReadOnly(this.#table.view, this.#connection.region.presence ?? SURELY, timeoutMs)
  }

  /** Whether the connection keeps the process alive, and whether calls on their way do. */
  setReferenced(connection: boolean, calls: boolean): void {
    if (this.isOver) return
    this.#connection.setReferenced(connection, calls)
    if (calls) this.#watch.ref()
    else this.#watch.unref()
  }

  /** The answer to what was submitted, once the link is over: if it has not come by now it never will, which is thrown. */
  lastAnswer(id: number): Answer {
    const answer = this.window.poll(id)
    if (answer !== undefined) return answer
    throw failure(this.#reason!, outcomeOf(this.window.effectOf(id)))
  }

  end(error: OperationError): void {
    if (this.isOver) return
    this.#reason = error
    this.#watch.close()
    this.calls.fail((outcome) => failure(error, outcome))
    this.lane.close()
    this.#connection.close(failure(error, 'unknown'))
    this.#onEnd(error)
  }

  #fail(error: unknown): void {
    if (!isOperationError(error)) throw error
    this.end(error)
  }
}

/** For one of the calls that a link takes with it. */
function failure({ code, message }: OperationError, outcome: Outcome): OperationError {
  return new OperationError(code, message.slice(code.length + 2), { outcome })
}
