/**
 * Between a codec's values and the table's buffers.
 *
 * In two steps, because the first may run user code that comes back to the same map: `prepare` turns a value into a
 * string, bytes or a number of its own; `putKey` and `putValue` then fill the buffers, with nothing in between.
 */
import { OperationError } from '../base/errors.js'
import { type Carried, type Codec, carried } from '../codec/codec.js'
import type { KeyBuffer } from '../table/key-buffer.js'
import type { ReadableTable } from '../table/readable-table.js'
import { READ_BYTES, READ_TEXT, type Reader } from '../table/reader.js'
import type { ValueBuffer } from '../table/value-buffer.js'

/** A value as its carrier has it. */
export type Prepared = string | Uint8Array | number | bigint

export class Transcoder<T> {
  readonly codec: Carried<T>
  /** What the reader should deliver for this codec. */
  readonly reads: number
  /** Whether decoding may run user code, which may come back to the map and use its buffers. */
  readonly decodesByUserCode: boolean
  readonly #isForeign: boolean

  constructor(codec: Codec<T>) {
    this.codec = carried(codec)
    this.reads = this.codec.carrier === 'text' ? READ_TEXT : READ_BYTES
    // Bytes of built-in codecs count too: msgpack calls what the application has registered with it.
    this.decodesByUserCode = this.codec.carrier === 'bytes'
    this.#isForeign = (this.codec as Codec<T>) !== codec
  }

  /** First step of encoding; may run user code. */
  prepare(value: T): Prepared {
    const codec = this.codec
    if (codec.carrier === 'text') return codec.toText(value)
    if (codec.carrier === 'bytes') return codec.encode(value)
    return codec.toNumber(value)
  }

  putKey(prepared: Prepared, key: KeyBuffer): void {
    if (typeof prepared === 'string') key.setText(prepared)
    else if (typeof prepared === 'object') key.setBytes(prepared)
    else key.setFilled(this.#writeNumber(prepared, key.buffer))
  }

  putValue(prepared: Prepared, value: ValueBuffer): void {
    if (typeof prepared === 'string') value.setText(prepared)
    else if (typeof prepared === 'object') value.setBytes(prepared)
    else if (typeof prepared === 'bigint') value.setInt64(prepared)
    else if (this.codec.carrier === 'float64') value.setFloat64(prepared)
    else value.setInt32(prepared)
  }

  /** Looks up the table's key; undefined if there is no entry. May run user code. */
  read(table: ReadableTable, key = table.key): T | undefined {
    const codec = this.codec
    if (codec.carrier !== 'text')
      return table.findKey(key, READ_BYTES) ? this.decodeBytes(table.reader.bytes) : undefined
    const text = table.findText(key)
    if (text !== undefined) return codec.fromText(text)
    return table.reader.isBytes ? codec.fromText(table.reader.bytes.toString('utf8')) : undefined
  }

  /** The value that the reader has just read. May run user code; the reader may be used again afterwards. */
  decode(reader: Reader): T {
    const codec = this.codec
    if (codec.carrier === 'text') return codec.fromText(reader.text ?? reader.bytes.toString('utf8'))
    return this.decodeBytes(reader.bytes)
  }

  /** The value of encoded bytes in private memory. */
  decodeBytes(bytes: Buffer): T {
    const codec = this.codec
    if (codec.carrier === 'text') return codec.fromText(bytes.toString('utf8'))
    // A user's decoder may come back to the map, which would read into the same buffer.
    if (codec.carrier === 'bytes') return codec.decode(this.#isForeign ? Buffer.from(bytes) : bytes)
    return codec.fromNumber(readNumber(codec.carrier, bytes))
  }

  #writeNumber(value: number | bigint, buffer: Buffer): number {
    if (typeof value === 'bigint') return buffer.writeBigInt64LE(value)
    if (this.codec.carrier === 'float64') return buffer.writeDoubleLE(value)
    return buffer.writeInt32LE(value | 0)
  }
}

function readNumber(carrier: 'int32' | 'uint32' | 'float64' | 'int64', bytes: Buffer): number | bigint {
  const expected = carrier === 'int32' || carrier === 'uint32' ? 4 : 8
  if (bytes.length !== expected) {
    throw new OperationError(
      'BAD_VALUE',
      `a stored ${carrier} takes ${expected} bytes, found ${bytes.length}`,
    )
  }
  if (carrier === 'int32') return bytes.readInt32LE()
  if (carrier === 'uint32') return bytes.readUInt32LE()
  return carrier === 'float64' ? bytes.readDoubleLE() : bytes.readBigInt64LE()
}
