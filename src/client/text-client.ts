/**
 * A client of the line protocol: one connection, replies in the order of the calls, as many calls in flight as the
 * caller likes. A lost connection fails every call in flight with SERVER_GONE (NO_SERVER when it never stood); nothing
 * is sent again. It keeps the process alive until it is closed.
 */
import { connect, type Socket } from 'node:net'
import { OperationError } from '../base/errors.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { maxLineBytes } from '../text/limits.js'
import { LineReader, TOO_LONG } from '../text/line-reader.js'
import { parseValueReply, REPLY, TextReplyError, throwIfError } from '../text/reply.js'
import type { TextCommand } from '../text/request.js'
import { requestLine } from '../text/request-line.js'

interface Waiting {
  readonly isLong: boolean
  readonly lines: Buffer[]
  resolve(lines: readonly Buffer[]): void
  reject(error: Error): void
}

const LONGEST_REPLY_BYTES = maxLineBytes({
  maxKeyBytes: MAX_KEY_BYTES,
  maxValueBytes: MAX_VALUE_BYTES,
  maxConnections: 1,
})

export class TextClient {
  readonly #socket: Socket
  readonly #reader = new LineReader(LONGEST_REPLY_BYTES)
  #waiting: Waiting[] = []
  #oldest = 0
  readonly #closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    // What follows is 'close'.
    socket.on('error', () => {})
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(new OperationError('SERVER_GONE', 'the server closed the connection'))
        resolve()
      })
    })
  }

  /** Throws `OperationError` NO_SERVER. */
  static connect(host: string, port: number): Promise<TextClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      const refuse = (cause: Error): void => {
        reject(new OperationError('NO_SERVER', `no server answers at ${host}:${port}`, { cause }))
      }
      socket.once('error', refuse)
      socket.once('connect', () => {
        socket.off('error', refuse)
        resolve(new TextClient(socket))
      })
    })
  }

  /** Each rejects with {@link TextReplyError} when the server refuses. */
  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#line('PUT', key, value)
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    const [line = Buffer.alloc(0)] = await this.#call('GET', key)
    return parseValueReply(line)
  }

  async delete(key: Uint8Array): Promise<boolean> {
    return (await this.#line('DELETE', key)) === REPLY.ok
  }

  async exists(key: Uint8Array): Promise<boolean> {
    return (await this.#line('EXISTS', key)) === 'true'
  }

  async size(): Promise<number> {
    return Number(await this.#line('SIZE'))
  }

  async ping(): Promise<void> {
    const reply = await this.#line('PING')
    if (reply !== REPLY.pong) throw new TextReplyError('the server answered nonsense')
  }

  async flush(): Promise<void> {
    await this.#line('FLUSH')
  }

  /** `name: value` lines. */
  async stats(): Promise<string[]> {
    const lines = await this.#call('STATS')
    lines.forEach(throwIfError)
    return lines.slice(0, -1).map((line) => line.toString())
  }

  /** Ends the connection; calls in flight fail. */
  async close(): Promise<void> {
    this.#socket.destroySoon()
    await this.#closed
  }

  async #line(command: TextCommand, key?: Uint8Array, value?: Uint8Array): Promise<string> {
    const [line = Buffer.alloc(0)] = await this.#call(command, key, value)
    throwIfError(line)
    return line.toString()
  }

  #call(command: TextCommand, key?: Uint8Array, value?: Uint8Array): Promise<readonly Buffer[]> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new OperationError('CLOSED', 'the connection is closed'))
        return
      }
      this.#waiting.push({ isLong: command === 'STATS', lines: [], resolve, reject })
      this.#socket.write(requestLine(command, key, value))
    })
  }

  #receive(chunk: Buffer): void {
    this.#reader.feed(chunk)
    for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
      const waiting = this.#waiting[this.#oldest]
      if (line === TOO_LONG || waiting === undefined) {
        this.#fail(new TextReplyError('the server answered nonsense'))
        this.#socket.destroy()
        return
      }
      waiting.lines.push(line)
      if (waiting.isLong && !endsLongReply(line, waiting.lines.length)) continue
      waiting.resolve(waiting.lines)
      this.#oldest++
    }
    if (this.#oldest < this.#waiting.length) return
    this.#waiting = []
    this.#oldest = 0
  }

  #fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#oldest)
    this.#waiting = []
    this.#oldest = 0
    for (const { reject } of waiting) reject(error)
  }
}

/** STATS ends with END, or is refused with an ERROR line alone. */
function endsLongReply(line: Buffer, count: number): boolean {
  const text = line.toString('latin1')
  return text === REPLY.end || (count === 1 && text.startsWith(`${REPLY.error} `))
}
