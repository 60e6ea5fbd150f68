/**
 * How bytes that a line cannot carry as they are travel in one: `$"..."`, with `\"`, `\\`, `\n`, `\r`, `\t` and `\xHH`
 * for any byte. The form is that of a shell's `$'...'`: no text of the original protocol, where quotes only stand around
 * and mean nothing inside, changes its meaning by it. Pure.
 */
const DOLLAR = 0x24
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SMALL_X = 0x78

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '\\"'],
  [BACKSLASH, '\\\\'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
])
/** What stands behind a backslash, and the byte it means. */
const MEANINGS: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
])

/** Whether the escaped form begins at `at`. */
export function isEscaped(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === DOLLAR && bytes[at + 1] === QUOTE
}

/** `bytes` in the escaped form. */
export function escapeBytes(bytes: Uint8Array): Buffer {
  let extra = 0
  for (const byte of bytes) if (ESCAPES.has(byte)) extra++
  const escaped = Buffer.allocUnsafe(bytes.length + extra + 3)
  let at = escaped.write('$"', 'latin1')
  for (const byte of bytes) {
    const text = ESCAPES.get(byte)
    if (text === undefined) escaped[at++] = byte
    else at += escaped.write(text, at, 'latin1')
  }
  escaped[at] = QUOTE
  return escaped
}

/** Bytes read from the escaped form, and where it ends; or what is wrong with it. */
export type Unescaped = { readonly bytes: Buffer; readonly end: number } | string

/** Reads the escaped form that begins at `start` of `line` (see {@link isEscaped}). */
export function unescapeBytes(line: Uint8Array, start: number): Unescaped {
  const bytes = Buffer.allocUnsafe(line.length - start)
  let length = 0
  for (let at = start + 2; at < line.length; at++) {
    const byte = line[at] ?? 0
    if (byte === QUOTE) return { bytes: bytes.subarray(0, length), end: at + 1 }
    if (byte !== BACKSLASH) {
      bytes[length++] = byte
      continue
    }
    const code = line[++at] ?? 0
    const meaning = code === SMALL_X ? hexByte(line, at + 1) : MEANINGS.get(code)
    if (meaning === undefined)
      return 'after a backslash in $"..." comes one of \\ " n r t, or x and two hex digits'
    bytes[length++] = meaning
    if (code === SMALL_X) at += 2
  }
  return 'a text that begins with $" ends with " (and a " inside is written \\")'
}

function hexByte(line: Uint8Array, at: number): number | undefined {
  const digits = String.fromCharCode(line[at] ?? 0, line[at + 1] ?? 0)
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined
}

/** A few bytes for people, in a message of one line: what does not print is escaped, what is long is cut. */
export function shownBytes(bytes: Buffer, most = 40): string {
  const text = bytes
    .subarray(0, most)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return bytes.length > most ? `${text}...` : text
}
