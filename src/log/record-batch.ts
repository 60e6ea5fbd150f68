/**
 * The records of one step that happens whole or not at all: a write, or a transaction. Encoded as they are added,
 * in the form in which they lie in a frame; `LogWriter.append` copies them. Reusable: `reset` empties it and keeps
 * its memory. One thread.
 *
 *   0               27     32       4              17      25     32   8
 *   | value length  | type |        | key length   | flags | 0     |   | key | value | expiry 8, float64 |
 *   | 27 bits       | 5    |        | 17 bits      | 8     | 7     |   |     |       | if flagged        |
 *
 * Records are absolute (set this, delete that, clear all): replaying one twice gives the same as once.
 */
import { assert } from '../base/assert.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import { copyFromWords, WORD_COPY_BYTES } from '../base/word-copy.js'
import {
  EXPIRY_BYTES,
  frameBytes,
  MAX_FRAME_BYTES,
  MAX_FRAME_RECORDS,
  RECORD_FLAG,
  RECORD_HEAD_BYTES,
  RECORD_SHIFT,
  RECORD_TYPE,
} from './format.js'

const FIRST_BYTES = 1024
/** Room behind the records, for who copies by words. */
const SLACK_BYTES = 8

/** A key in private memory, padded to whole words. */
export interface WordKey {
  readonly words: Int32Array
  readonly byteLength: number
}

/** A value in private memory: in `words` if it is short, in any case in `source`, from its start. */
export interface WordValue extends WordKey {
  readonly source: Uint8Array
}

export class RecordBatch {
  #bytes = Buffer.from(new ArrayBuffer(FIRST_BYTES))
  #view = new DataView(this.#bytes.buffer)
  #words = new Int32Array(this.#bytes.buffer)
  #length = 0
  #count = 0

  /** Records added since the last `reset`. */
  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#length
  }

  reset(): void {
    this.#length = 0
    this.#count = 0
  }

  /** Forgets the records added since `count` and `byteLength` were these. */
  cutTo(count: number, byteLength: number): void {
    assert(count <= this.#count && byteLength <= this.#length, 'a cut leaves less')
    this.#count = count
    this.#length = byteLength
  }

  /** `expiresAtMs` Infinity: none. */
  set(key: Uint8Array, value: Uint8Array, isAscii: boolean, expiresAtMs = Infinity): void {
    const expires = expiresAtMs !== Infinity
    const flags = (isAscii ? RECORD_FLAG.ascii : 0) | (expires ? RECORD_FLAG.expires : 0)
    let at = this.#begin(RECORD_TYPE.set, key, value.length, flags, expires ? EXPIRY_BYTES : 0)
    this.#bytes.set(value, at)
    at += value.length
    if (expires) this.#bytes.writeDoubleLE(expiresAtMs, at)
  }

  /** As {@link set}, for key and value whose words are at hand: a third of its time for short ones. */
  setWords(key: WordKey, value: WordValue, isAscii: boolean, expiresAtMs: number): void {
    const expires = expiresAtMs !== Infinity
    const flags = (isAscii ? RECORD_FLAG.ascii : 0) | (expires ? RECORD_FLAG.expires : 0)
    const at = this.#reserve(
      RECORD_TYPE.set,
      key.byteLength,
      value.byteLength,
      flags,
      expires ? EXPIRY_BYTES : 0,
    )
    copyFromWords(key.words, this.#view, at, key.byteLength)
    this.#putValue(value, at + key.byteLength)
    if (expires) this.#view.setFloat64(at + key.byteLength + value.byteLength, expiresAtMs, true)
  }

  #putValue({ source, words, byteLength }: WordValue, at: number): void {
    if (byteLength <= WORD_COPY_BYTES && words.length << 2 >= byteLength)
      copyFromWords(words, this.#view, at, byteLength)
    else this.#bytes.set(source.subarray(0, byteLength), at)
  }

  delete(key: Uint8Array): void {
    this.#begin(RECORD_TYPE.delete, key, 0, 0, 0)
  }

  clear(): void {
    this.#begin(RECORD_TYPE.clear, new Uint8Array(0), 0, 0, 0)
  }

  /** Copies the records to `target` at `offset`; with a `view` of the same bytes, what follows may change. */
  copyTo(target: Buffer, offset: number, view?: DataView): void {
    const length = this.#length
    if (view !== undefined && length <= WORD_COPY_BYTES && offset + length + 4 <= target.length)
      copyFromWords(this.#words, view, offset, length)
    else this.#bytes.copy(target, offset, 0, length)
  }

  /** Writes head and key; returns where the value goes. */
  #begin(type: number, key: Uint8Array, valueLength: number, flags: number, extra: number): number {
    const at = this.#reserve(type, key.length, valueLength, flags, extra)
    this.#bytes.set(key, at)
    return at + key.length
  }

  /** Writes the head of a record, and makes room for it and a word behind it; returns where the key goes. */
  #reserve(type: number, keyLength: number, valueLength: number, flags: number, extra: number): number {
    assert(keyLength <= MAX_KEY_BYTES && valueLength <= MAX_VALUE_BYTES, 'a record within its limits')
    const at = this.#length
    const end = at + RECORD_HEAD_BYTES + keyLength + valueLength + extra
    if (frameBytes(end) > MAX_FRAME_BYTES || this.#count >= MAX_FRAME_RECORDS)
      throw new RangeError('a step of so many bytes or records does not fit one frame of the log')
    if (end + SLACK_BYTES > this.#bytes.length) this.#grow(end + SLACK_BYTES)
    this.#view.setInt32(at, valueLength | (type << RECORD_SHIFT.type), true)
    this.#view.setInt32(at + 4, keyLength | (flags << RECORD_SHIFT.flags), true)
    this.#length = end
    this.#count++
    return at + RECORD_HEAD_BYTES
  }

  #grow(needed: number): void {
    const grown = Buffer.from(new ArrayBuffer(Math.max(Math.ceil(needed / 8) * 8, 2 * this.#bytes.length)))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
    this.#words = new Int32Array(grown.buffer)
  }
}
