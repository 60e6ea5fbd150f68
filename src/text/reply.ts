/**
 * The answers of the protocol as bytes, and back. A line each, but for STATS: `name: value` lines and a last line `END`.
 *
 *   OK   NOT_FOUND   true   false   PONG   a number   a value   ERROR what was wrong and what to do
 *
 * A value stands as it is, unless it holds a line break or could be taken for something else (it begins with `$"` or
 * `ERROR`, or is `NOT_FOUND`): then it is escaped as `$"..."`. Pure.
 */
import { escapeBytes, isEscaped, unescapeBytes } from './quoting.js'

export const REPLY = { ok: 'OK', notFound: 'NOT_FOUND', pong: 'PONG', end: 'END', error: 'ERROR' } as const

const LF = 0x0a
const CR = 0x0d
const NEWLINE = Buffer.from('\n')
const NOT_FOUND = Buffer.from(REPLY.notFound)
const ERROR = Buffer.from(REPLY.error)

export function lineReply(text: string): Buffer {
  return Buffer.from(`${text}\n`)
}

export function valueReply(value: Uint8Array): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return Buffer.concat([mustEscape(bytes) ? escapeBytes(bytes) : bytes, NEWLINE])
}

export function statsReply(facts: readonly (readonly [name: string, value: string | number])[]): Buffer {
  return Buffer.from(
    `${facts.map(([name, value]) => `${name}: ${oneLine(String(value))}\n`).join('')}${REPLY.end}\n`,
  )
}

export function errorReply(sentence: string): Buffer {
  return Buffer.from(`${REPLY.error} ${oneLine(sentence)}\n`)
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

function mustEscape(value: Buffer): boolean {
  return (
    value.includes(LF) ||
    value.includes(CR) ||
    isEscaped(value, 0) ||
    value.subarray(0, ERROR.length).equals(ERROR) ||
    value.equals(NOT_FOUND)
  )
}

/** The value in a line that answers GET; `undefined`: not found. Throws what an ERROR line says. */
export function parseValueReply(line: Buffer): Buffer | undefined {
  throwIfError(line)
  if (line.equals(NOT_FOUND)) return undefined
  if (!isEscaped(line, 0)) return line
  const read = unescapeBytes(line, 0)
  if (typeof read === 'string' || read.end !== line.length)
    throw new TextReplyError('the server answered nonsense')
  return read.bytes
}

/** The server refused; `message` is what its ERROR line says. */
export class TextReplyError extends Error {
  override readonly name = 'TextReplyError'
}

/** Throws {@link TextReplyError} for an ERROR line. */
export function throwIfError(line: Buffer): void {
  if (line.subarray(0, ERROR.length).equals(ERROR))
    throw new TextReplyError(line.toString('utf8', ERROR.length).trim())
}
