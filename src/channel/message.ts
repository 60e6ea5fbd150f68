/**
 * A request or a reply in private memory: what is sent is gathered here, and what is received is copied here before
 * anybody looks at it. One is used again and again, so nothing is allocated for a message of usual size.
 *
 * The payload is the key, zeros or leftovers to a multiple of eight bytes, and the value; write it with `words` or `bytes`
 * after `shape` has made room. All views change when the message grows: take them anew after `shape`.
 *
 * For one thread. Not shared memory, and never a view of it.
 */
import { assert } from '../base/assert.js'
import { MIB } from '../base/limits.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import { MAX_PAYLOAD_BYTES } from './layout.js'

const USUAL_BYTES = 4096
/** One of `longs`. */
const LEAST_BYTES = 8
const MOST_KEPT_BYTES = MIB
export class Message {
  /** Operation (1 to 255) of a request, status of a reply. */
  code = 0
  /** 8 bits for the two sides to agree on. */
  flags = 0
  /** Two numbers for the two sides to agree on. */
  first = 0
  second = 0
  keyBytes = 0
  valueBytes = 0
  /** For who handles a request to tell himself something beforehand; 0 unless he has. Never sent. */
  hint = 0
  words: Int32Array
  /** The same memory as `words`, for copying. */
  longs: BigInt64Array
  bytes: NativeBuffer

  constructor(capacityBytes = USUAL_BYTES) {
    const buffer = new ArrayBuffer((capacityBytes + 7) & ~7)
    this.words = new Int32Array(buffer)
    this.longs = new BigInt64Array(buffer)
    this.bytes = Buffer.from(buffer) as unknown as NativeBuffer
  }

  /** Where the value begins in `bytes`; the key begins at 0. */
  get valueAt(): number {
    return (this.keyBytes + 7) & ~7
  }

  get payloadBytes(): number {
    return ((this.keyBytes + 7) & ~7) + this.valueBytes
  }

  /** Sets both lengths and makes room for them. What `bytes` held before is gone if it had to grow. */
  shape(keyBytes: number, valueBytes: number): void {
    this.keyBytes = keyBytes
    this.valueBytes = valueBytes
    const needed = ((keyBytes + 7) & ~7) + valueBytes
    if (needed > this.bytes.length) this.#grow(needed)
  }

  /** A message without payload. */
  clear(code: number): void {
    this.code = code
    this.flags = 0
    this.first = 0
    this.second = 0
    this.keyBytes = 0
    this.valueBytes = 0
  }

  /** Sets the payload. */
  fill(key: Uint8Array, value: Uint8Array): void {
    this.shape(key.length, value.length)
    this.bytes.set(key, 0)
    this.bytes.set(value, this.valueAt)
  }

  /** A copy that stays as it is when this one is used again. */
  copy(): Message {
    const copy = new Message(this.payloadBytes)
    copy.copyHead(this)
    copy.bytes.set(this.bytes.subarray(0, this.payloadBytes), 0)
    return copy
  }

  /** All of another but its payload, for which room is made. */
  copyHead(other: Message): void {
    this.code = other.code
    this.flags = other.flags
    this.first = other.first
    this.second = other.second
    this.shape(other.keyBytes, other.valueBytes)
  }

  /** Gives up the memory of an unusually long message; its payload goes with it. */
  trim(): void {
    if (this.bytes.length <= MOST_KEPT_BYTES) return
    this.clear(this.code)
    this.#allocate(USUAL_BYTES)
  }

  /** Becomes what `other` is, without copying: afterwards `other` has this one's memory and no meaning. */
  takeOver(other: Message): void {
    const { words, longs, bytes } = this
    this.words = other.words
    this.longs = other.longs
    this.bytes = other.bytes
    this.copyHead(other)
    other.words = words
    other.longs = longs
    other.bytes = bytes
    other.clear(0)
  }

  #grow(needed: number): void {
    assert(needed <= MAX_PAYLOAD_BYTES, 'a message is within the limits')
    this.#allocate(Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(needed))))
  }

  #allocate(bytes: number): void {
    const buffer = new ArrayBuffer(bytes)
    this.words = new Int32Array(buffer)
    this.longs = new BigInt64Array(buffer)
    this.bytes = Buffer.from(buffer) as unknown as NativeBuffer
  }
}
