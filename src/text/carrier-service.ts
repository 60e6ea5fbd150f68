/**
 * The line protocol of a node where one thread orders all writes: what writes goes to that thread as a command of the
 * Redis protocol, and is answered when it is as safe as the node's level of durability asks. Reads go to the table
 * directly, which holds only what is released, unless something of this connection is still on its way: then they follow
 * it, so that a connection sees what it has written. One for each connection, since it is the connection's order.
 */
import { ERROR_CODES, type ErrorCode, OperationError, OUTCOME_UNKNOWN } from '../base/errors.js'
import type { Store } from '../store/store.js'
import { AskWriter } from '../table/region-clock.js'
import type { Answer, TextFact, TextService } from './service.js'

/** How commands reach the thread that orders writes; replies come in the order of the commands. */
export interface TextCarrier {
  /** False: there is no room now, and nothing was sent. `args` are free again; `reply` is valid during the call. */
  send(args: readonly Buffer[], protocol: 2, replied: (reply: Uint8Array) => void): boolean
  /** Calls once, when there is room again. */
  whenRoom(again: () => void): void
}

export interface CarrierServiceOptions {
  readonly carrier: TextCarrier
  /** The released state. */
  readonly store: Store
  /** Brings everything acknowledged so far to disk. */
  readonly flush: () => Answer<void>
  readonly stats: () => readonly TextFact[]
}

type Reply = string | number | Buffer | undefined

interface Queued {
  readonly args: readonly Buffer[]
  readonly replied: (reply: Uint8Array) => void
}

const SET = Buffer.from('SET')
const GET = Buffer.from('GET')
const DEL = Buffer.from('DEL')
const EXISTS = Buffer.from('EXISTS')
const DBSIZE = Buffer.from('DBSIZE')

export class CarrierService implements TextService {
  readonly #options: CarrierServiceOptions
  /** Commands without an answer. */
  #inFlight = 0
  /** What waits for room, in order. */
  #queue: Queued[] = []

  constructor(options: CarrierServiceOptions) {
    this.#options = options
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#ask(SET, key, value)
  }

  get(key: Uint8Array): Answer<Uint8Array | undefined> {
    return this.#read(
      (store) => store.view(key),
      () => this.#ask(GET, key) as Promise<Buffer | undefined>,
    )
  }

  async delete(key: Uint8Array): Promise<boolean> {
    return (await this.#ask(DEL, key)) === 1
  }

  exists(key: Uint8Array): Answer<boolean> {
    return this.#read(
      (store) => store.has(key),
      () => this.#ask(EXISTS, key).then((count) => count === 1),
    )
  }

  size(): Answer<number> {
    if (this.#inFlight === 0) return this.#options.store.size
    return this.#ask(DBSIZE).then(Number)
  }

  flush(): Answer<void> {
    return this.#behind(() => this.#options.flush())
  }

  stats(): Answer<readonly TextFact[]> {
    return this.#behind(() => this.#options.stats())
  }

  /** Only the writer may say that an entry has expired. */
  #read<T>(here: (store: Store) => T, there: () => Promise<T>): Answer<T> {
    if (this.#inFlight > 0) return there()
    try {
      return here(this.#options.store)
    } catch (error) {
      if (error instanceof AskWriter) return there()
      throw error
    }
  }

  /** Does `work` when everything of this connection that is on its way is answered. */
  #behind<T>(work: () => Answer<T>): Answer<T> {
    // Any command does: answers come in order.
    return this.#inFlight === 0 ? work() : this.#ask(DBSIZE).then(work)
  }

  #ask(...words: readonly Uint8Array[]): Promise<Reply> {
    const args = words.map((word) => Buffer.from(word.buffer, word.byteOffset, word.length))
    this.#inFlight++
    return new Promise((resolve, reject) => {
      this.#send(args, (bytes) => {
        this.#inFlight--
        try {
          resolve(parseReply(Buffer.from(bytes)))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  }

  #send(args: readonly Buffer[], replied: (reply: Uint8Array) => void): void {
    const { carrier } = this.#options
    if (this.#queue.length === 0 && carrier.send(args, 2, replied)) return
    // What the caller may use again is kept.
    this.#queue.push({ args: args.map((arg) => Buffer.from(arg)), replied })
    if (this.#queue.length === 1) carrier.whenRoom(() => this.#sendQueued())
  }

  #sendQueued(): void {
    const { carrier } = this.#options
    let sent = 0
    for (const { args, replied } of this.#queue) {
      if (!carrier.send(args, 2, replied)) break
      sent++
    }
    this.#queue.splice(0, sent)
    if (this.#queue.length > 0) carrier.whenRoom(() => this.#sendQueued())
  }
}

const CRLF = '\r\n'
const NIL = -1

/** A reply of one line, or one bulk string. Throws what an error reply says. */
function parseReply(bytes: Buffer): Reply {
  const lineEnd = bytes.indexOf(CRLF)
  const line = bytes.toString('utf8', 1, lineEnd)
  switch (String.fromCharCode(bytes[0] ?? 0)) {
    case '+':
      return line
    case ':':
      return Number(line)
    case '$': {
      const start = lineEnd + CRLF.length
      return Number(line) === NIL ? undefined : bytes.subarray(start, start + Number(line))
    }
    default:
      throw refusalOf(line)
  }
}

/** Redis says `OOM ...` for FULL, and `MISCONF ` before what a log cannot do; other failures of ours begin with their code. */
function refusalOf(reply: string): OperationError {
  const isUnknown = reply.endsWith(OUTCOME_UNKNOWN)
  const outcome = isUnknown ? 'unknown' : 'not-applied'
  const line = isUnknown ? reply.slice(0, -OUTCOME_UNKNOWN.length) : reply
  const [first = '', ...words] = line.replace(/^MISCONF /, '').split(' ')
  const code = first.replace(/:$/, '')
  if (code === 'OOM') return new OperationError('FULL', 'no memory is left for this entry', { outcome })
  if (Object.hasOwn(ERROR_CODES, code))
    return new OperationError(code as ErrorCode, words.join(' '), { outcome })
  return new OperationError('REFUSED', code === 'ERR' ? words.join(' ') : line, { outcome })
}
