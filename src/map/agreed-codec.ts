/** Which codec an attached map uses: what the region names, and what the opener gives, must be one. */
import { OperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { Transcoder } from './transcoder.js'

/** The codec given here, if its name is the region's, or the built-in one of that name. */
export function agreedCodec<T>(role: 'keys' | 'values', name: string, given: Codec<T> | undefined): Codec<T> {
  if (given !== undefined) {
    if (new Transcoder(given).codec.name === name) return given
    throw new OperationError(
      'MISMATCH',
      `the ${role} of this map are '${name}', but '${given.name}' was given`,
    )
  }
  const { string, bytes, int32, uint32, int64, float64 } = codecs
  const known = [
    string,
    bytes,
    int32,
    uint32,
    int64,
    float64,
    codecs.json(),
    codecs.msgpack(),
  ] as unknown as readonly Codec<never>[]
  const found = known.find((codec) => codec.name === name)
  if (found !== undefined) return found as unknown as Codec<T>
  throw new OperationError('MISMATCH', `the ${role} of this map are '${name}': give that codec to attach`)
}
