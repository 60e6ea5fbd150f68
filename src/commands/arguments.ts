/**
 * What commands do with their arguments: take one that the arity promised, read a number as strictly as Redis
 * does, spell an option, and turn "ten seconds from now" into a moment. Errors are worded as Redis 7 words them.
 */
import { assert } from '../base/assert.js'
import { CommandError } from './command-error.js'
import { type Integer, parseInteger } from './integer.js'

export const SYNTAX_ERROR = 'ERR syntax error'
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'

/** Longest option name worth spelling; longer arguments are no option. */
const MAX_OPTION_BYTES = 16

/** `args[index]`, which the arity has promised. */
export function argument(args: readonly Buffer[], index: number): Buffer {
  const value = args[index]
  assert(value !== undefined, 'an argument is missing that the arity promised')
  return value
}

/** The option at `index` in upper case; empty if there is none. */
export function option(args: readonly Buffer[], index: number): string {
  const value = args[index]
  return value === undefined || value.length > MAX_OPTION_BYTES ? '' : value.toString('latin1').toUpperCase()
}

export function integerArgument(args: readonly Buffer[], index: number): Integer {
  const value = args[index]
  if (value === undefined) throw new CommandError(SYNTAX_ERROR)
  const parsed = parseInteger(value)
  if (parsed === undefined) throw new CommandError(NOT_AN_INTEGER)
  return parsed
}

/** A key as text of one character a byte, for messages. */
export function textOf(bytes: Buffer, maxBytes: number = bytes.length): string {
  const nul = bytes.indexOf(0)
  return bytes.toString('latin1', 0, Math.min(nul < 0 ? bytes.length : nul, maxBytes))
}

/**
 * The moment, in milliseconds since 1970, that `amount` units (1 or 1000 ms) after `baseMs` is.
 * `undefined` when it is farther ahead than a double counts exactly (285 000 years): that is an error to say, never a cut.
 * As in Redis, a moment that many milliseconds back is just past, and so many seconds back is an error.
 */
export function momentMs(amount: Integer, unitMs: 1 | 1000, baseMs: number): number | undefined {
  if (typeof amount === 'bigint') return amount < 0n && unitMs === 1 ? 0 : undefined
  const atMs = amount * unitMs + baseMs
  if (Number.isSafeInteger(atMs)) return atMs
  return atMs < 0 ? 0 : undefined
}

/** The error for a moment that cannot be, naming the command as Redis does. */
export function invalidExpireTime(args: readonly Buffer[]): CommandError {
  return new CommandError(
    `ERR invalid expire time in '${argument(args, 0).toString('latin1').toLowerCase()}' command`,
  )
}
