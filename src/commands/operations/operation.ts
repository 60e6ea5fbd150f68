/**
 * The operations of a `Client`: what it may ask of a server, each a code, a name, what it may change, and how a store
 * does it. The server runs them from this table, and the client takes codes, flags and statuses from it, so the two
 * sides cannot differ but in their release.
 *
 * Requests and replies are messages of a channel: a code, 8 bits of flags, two numbers, a key and a value. Whatever they
 * hold was copied to private memory, but nothing in it has been checked: operations believe no number and no length.
 *
 * Keys and values are raw bytes; numbers are decimal text.
 */
import type { NativeBuffer } from '../../base/native-buffer.js'
import type { Store, WatchedKey } from '../../store/store.js'

/** A request or a reply. The payload is the key, leftovers to a multiple of four bytes, and the value. */
export interface OperationMessage {
  code: number
  flags: number
  first: number
  second: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly valueAt: number
  /** Taken anew after `shape` or `fill`. */
  readonly bytes: NativeBuffer
  /** The same memory. */
  readonly words: Int32Array
  /** Sets the lengths of key and value and makes room; what `bytes` held may be gone. */
  shape(keyBytes: number, valueBytes: number): void
  /** Makes it a message without payload, flags and numbers. */
  clear(code: number): void
}

/** What an operation may change; as long as one is on its way, reads of the same client take the same way. */
export const EFFECT = { NONE: 0, KEY: 1, ALL: 2 } as const
export type Effect = (typeof EFFECT)[keyof typeof EFFECT]

/** What operations may use. */
export interface OperationContext {
  readonly store: Store
  /** Runs a command of the Redis protocol and returns its reply as bytes of the version asked for. */
  runCommand(args: readonly Buffer[], protocol: 2 | 3): Uint8Array
  /** Runs commands as EXEC does, and returns its reply. Absent where nobody can send any. */
  runTransaction?(
    commands: readonly (readonly Buffer[])[],
    watched: readonly WatchedKey[],
    protocol: 2 | 3,
  ): Uint8Array
}

export interface Operation {
  readonly code: number
  readonly name: string
  readonly effect: Effect
  /**
   * `reply` comes cleared, with status YES. Throws OperationError, TypeError or RangeError, which become statuses; then
   * nothing has changed, unless the operation says otherwise.
   */
  run(context: OperationContext, request: OperationMessage, reply: OperationMessage): void
}

/** Codes of replies. */
export const STATUS = {
  /** Done, found, true. */
  YES: 1,
  /** Absent, false; nothing was changed. */
  NO: 2,
  /** An OperationError: the value is its text. */
  OPERATION_ERROR: 3,
  TYPE_ERROR: 4,
  RANGE_ERROR: 5,
} as const

/** Flags of the operations that set, and of failures. */
export const FLAGS = {
  KEEP_TTL: 1,
  IF_VERSION: 2,
  /** Of a reply OPERATION_ERROR: it may have been done. */
  UNKNOWN: 1,
} as const

/** Flags of `increment`: the range and the form of the number. */
export const NUMBER_KIND = { INT64: 0, INT32: 1, UINT32: 2, FLOAT64: 3 } as const

/** Bytes of the parts that a reply of many keys or values gathers before it is sent as it is. */
export const REPLY_BUDGET_BYTES = 4 * 1024 * 1024

/** The request's key; valid as long as the message is. */
export function keyIn(request: OperationMessage): Buffer {
  return request.bytes.subarray(0, request.keyBytes)
}

/** The request's value; valid as long as the message is. */
export function valueIn(request: OperationMessage): Buffer {
  const { valueAt } = request
  return request.bytes.subarray(valueAt, valueAt + request.valueBytes)
}

/** Makes `value` the payload; `undefined` makes the reply a NO. */
export function replyWith(reply: OperationMessage, value: Uint8Array | undefined): void {
  if (value === undefined) {
    reply.code = STATUS.NO
    return
  }
  reply.shape(0, value.length)
  reply.bytes.set(value, 0)
}

export function replyWhether(reply: OperationMessage, isSo: boolean): void {
  if (!isSo) reply.code = STATUS.NO
}
