/**
 * One line of the protocol, taken apart. `PUT key value`, `GET key`, `DELETE key`, `EXISTS key`, and `SIZE`, `PING`,
 * `FLUSH`, `STATS` alone; the command in upper or lower case.
 *
 *   key    to the next blank; or within " or ', to the next one of these; or escaped, as $"..." (quoting.ts)
 *   value  the rest of the line without blanks at its ends; then, if " or ' stands at both ends, what is between, as it
 *          is; or escaped, as $"..."
 *
 * So a value may hold quotes and backslashes as they are; only one with a line break, or one that looks like the escaped
 * form, must be escaped or put within quotes. Pure.
 */
import type { TextLimits } from './limits.js'
import { isEscaped, shownBytes, unescapeBytes } from './quoting.js'

export const TEXT_COMMANDS = ['PUT', 'GET', 'DELETE', 'EXISTS', 'SIZE', 'PING', 'FLUSH', 'STATS'] as const
export type TextCommand = (typeof TEXT_COMMANDS)[number]

export interface TextRequest {
  readonly command: TextCommand
  /** Windows of the line, or of memory of their own; empty where the command takes none. */
  readonly key: Buffer
  readonly value: Buffer
}

const WITH_KEY: ReadonlySet<TextCommand> = new Set(['PUT', 'GET', 'DELETE', 'EXISTS'])
const BY_NAME: ReadonlyMap<string, TextCommand> = new Map(TEXT_COMMANDS.map((name) => [name, name]))
const MAX_NAME_BYTES = 8

const BLANK = 0x20
const TAB = 0x09
const QUOTE = 0x22
const APOSTROPHE = 0x27
const EMPTY = Buffer.alloc(0)

/** The request in `line`, `undefined` for a blank line, or a sentence that says what is wrong with it. */
export function parseRequest(line: Buffer, limits: TextLimits): TextRequest | string | undefined {
  const start = skipBlanks(line, 0)
  if (start === line.length) return undefined
  const nameEnd = wordEnd(line, start)
  const command =
    nameEnd - start > MAX_NAME_BYTES
      ? undefined
      : BY_NAME.get(line.toString('latin1', start, nameEnd).toUpperCase())
  if (command === undefined) {
    return `there is no command ${shownBytes(line.subarray(start, nameEnd))}; there are ${TEXT_COMMANDS.join(', ')}`
  }
  const rest = skipBlanks(line, nameEnd)
  if (WITH_KEY.has(command)) return withKey(command, line, rest, limits)
  return rest === line.length ? { command, key: EMPTY, value: EMPTY } : `${command} takes nothing behind it`
}

function withKey(
  command: TextCommand,
  line: Buffer,
  start: number,
  limits: TextLimits,
): TextRequest | string {
  const usage = command === 'PUT' ? 'PUT key value' : `${command} key`
  if (start === line.length) return `${command} takes a key: ${usage}`
  const word = readKey(line, start)
  if (typeof word === 'string') return word
  const { bytes: key, end } = word
  if (key.length > limits.maxKeyBytes) return tooLong('key', key, limits.maxKeyBytes)
  const rest = skipBlanks(line, end)
  if (rest === end && rest < line.length) return `a blank comes behind a quoted key: ${usage}`
  if (command !== 'PUT') {
    if (rest === line.length) return { command, key, value: EMPTY }
    return `${usage} takes nothing more; put a key with blanks within quotes`
  }
  if (rest === line.length) return `PUT takes a value behind the key; the empty one is ""`
  const value = readValue(line, rest)
  if (typeof value === 'string') return value
  if (value.length > limits.maxValueBytes) return tooLong('value', value, limits.maxValueBytes)
  return { command, key, value }
}

function tooLong(what: string, bytes: Buffer, most: number): string {
  return `the ${what} has ${bytes.length} bytes; the limit is ${most} (max_${what}_size)`
}

function readKey(line: Buffer, start: number): { readonly bytes: Buffer; readonly end: number } | string {
  if (isEscaped(line, start)) return unescapeBytes(line, start)
  const quote = line[start] ?? 0
  if (!isQuote(quote)) {
    const end = wordEnd(line, start)
    return { bytes: line.subarray(start, end), end }
  }
  const end = line.indexOf(quote, start + 1)
  if (end < 0) return `the key begins with ${String.fromCharCode(quote)} but does not end with one`
  return { bytes: line.subarray(start + 1, end), end: end + 1 }
}

function readValue(line: Buffer, start: number): Buffer | string {
  let end = line.length
  while (isBlank(line[end - 1] ?? 0)) end--
  if (isEscaped(line, start)) {
    const read = unescapeBytes(line, start)
    if (typeof read === 'string') return read
    return read.end === end ? read.bytes : 'nothing comes behind a value in $"..."; a " inside is written \\"'
  }
  const quote = line[start] ?? 0
  const isQuoted = end - start >= 2 && isQuote(quote) && line[end - 1] === quote
  return isQuoted ? line.subarray(start + 1, end - 1) : line.subarray(start, end)
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB
}

function isQuote(byte: number): boolean {
  return byte === QUOTE || byte === APOSTROPHE
}

function skipBlanks(line: Buffer, from: number): number {
  let at = from
  while (at < line.length && isBlank(line[at] ?? 0)) at++
  return at
}

function wordEnd(line: Buffer, from: number): number {
  let at = from
  while (at < line.length && !isBlank(line[at] ?? 0)) at++
  return at
}
