/** Which codec an attached map uses: what the region names, and what the opener gives, must be one. */
import { OperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { Transcoder } from './transcoder.js'

/** By the names that regions have. Functions, since what msgpack needs takes its time to load. */
const BUILT_IN: ReadonlyMap<string, () => unknown> = new Map<string, () => unknown>([
  ['string', () => codecs.string],
  ['bytes', () => codecs.bytes],
  ['int32', () => codecs.int32],
  ['uint32', () => codecs.uint32],
  ['int64', () => codecs.int64],
  ['float64', () => codecs.float64],
  ['json', codecs.json],
  ['msgpack', codecs.msgpack],
])

/** The codec given here, if its name is the region's, or the built-in one of that name. */
export function agreedCodec<T>(role: 'keys' | 'values', name: string, given: Codec<T> | undefined): Codec<T> {
  if (given !== undefined) {
    if (new Transcoder(given).codec.name === name) return given
    throw new OperationError(
      'MISMATCH',
      `the ${role} of this map are '${name}', but '${given.name}' was given`,
    )
  }
  // The region says that its entries are of that codec, and so the caller says what T is.
  const found = BUILT_IN.get(name)?.() as Codec<T> | undefined
  if (found !== undefined) return found
  throw new OperationError('MISMATCH', `the ${role} of this map are '${name}': give that codec to attach`)
}
