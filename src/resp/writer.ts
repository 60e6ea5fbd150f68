/**
 * Writes replies as RESP2 or RESP3 into one flat buffer that a connection hands to its socket once a batch.
 *
 * Small values are copied byte by byte (below some 64 bytes faster than a call), large ones are not copied at
 * all: the flat part before them is cut off and they are queued as they are. The buffer is used again as soon as
 * the kernel has taken all of it, else left to the socket and replaced.
 *
 * Replies that pile up beyond the limit (one reply of many large values: a connection stops between commands long
 * before) end in {@link ReplyOverflow}: the connection is dropped.
 */
import type { Writable } from 'node:stream'
import { assert } from '../base/assert.js'
import { MAX_RESP_UNREAD_REPLY_BYTES } from '../base/limits.js'
import type { ReplyLevel, ReplyWriter } from '../commands/reply.js'

export class ReplyOverflow extends Error {
  override readonly name = 'ReplyOverflow'
}

const FIRST_BYTES = 16 * 1024
/** A buffer that grew beyond this is not kept. */
const KEPT_BYTES = 256 * 1024
/** Values from here on are queued, not copied. */
const QUEUED_VALUE_BYTES = 32 * 1024
/** Up to here a loop beats `set`. */
const LOOPED_BYTES = 48
/** Room for a mark, any int64 and CRLF. */
const LINE_BYTES = 32

const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30
const SIMPLE = 0x2b
const ERROR = 0x2d
const INTEGER = 0x3a
const BULK = 0x24
const ARRAY = 0x2a
const MAP = 0x25
const PUSH = 0x3e

/** A place to go back to. */
class Mark {
  length = 0
  queued = 0
  queuedBytes = 0
  flatStart = 0
}

export class RespWriter implements ReplyWriter {
  readonly #session: { readonly protocol: 2 | 3 }
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #length = 0
  /** Queued before the flat bytes from `#flatStart` on. */
  #queued: Uint8Array[] = []
  #queuedBytes = 0
  #flatStart = 0
  readonly #marked: readonly [Mark, Mark] = [new Mark(), new Mark()]

  /** `session.protocol` is looked at with each reply. */
  constructor(session: { readonly protocol: 2 | 3 }) {
    this.#session = session
  }

  /** Bytes not yet flushed. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#length - this.#flatStart
  }

  simple(text: string): void {
    this.#line(SIMPLE, text)
  }

  error(line: string): void {
    // As Redis does: line ends at the end are dropped, others become blanks.
    this.#line(ERROR, line.replace(/[\r\n]+$/, '').replace(/[\r\n]/g, ' '))
  }

  integer(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value > 999_999_999) this.#line(INTEGER, String(value))
    else this.#count(INTEGER, value)
  }

  bulk(value: Uint8Array | string | undefined): void {
    if (value === undefined) {
      this.null()
      return
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    this.#count(BULK, bytes.length)
    if (bytes.length >= QUEUED_VALUE_BYTES) this.#queue(bytes)
    else this.#copy(bytes)
    this.#reserve(2)
    this.#endLine()
  }

  copied(value: Uint8Array | undefined): void {
    const isQueued = value !== undefined && value.length >= QUEUED_VALUE_BYTES
    this.bulk(isQueued ? Buffer.from(value) : value)
  }

  verbatim(text: string): void {
    if (this.#session.protocol === 2) {
      this.bulk(text)
      return
    }
    const bytes = Buffer.from(`txt:${text}`)
    this.#line(0x3d, String(bytes.length))
    this.#copy(bytes)
    this.#reserve(2)
    this.#endLine()
  }

  null(): void {
    this.#raw(this.#session.protocol === 2 ? '$-1\r\n' : '_\r\n')
  }

  nullArray(): void {
    this.#raw(this.#session.protocol === 2 ? '*-1\r\n' : '_\r\n')
  }

  double(value: number): void {
    const text = Object.is(value, -0) ? '-0' : String(value).replace('Infinity', 'inf').replace('NaN', 'nan')
    if (this.#session.protocol === 2) this.bulk(text)
    else this.#raw(`,${text}\r\n`)
  }

  boolean(value: boolean): void {
    if (this.#session.protocol === 2) this.integer(value ? 1 : 0)
    else this.#raw(value ? '#t\r\n' : '#f\r\n')
  }

  array(length: number): void {
    this.#count(ARRAY, length)
  }

  map(pairs: number): void {
    if (this.#session.protocol === 2) this.#count(ARRAY, 2 * pairs)
    else this.#count(MAP, pairs)
  }

  push(length: number): void {
    this.#count(this.#session.protocol === 2 ? ARRAY : PUSH, length)
  }

  /** A whole reply that was made elsewhere, in this connection's protocol. It is copied. */
  append(reply: Uint8Array): void {
    if (reply.length >= QUEUED_VALUE_BYTES) this.#queue(Buffer.from(reply))
    else this.#copy(reply)
  }

  mark(level: ReplyLevel): void {
    const marked = this.#marked[level]
    marked.length = this.#length
    marked.queued = this.#queued.length
    marked.queuedBytes = this.#queuedBytes
    marked.flatStart = this.#flatStart
  }

  rewind(level: ReplyLevel): void {
    const marked = this.#marked[level]
    assert(marked.length <= this.#length && marked.queued <= this.#queued.length, 'rewound to before a flush')
    this.#length = marked.length
    this.#queued.length = marked.queued
    this.#queuedBytes = marked.queuedBytes
    this.#flatStart = marked.flatStart
  }

  /** Forgets all that was not flushed. */
  discard(): void {
    this.#queued = []
    this.#queuedBytes = 0
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    this.#length = 0
    this.#flatStart = 0
  }

  /** Hands everything to the socket and starts anew. */
  flushTo(socket: Writable): void {
    if (this.pendingBytes === 0) return
    if (this.#queued.length === 0) socket.write(this.#buffer.subarray(0, this.#length))
    else {
      this.#cutFlat()
      socket.cork()
      for (const piece of this.#queued) socket.write(piece)
      socket.uncork()
      this.#queued = []
      this.#queuedBytes = 0
    }
    // Nothing left in the stream: the kernel has its copy, and the bytes are ours again.
    if (socket.writableLength > 0 || this.#buffer.length > KEPT_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    }
    this.#length = 0
    this.#flatStart = 0
  }

  /** Mark, decimal number, CRLF: the head of almost every reply. */
  #count(mark: number, value: number): void {
    this.#reserve(LINE_BYTES)
    const buffer = this.#buffer
    let at = this.#length
    buffer[at] = mark
    let digits = 1
    for (let limit = 10; limit <= value; limit *= 10) digits += 1
    let rest = value
    for (let i = at + digits; i > at; i -= 1) {
      const next = Math.trunc(rest / 10)
      buffer[i] = ZERO + rest - next * 10
      rest = next
    }
    at += digits + 1
    buffer[at] = CR
    buffer[at + 1] = LF
    this.#length = at + 2
  }

  #line(mark: number, text: string): void {
    this.#reserve(text.length + LINE_BYTES)
    this.#buffer[this.#length] = mark
    this.#length += 1
    this.#raw(text)
    this.#endLine()
  }

  /** Text of one byte a character. */
  #raw(text: string): void {
    this.#reserve(text.length + LINE_BYTES)
    const buffer = this.#buffer
    const at = this.#length
    if (text.length <= LOOPED_BYTES)
      for (let i = 0; i < text.length; i += 1) buffer[at + i] = text.charCodeAt(i)
    else buffer.write(text, at, 'latin1')
    this.#length = at + text.length
  }

  #endLine(): void {
    this.#buffer[this.#length] = CR
    this.#buffer[this.#length + 1] = LF
    this.#length += 2
  }

  #copy(bytes: Uint8Array): void {
    this.#reserve(bytes.length + LINE_BYTES)
    const buffer = this.#buffer
    const at = this.#length
    if (bytes.length > LOOPED_BYTES) buffer.set(bytes, at)
    else for (let i = 0; i < bytes.length; i += 1) buffer[at + i] = bytes[i] ?? 0
    this.#length = at + bytes.length
  }

  #queue(bytes: Uint8Array): void {
    if (this.pendingBytes + bytes.length > MAX_RESP_UNREAD_REPLY_BYTES)
      throw new ReplyOverflow('a reply is too large')
    this.#cutFlat()
    this.#queued.push(bytes)
    this.#queuedBytes += bytes.length
  }

  /** Queues the flat bytes so far; what comes next goes behind them in the same buffer. */
  #cutFlat(): void {
    if (this.#length === this.#flatStart) return
    this.#queued.push(this.#buffer.subarray(this.#flatStart, this.#length))
    this.#queuedBytes += this.#length - this.#flatStart
    this.#flatStart = this.#length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes > this.#buffer.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    if (this.pendingBytes + bytes > MAX_RESP_UNREAD_REPLY_BYTES)
      throw new ReplyOverflow('a reply is too large')
    const grown = Buffer.allocUnsafeSlow(2 * (this.#length + bytes))
    grown.set(this.#buffer.subarray(0, this.#length), 0)
    this.#buffer = grown
  }
}
