/**
 * Cuts a stream of bytes into Redis commands: arrays of bulk strings, pipelined, and inline commands.
 *
 * `feed` a chunk, then call `next` until it gives nothing. While a chunk holds whole commands nothing is copied:
 * arguments are windows of the chunk, which is never written again. What is left over of a command goes to a
 * buffer of the reader's own that only grows at its end, so windows of it stay valid too. It grows with what has
 * arrived, never with what was announced. A line or a command that is too long is an error before it is kept.
 *
 * Errors are worded as Redis 7 words them. After one the stream has no meaning any more: close the connection.
 */
import {
  MAX_RESP_ARGUMENTS,
  MAX_RESP_BULK_BYTES,
  MAX_RESP_COMMAND_BYTES,
  MAX_RESP_INLINE_BYTES,
} from '../base/limits.js'
import { splitInline } from './inline.js'

/** The peer does not speak the protocol; `message` is the reply line. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'

  constructor(explanation: string) {
    super(`ERR Protocol error: ${explanation}`)
  }
}

const LEAST_OWN_BYTES = 1024
/** Names are short and come again and again: this many are kept to save making them anew. */
const NAME_SLOTS = 16
const MAX_NAME_BYTES = 16
const MAX_LENGTH_DIGITS = 10

const INCOMPLETE = -1
const NEGATIVE = -2
const MALFORMED = -3

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const DOLLAR = 0x24
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

const EMPTY = Buffer.alloc(0)

/** What `buffer.subarray` itself constructs: the class behind `Buffer`, which has no name of its own to import. */
const Window = (Buffer as unknown as { [Symbol.species]: WindowConstructor })[Symbol.species]
type WindowConstructor = new (memory: ArrayBufferLike, byteOffset: number, length: number) => Buffer

export class RespReader {
  /** Unread bytes are those of `#buffer` from `#position` to `#end`. */
  #buffer: Buffer = EMPTY
  /** Where `#buffer` lies: asking it for each window would cost as much as the window. */
  #memory: ArrayBufferLike = EMPTY.buffer
  #memoryOffset = 0
  #position = 0
  #end = 0
  /** Whether `#buffer` is the reader's own, with room behind `#end`. */
  #own = false
  /** Arguments of the command in hand, and how many it announced; 0 between commands. */
  #args: Buffer[] = []
  #announced = 0
  /** Length of the bulk string in hand, its line already read; -1 when a length line is next. */
  #bulkBytes = -1
  /** Bytes of the command in hand that have been read. */
  #commandBytes = 0
  readonly #names: Buffer[] = new Array<Buffer>(NAME_SLOTS).fill(EMPTY)

  /** Takes a chunk over: nobody may change it any more. */
  feed(chunk: Buffer): void {
    if (this.#position === this.#end) {
      this.#use(chunk, chunk.length, false)
      return
    }
    const unread = this.#end - this.#position
    if (!this.#own || this.#end + chunk.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(LEAST_OWN_BYTES, 2 * (unread + chunk.length)))
      grown.set(this.#buffer.subarray(this.#position, this.#end), 0)
      this.#use(grown, unread, true)
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  #use(buffer: Buffer, end: number, own: boolean): void {
    this.#buffer = buffer
    this.#memory = buffer.buffer
    this.#memoryOffset = buffer.byteOffset
    this.#position = 0
    this.#end = end
    this.#own = own
  }

  /** The next whole command (at least one argument), or `undefined`: feed more. Throws {@link ProtocolError}. */
  next(): readonly Buffer[] | undefined {
    while (this.#announced > 0 || this.#position < this.#end) {
      if (this.#announced === 0) {
        if (this.#buffer[this.#position] !== STAR) {
          const inline = this.#readInline()
          if (inline === undefined) return undefined
          if (inline.length > 0) return inline
          continue
        }
        const count = this.#readLength(
          MAX_RESP_ARGUMENTS,
          'invalid multibulk length',
          'too big mbulk count string',
        )
        if (count === INCOMPLETE) return undefined
        if (count <= 0) continue
        this.#announced = count
        this.#commandBytes = 0
      }
      if (!this.#readArguments()) return undefined
      const args = this.#args
      this.#args = []
      this.#announced = 0
      return args
    }
    return undefined
  }

  /** Reads what there is of the announced arguments; true when all are there. */
  #readArguments(): boolean {
    const args = this.#args
    while (args.length < this.#announced) {
      const length = this.#bulkBytes < 0 ? this.#readBulkLength() : this.#bulkBytes
      if (length === INCOMPLETE) return false
      const start = this.#position
      // The two bytes behind the text are skipped unseen, as Redis does.
      if (this.#end - start < length + 2) {
        this.#bulkBytes = length
        return false
      }
      args.push(args.length === 0 ? this.#nameAt(start, length) : this.#window(start, length))
      this.#position = start + length + 2
      this.#bulkBytes = -1
    }
    return true
  }

  #readBulkLength(): number {
    if (this.#position === this.#end) return INCOMPLETE
    const first = this.#buffer[this.#position] ?? 0
    if (first !== DOLLAR) throw new ProtocolError(`expected '$', got '${String.fromCharCode(first)}'`)
    const length = this.#readLength(MAX_RESP_BULK_BYTES, 'invalid bulk length', 'too big bulk count string')
    if (length === NEGATIVE) throw new ProtocolError('invalid bulk length')
    if (length === INCOMPLETE) return INCOMPLETE
    this.#commandBytes += length
    if (this.#commandBytes > MAX_RESP_COMMAND_BYTES) throw new ProtocolError('too big command')
    return length
  }

  /**
   * Reads a line of one mark, a decimal length and CRLF. {@link INCOMPLETE} leaves the position where it was.
   */
  #readLength(most: number, malformed: string, endless: string): number {
    const buffer = this.#buffer
    const end = this.#end
    const start = this.#position + 1
    let at = start
    let value = 0
    for (; at < end; at += 1) {
      const digit = (buffer[at] ?? 0) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at + 1 >= end || buffer[at] !== CR || at === start || at - start > MAX_LENGTH_DIGITS) {
      value = this.#readOddLength(endless)
      if (value === INCOMPLETE) return INCOMPLETE
      if (value === MALFORMED) throw new ProtocolError(malformed)
      return value
    }
    if (value > most || (buffer[start] === ZERO && at - start > 1)) throw new ProtocolError(malformed)
    this.#position = at + 2
    return value
  }

  /** The rare cases: a line that is not all there, a negative length (its value does not matter), nonsense. */
  #readOddLength(endless: string): number {
    const line = this.#buffer.subarray(this.#position + 1, this.#end)
    const cr = line.indexOf(CR)
    if (cr < 0) {
      if (line.length >= MAX_RESP_INLINE_BYTES) throw new ProtocolError(endless)
      return INCOMPLETE
    }
    if (cr + 1 >= line.length) return INCOMPLETE
    if (line[0] !== MINUS || cr < 2 || cr > MAX_LENGTH_DIGITS + 1 || line[1] === ZERO) return MALFORMED
    for (let i = 1; i < cr; i += 1) {
      const digit = line[i] ?? 0
      if (digit < ZERO || digit > NINE) return MALFORMED
    }
    this.#position += cr + 3
    return NEGATIVE
  }

  #readInline(): readonly Buffer[] | undefined {
    const unread = this.#buffer.subarray(this.#position, this.#end)
    const lf = unread.indexOf(LF)
    if ((lf < 0 ? unread.length : lf) > MAX_RESP_INLINE_BYTES)
      throw new ProtocolError('too big inline request')
    if (lf < 0) return undefined
    const args = splitInline(unread.subarray(0, lf > 0 && unread[lf - 1] === CR ? lf - 1 : lf))
    if (args === undefined) throw new ProtocolError('unbalanced quotes in request')
    this.#position += lf + 1
    return args
  }

  /** The bytes as they lie. Half the time of `subarray`, which asks the buffer where it is. */
  #window(start: number, length: number): Buffer {
    return new Window(this.#memory, this.#memoryOffset + start, length)
  }

  /** The name of a command is mostly one seen before: giving that one again saves making a window. */
  #nameAt(start: number, length: number): Buffer {
    if (length > MAX_NAME_BYTES || length === 0) return this.#window(start, length)
    const slot = (length + (this.#buffer[start] ?? 0)) % NAME_SLOTS
    const known = this.#names[slot] ?? EMPTY
    if (known.length === length && isAt(known, this.#buffer, start)) return known
    const name = Buffer.from(this.#window(start, length))
    this.#names[slot] = name
    return name
  }
}

function isAt(text: Buffer, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i += 1) if (text[i] !== buffer[start + i]) return false
  return true
}
