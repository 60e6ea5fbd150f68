/**
 * Cuts a stream of bytes into lines. A line ends with LF, a CR before it is not part of it.
 *
 * Lines that are whole within a chunk are windows of it; the rest of a line goes to a buffer of the reader's own that
 * only grows at its end, so windows of it stay valid until the reader is gone. It never holds more than the longest
 * line allowed and one chunk: of a line that is longer, {@link TOO_LONG} is given once, and everything up to its end is
 * passed over.
 */
export const TOO_LONG: unique symbol = Symbol('a line that is too long')

const LF = 0x0a
const CR = 0x0d
const LEAST_OWN_BYTES = 1024
const EMPTY = Buffer.alloc(0)

export class LineReader {
  readonly #maxBytes: number
  /** Unread bytes are those of `#buffer` from `#start` to `#end`; up to `#scanned` there is no LF in them. */
  #buffer: Buffer = EMPTY
  #start = 0
  #end = 0
  #scanned = 0
  /** Whether `#buffer` is the reader's own, with room behind `#end`. */
  #own = false
  #skips = false

  /** `maxBytes` without the line's end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes a chunk over: nobody may change it any more. */
  feed(chunk: Buffer): void {
    const unread = this.#end - this.#start
    if (unread === 0) {
      this.#buffer = chunk
      this.#start = this.#scanned = 0
      this.#end = chunk.length
      this.#own = false
      return
    }
    if (!this.#own || this.#end + chunk.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(LEAST_OWN_BYTES, 2 * (unread + chunk.length)))
      this.#buffer.copy(grown, 0, this.#start, this.#end)
      this.#buffer = grown
      this.#scanned -= this.#start
      this.#start = 0
      this.#end = unread
      this.#own = true
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next line, or `undefined`: feed more. */
  next(): Buffer | typeof TOO_LONG | undefined {
    for (;;) {
      const found = this.#buffer.indexOf(LF, this.#scanned)
      const isWhole = found >= 0 && found < this.#end
      const lineEnd = isWhole ? found : this.#end
      const start = this.#start
      const isTooLong = lineEnd - start > this.#maxBytes + 1
      this.#start = isWhole ? found + 1 : this.#skips || isTooLong ? lineEnd : start
      this.#scanned = isWhole ? found + 1 : lineEnd
      const skipped = this.#skips
      this.#skips = !isWhole && (skipped || isTooLong)
      if (skipped && isWhole) continue
      if (!skipped && isTooLong) return TOO_LONG
      if (!isWhole) return undefined
      const end = lineEnd > start && this.#buffer[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
      return end - start > this.#maxBytes ? TOO_LONG : this.#buffer.subarray(start, end)
    }
  }
}
