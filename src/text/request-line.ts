/** A request as the line that asks for it: the inverse of `parseRequest`, for clients. Pure. */
import { escapeBytes } from './quoting.js'
import type { TextCommand } from './request.js'

const LF = 0x0a
const CR = 0x0d
const QUOTE = Buffer.from('"')
const BLANK = Buffer.from(' ')
const NEWLINE = Buffer.from('\n')

/** The line, its end included. Keys and values may be any bytes. */
export function requestLine(command: TextCommand, key?: Uint8Array, value?: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(command)]
  // A key ends at the first quote, a value at the last one.
  if (key !== undefined) pieces.push(BLANK, ...quoted(key, key.includes(QUOTE[0] ?? 0)))
  if (value !== undefined) pieces.push(BLANK, ...quoted(value, false))
  return Buffer.concat([...pieces, NEWLINE])
}

function quoted(bytes: Uint8Array, mustEscape: boolean): Uint8Array[] {
  if (mustEscape || bytes.includes(LF) || bytes.includes(CR)) return [escapeBytes(bytes)]
  return [QUOTE, bytes, QUOTE]
}
