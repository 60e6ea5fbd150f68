/**
 * Between a codec's values and the bytes of a served table, where numbers are decimal text on every front: a numeric codec
 * writes and reads such text here, and its own binary form in a SharedMap.
 *
 * In two steps, as user code may run in the first and come back to the same client: `prepare` makes text or bytes of a
 * value; writing those into a message then runs nothing of the user's.
 */
import { OperationError } from '../base/errors.js'
import { type Carried, type Codec, carried } from '../codec/codec.js'
import { NUMBER_KIND, type OperationMessage, valueIn } from '../commands/operations/operation.js'
import { readInteger } from './digits.js'

/** A value as text, as bytes of its own, or as a whole number of 32 bits that stands for its decimal text. */
export type Prepared = string | Uint8Array | number

const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/
const FLOAT = /^(?:NaN|-?Infinity|-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
const KINDS = {
  int32: NUMBER_KIND.INT32,
  uint32: NUMBER_KIND.UINT32,
  int64: NUMBER_KIND.INT64,
  float64: NUMBER_KIND.FLOAT64,
} as const

export class WireCodec<T> {
  readonly name: string
  /** Text can be decoded without its bytes. */
  readonly isText: boolean
  readonly #codec: Carried<T>
  /** Decoding may run user code, msgpack's extensions among it. */
  readonly runsUserCode: boolean
  readonly #isForeign: boolean

  constructor(codec: Codec<T>) {
    this.#codec = carried(codec)
    this.name = this.#codec.name
    this.runsUserCode = this.#codec.carrier === 'bytes'
    this.isText = this.#codec.carrier !== 'bytes'
    this.#isForeign = (this.#codec as Codec<T>) !== codec
  }

  /** One of NUMBER_KIND. Throws TypeError for a codec that holds no numbers. */
  get numberKind(): number {
    const { carrier, name } = this.#codec
    if (carrier !== 'text' && carrier !== 'bytes') return KINDS[carrier]
    throw new TypeError(
      `counting needs a numeric value codec, such as codecs.int32; this client has '${name}'`,
    )
  }

  /** May run user code. Throws what the codec throws. */
  prepare(value: T): Prepared {
    const codec = this.#codec
    if (codec.carrier === 'text') return codec.toText(value)
    // Copied: what a user's encoder returns may be used again by its next call.
    if (codec.carrier === 'bytes')
      return this.#isForeign ? Buffer.from(codec.encode(value)) : codec.encode(value)
    const number = codec.toNumber(value)
    return isShort(codec.carrier) && typeof number === 'number' ? number : textOf(number)
  }

  /** The value that is the payload of a reply; see {@link decode}. */
  decodeIn(reply: OperationMessage): T {
    const codec = this.#codec
    const { bytes, valueAt } = reply
    if (codec.carrier === 'text') return codec.fromText(bytes.utf8Slice(valueAt, valueAt + reply.valueBytes))
    if (codec.carrier !== 'bytes' && isShort(codec.carrier)) {
      const number = readInteger(bytes, valueAt, valueAt + reply.valueBytes)
      if (isIn(codec.carrier, number)) return codec.fromNumber(number)
    }
    return this.decode(valueIn(reply))
  }

  /** The value of `bytes`, which may be used again afterwards. May run user code. Throws OperationError BAD_VALUE. */
  decode(bytes: Buffer): T {
    const codec = this.#codec
    if (codec.carrier === 'bytes') return codec.decode(this.#isForeign ? Buffer.from(bytes) : bytes)
    return this.decodeText(bytes.toString('utf8'))
  }

  /** The value of text; only where `isText`. */
  decodeText(text: string): T {
    const codec = this.#codec
    if (codec.carrier === 'text') return codec.fromText(text)
    if (codec.carrier === 'bytes') return codec.decode(Buffer.from(text))
    return codec.fromNumber(numberOf(codec.carrier, text))
  }
}

function textOf(value: number | bigint): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Whether numbers of that kind have at most 32 bits. */
function isShort(carrier: string): carrier is 'int32' | 'uint32' {
  return carrier === 'uint32' || carrier === 'int32'
}

function isIn(carrier: 'int32' | 'uint32', value: number): boolean {
  return carrier === 'int32' ? value === (value | 0) : value === value >>> 0
}

function numberOf(carrier: keyof typeof KINDS, text: string): number | bigint {
  if (carrier === 'float64') {
    if (FLOAT.test(text)) return Number(text)
  } else if (INTEGER.test(text)) {
    if (carrier === 'int64') {
      const value = BigInt(text)
      if (value >= MIN_INT64 && value <= MAX_INT64) return value
    } else {
      const value = Number(text)
      if (isIn(carrier, value)) return value
    }
  }
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text
  throw new OperationError(
    'BAD_VALUE',
    `what is stored is no ${carrier} in decimal text: ${JSON.stringify(shown)}`,
  )
}
