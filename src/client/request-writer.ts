/**
 * Fills one request after the other into a message that is used again: key and value as text or bytes, checked on the
 * way. Text goes straight from its characters into the message. Runs no user code.
 */
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../base/limits.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import type { OperationMessage } from '../commands/operations/operation.js'
import { MOST_INTEGER_BYTES, writeInteger } from './digits.js'
import { packAscii, SHORT_TEXT_LENGTH } from './short-text.js'
import type { Prepared } from './wire-codec.js'

/** Up to here, room for the longest possible UTF-8 is made without counting. */
const SHORT_TEXT = 1024
const MOST_BYTES_A_UNIT = 3
// Looked up once: found anew through the prototypes at each call, it takes a tenth longer.
const { utf8Write } = Buffer.prototype as unknown as NativeBuffer

export const NOTHING = new Uint8Array(0)

/** Makes `message` a request with that key and value. Throws RangeError for one too long, TypeError for a lone surrogate. */
export function fillRequest(
  message: OperationMessage,
  code: number,
  key: Prepared,
  value: Prepared = NOTHING,
): void {
  message.clear(code)
  const keyRoom = roomFor(key, 'key', MAX_KEY_BYTES)
  const valueRoom = roomFor(value, 'value', MAX_VALUE_BYTES)
  message.shape(keyRoom, valueRoom)
  const keyBytes = put(message, key, 0, 'key', MAX_KEY_BYTES)
  const valueBytes = put(message, value, (keyBytes + 7) & ~7, 'value', MAX_VALUE_BYTES)
  message.shape(keyBytes, valueBytes)
}

/** Bytes that it takes at most. */
function roomFor(part: Prepared, what: string, most: number): number {
  if (typeof part === 'number') return MOST_INTEGER_BYTES
  if (typeof part !== 'string') return checkLength(part.length, what, most)
  if (part.length <= SHORT_TEXT) return part.length * MOST_BYTES_A_UNIT
  if (part.length > most) return checkLength(part.length, what, most)
  return checkLength(Buffer.byteLength(part), what, most)
}

function put(message: OperationMessage, part: Prepared, at: number, what: string, most: number): number {
  const { bytes } = message
  if (typeof part === 'number') return writeInteger(bytes, at, part)
  if (typeof part !== 'string') {
    // A call of `set` costs 20 ns even for nothing.
    if (part.length > 0) bytes.set(part, at)
    return part.length
  }
  if (part.length <= SHORT_TEXT_LENGTH && packAscii(message.words, at >>> 2, part)) return part.length
  const length = utf8Write.call(bytes, part, at, bytes.length - at)
  if (length !== part.length && !part.isWellFormed())
    throw new TypeError(
      `the ${what} holds a lone surrogate, which no UTF-8 text can: repair the string first`,
    )
  return checkLength(length, what, most)
}

function checkLength(length: number, what: string, most: number): number {
  if (length <= most) return length
  throw new RangeError(`the ${what} takes ${length} bytes; a ${what} may take at most ${most}`)
}
