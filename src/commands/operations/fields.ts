/**
 * Lists of byte strings in one value: each a length (4 bytes, little-endian; -1 for one that is absent) and the bytes.
 * The reader believes no length: what does not lie within the value is a RangeError.
 */
import type { OperationMessage } from './operation.js'

const LENGTH_BYTES = 4
const FIRST_BYTES = 1024
/** Memory beyond that is not kept. */
const MOST_KEPT_BYTES = 1024 * 1024
export const ABSENT_LENGTH = -1

/** Reads one after the other. Windows of `bytes`, so valid as long as those are. */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next one; undefined for an absent one. Throws RangeError when there is none. */
  nextOrAbsent(): Buffer | undefined {
    const at = this.#at
    if (at + LENGTH_BYTES > this.#bytes.length) throw new RangeError('a list in a message ends too early')
    const length = this.#bytes.readInt32LE(at)
    const start = at + LENGTH_BYTES
    if (length === ABSENT_LENGTH) {
      this.#at = start
      return undefined
    }
    if (length < 0 || start + length > this.#bytes.length)
      throw new RangeError('a list in a message has a length that cannot be')
    this.#at = start + length
    return this.#bytes.subarray(start, start + length)
  }

  next(): Buffer {
    const field = this.nextOrAbsent()
    if (field === undefined) throw new RangeError('a list in a message lacks what must be there')
    return field
  }

  /** All that are left. */
  rest(): Buffer[] {
    const fields: Buffer[] = []
    while (!this.isAtEnd) fields.push(this.next())
    return fields
  }
}

/** Gathers fields, in memory that grows and is used again. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #length = 0

  get byteLength(): number {
    return this.#length
  }

  clear(): void {
    this.#length = 0
  }

  add(field: Uint8Array | undefined): void {
    const length = field?.length ?? 0
    this.#reserve(LENGTH_BYTES + length)
    this.#length = this.#bytes.writeInt32LE(field === undefined ? ABSENT_LENGTH : length, this.#length)
    if (field !== undefined) this.#bytes.set(field, this.#length)
    this.#length += length
  }

  /** Bytes that a field of that length takes. */
  static sizeOf(fieldBytes: number): number {
    return LENGTH_BYTES + fieldBytes
  }

  /** What was gathered; valid until the next `add`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Makes what was gathered the value of `message`, which has no key. */
  moveTo(message: OperationMessage): void {
    message.shape(0, this.#length)
    message.bytes.set(this.view(), 0)
    this.clear()
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)))
    larger.set(this.view(), 0)
    this.#bytes = larger
  }
}
