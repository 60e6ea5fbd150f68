/**
 * One encoded value in private memory, on its way into a chunk.
 *
 * As with the key's buffer, nothing that could call back into the map may run between filling and using it. Values up
 * to the scratch size are copied in; longer bytes are borrowed from the caller, which is safe because the table copies
 * them before the call returns.
 */
import { assert } from '../base/assert.js'
import { MAX_VALUE_BYTES } from '../base/limits.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import { copyWords } from '../base/word-copy.js'

const SCRATCH_BYTES = 64 * 1024
/** Longest value that is copied word by word; beyond, a native copy is faster. */
export const WORD_COPY_BYTES = 256

/** A word view that stands for "not in scratch": copy from `source` instead. */
const NO_WORDS = new Int32Array(0)
const NO_LONGS = new BigInt64Array(0)

export class ValueBuffer {
  byteLength = 0
  /** Every byte is ASCII and the value is text. */
  ascii = false
  /** Where the bytes are, from its start. */
  source: Uint8Array
  /** The same bytes as words, if they are in scratch; else empty. */
  words: Int32Array
  /** The same memory as `words`, for copying. */
  longs: BigInt64Array
  /** Where the bytes begin there: not at 0 only after `borrow`. */
  longsAt = 0
  readonly #scratch: NativeBuffer
  readonly #scratchWords: Int32Array
  readonly #floats: Float64Array
  readonly #scratchLongs: BigInt64Array

  constructor() {
    const memory = new ArrayBuffer(SCRATCH_BYTES)
    this.#scratch = Buffer.from(memory) as unknown as NativeBuffer
    this.#scratchWords = new Int32Array(memory)
    this.#floats = new Float64Array(memory)
    this.#scratchLongs = new BigInt64Array(memory)
    this.source = this.#scratch
    this.words = this.#scratchWords
    this.longs = this.#scratchLongs
  }

  /** Takes text. Throws RangeError if it is too long, TypeError if it holds a lone surrogate. */
  setText(text: string): void {
    const length = text.length
    // Three bytes a UTF-16 unit is the most that UTF-8 can take.
    if (length * 3 <= SCRATCH_BYTES) {
      this.#useScratch(this.#scratch.utf8Write(text, 0, SCRATCH_BYTES))
    } else {
      const byteLength = Buffer.byteLength(text, 'utf8')
      checkLength(byteLength)
      const bytes = Buffer.allocUnsafe(byteLength)
      bytes.write(text, 0, 'utf8')
      this.setBytes(bytes)
    }
    this.ascii = this.byteLength === length
    if (!this.ascii && !text.isWellFormed()) {
      throw new TypeError(
        'the value holds a lone surrogate, which no UTF-8 text can: repair the string first',
      )
    }
  }

  /** Takes bytes, copied or borrowed. Throws RangeError if there are too many. */
  setBytes(bytes: Uint8Array): void {
    checkLength(bytes.length)
    if (bytes.length <= SCRATCH_BYTES) {
      this.#scratch.set(bytes)
      this.#useScratch(bytes.length)
      return
    }
    this.byteLength = bytes.length
    this.source = bytes
    this.words = NO_WORDS
    this.longs = NO_LONGS
    this.ascii = false
  }

  /** Takes bytes that begin with word `at` of `words`; no more than fit in scratch. */
  setFromWords(words: Int32Array, at: number, byteLength: number): void {
    assert(byteLength <= SCRATCH_BYTES, 'the value fits in scratch')
    copyWords(words, at, this.#scratchWords, 0, (byteLength + 3) >>> 2)
    this.#useScratch(byteLength)
  }

  /**
   * Takes a value of at most WORD_COPY_BYTES that begins with long `at` of `longs`, without copying it: it must stay there
   * until it is in its chunk, and neither `source` nor `words` is it. Only for the put that follows.
   */
  borrow(longs: BigInt64Array, at: number, byteLength: number): void {
    assert(byteLength <= WORD_COPY_BYTES, 'a long value is not borrowed')
    this.byteLength = byteLength
    this.longs = longs
    this.longsAt = at
    this.ascii = false
  }

  setInt32(value: number): void {
    this.#scratchWords[0] = value
    this.#useScratch(4)
  }

  setFloat64(value: number): void {
    this.#floats[0] = value
    this.#useScratch(8)
  }

  setInt64(value: bigint): void {
    this.#scratchLongs[0] = value
    this.#useScratch(8)
  }

  #useScratch(byteLength: number): void {
    this.byteLength = byteLength
    this.source = this.#scratch
    this.words = this.#scratchWords
    this.longs = this.#scratchLongs
    this.longsAt = 0
    this.ascii = false
  }
}

function checkLength(byteLength: number): void {
  if (byteLength > MAX_VALUE_BYTES) {
    throw new RangeError(`the value takes ${byteLength} bytes; a value may take at most ${MAX_VALUE_BYTES}`)
  }
}
