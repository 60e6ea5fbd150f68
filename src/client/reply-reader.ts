/**
 * Cuts a stream of RESP2 bytes into replies, for the small client of the command line.
 *
 * What has come is joined once per chunk and read from the start of the reply in hand; replies that announce much
 * cost memory only as they arrive. The peer is a node that the user chose, so there are few limits: a length that
 * makes no sense is an error.
 */
export type Reply = string | number | bigint | Buffer | null | RespError | readonly Reply[]

/** An error reply: `message` is the whole line. Part of an answer, hence returned inside of arrays. */
export class RespError extends Error {
  override readonly name = 'RespError'
}

const CR = 0x0d
const MAX_LENGTH = 1024 * 1024 * 1024
const MAX_DEPTH = 16
const INCOMPLETE = Symbol('incomplete')

export class ReplyReader {
  #buffer: Buffer = Buffer.alloc(0)
  #position = 0
  /** No use looking before this much of the reply is there: set by a bulk string longer than what has come. */
  #neededBytes = 0
  #replyStart = 0
  #chunks: Buffer[] = []
  #chunkBytes = 0

  feed(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#chunkBytes += chunk.length
  }

  /** The next whole reply, or `undefined`: feed more. Throws on bytes that are no RESP2. */
  next(): Reply | undefined {
    const unread = this.#buffer.length - this.#position
    if (this.#chunkBytes > 0 && unread + this.#chunkBytes >= this.#neededBytes) {
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#position), ...this.#chunks])
      this.#position = 0
      this.#chunks = []
      this.#chunkBytes = 0
      this.#neededBytes = 0
    }
    const start = this.#position
    this.#replyStart = start
    const reply = this.#read(0)
    if (reply !== INCOMPLETE) return reply
    this.#position = start
    return undefined
  }

  #read(depth: number): Reply | typeof INCOMPLETE {
    if (depth > MAX_DEPTH) throw new RespError('a reply is nested too deeply')
    const start = this.#position
    const end = this.#buffer.indexOf(CR, start)
    if (end < 0 || end + 1 >= this.#buffer.length) return INCOMPLETE
    const text = this.#buffer.toString('latin1', start + 1, end)
    this.#position = end + 2
    switch (String.fromCharCode(this.#buffer[start] ?? 0)) {
      case '+':
        return text
      case '-':
        return new RespError(text)
      case ':':
        return integerOf(text)
      case '$':
        return this.#readBulk(lengthOf(text))
      case '*':
        return this.#readArray(lengthOf(text), depth)
      default:
        throw new RespError('the other side does not speak the Redis protocol')
    }
  }

  #readBulk(length: number): Buffer | null | typeof INCOMPLETE {
    if (length < 0) return null
    const start = this.#position
    if (start + length + 2 > this.#buffer.length) {
      this.#neededBytes = start + length + 2 - this.#replyStart
      return INCOMPLETE
    }
    this.#position = start + length + 2
    return this.#buffer.subarray(start, start + length)
  }

  #readArray(length: number, depth: number): Reply | typeof INCOMPLETE {
    if (length < 0) return null
    const items: Reply[] = []
    while (items.length < length) {
      const item = this.#read(depth + 1)
      if (item === INCOMPLETE) return INCOMPLETE
      items.push(item)
    }
    return items
  }
}

function integerOf(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

function lengthOf(text: string): number {
  const length = Number(text)
  if (!Number.isSafeInteger(length) || length < -1 || length > MAX_LENGTH)
    throw new RespError('a length makes no sense')
  return length
}
