/**
 * A small Redis client for the command line: one connection, replies in the order of the calls, as many calls in
 * flight as the caller likes. Calls of one turn leave in one write.
 *
 * A lost connection fails every call in flight with `SERVER_GONE` (`NO_SERVER` when it never stood); nothing is
 * sent again. It keeps the process alive until it is closed.
 */
import { connect, type Socket } from 'node:net'
import { OperationError } from '../base/errors.js'
import { type Reply, ReplyReader, RespError } from './reply-reader.js'

export type Argument = string | Uint8Array | number | bigint

interface Waiting {
  resolve(reply: Reply): void
  reject(error: Error): void
}

const CRLF = Buffer.from('\r\n')

export class RespClient {
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  /** Calls without a reply, oldest at `#oldest`: shifting a long array would be slow. */
  #waiting: Waiting[] = []
  #oldest = 0
  #outgoing: Buffer[] = []
  #isClosing = false
  readonly #closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    // What follows is 'close'.
    socket.on('error', () => {})
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(new OperationError('SERVER_GONE', 'the node closed the connection'))
        resolve()
      })
    })
  }

  /** Throws `OperationError` NO_SERVER. */
  static connect(host: string, port: number): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      const refuse = (cause: Error): void => {
        reject(new OperationError('NO_SERVER', `no node answers at ${host}:${port}`, { cause }))
      }
      socket.once('error', refuse)
      socket.once('connect', () => {
        socket.off('error', refuse)
        resolve(new RespClient(socket))
      })
    })
  }

  /** Resolves when the other side has gone or {@link close} has. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** Sends a command; rejects with {@link RespError} when the reply is an error. */
  call(...args: readonly Argument[]): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#socket.destroyed || this.#isClosing) {
        reject(new OperationError('CLOSED', 'the connection is closed'))
        return
      }
      this.#waiting.push({ resolve, reject })
      if (this.#outgoing.length === 0) queueMicrotask(() => this.#send())
      this.#outgoing.push(...encode(args))
    })
  }

  /** Ends the connection; calls in flight fail. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#send()
    this.#socket.destroySoon()
    await this.#closed
  }

  #send(): void {
    if (this.#outgoing.length === 0 || this.#socket.destroyed) return
    this.#socket.write(Buffer.concat(this.#outgoing))
    this.#outgoing = []
  }

  #receive(chunk: Buffer): void {
    this.#reader.feed(chunk)
    try {
      for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next())
        this.#settle(reply)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
      this.#socket.destroy()
    }
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting[this.#oldest]
    this.#oldest += 1
    if (this.#oldest === this.#waiting.length) {
      this.#waiting = []
      this.#oldest = 0
    }
    if (reply instanceof RespError) waiting?.reject(reply)
    else waiting?.resolve(reply)
  }

  #fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#oldest)
    this.#waiting = []
    this.#oldest = 0
    for (const { reject } of waiting) reject(error)
  }
}

function encode(args: readonly Argument[]): Buffer[] {
  const pieces = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? Buffer.from(arg) : Buffer.from(String(arg))
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF)
  }
  return pieces
}
