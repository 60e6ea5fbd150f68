/**
 * Inline commands: a line of words for people at a terminal. Words are parted by blanks; `"…"` knows \n \r \t \b
 * \a \xHH and takes any other escaped character as itself, `'…'` knows only \'. A closing quote must end a word.
 * (The rules of Redis's `sdssplitargs`.)
 */
const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c
const NO_DIGIT = -1

const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }).map(([letter, meaning]) => [
    letter.charCodeAt(0),
    meaning.charCodeAt(0),
  ]),
)

/** The words of `line`; none for a blank line, `undefined` if quotes do not match. */
export function splitInline(line: Buffer): Buffer[] | undefined {
  const words: Buffer[] = []
  // No word grows beyond what it is made of.
  const word = Buffer.alloc(line.length)
  let at = 0
  for (;;) {
    while (at < line.length && isBlank(line[at])) at += 1
    if (at >= line.length) return words
    let length = 0
    while (at < line.length && !isBlank(line[at])) {
      const byte = line[at] ?? 0
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        word[length] = byte
        length += 1
        at += 1
        continue
      }
      at += 1
      while (line[at] !== byte) {
        if (at >= line.length) return undefined
        const [meaning, taken] = byte === QUOTE ? readQuoted(line, at) : readLiteral(line, at)
        word[length] = meaning
        length += 1
        at += taken
      }
      at += 1
      if (at < line.length && !isBlank(line[at])) return undefined
    }
    words.push(Buffer.from(word.subarray(0, length)))
  }
}

/** A byte inside `"…"` and how many it is written with. */
function readQuoted(line: Buffer, at: number): readonly [meaning: number, taken: number] {
  const next = line[at + 1]
  if (line[at] !== BACKSLASH || next === undefined) return [line[at] ?? 0, 1]
  const high = next === 0x78 ? hexDigit(line[at + 2]) : NO_DIGIT
  const low = high === NO_DIGIT ? NO_DIGIT : hexDigit(line[at + 3])
  if (low !== NO_DIGIT) return [high * 16 + low, 4]
  return [ESCAPES.get(next) ?? next, 2]
}

function readLiteral(line: Buffer, at: number): readonly [meaning: number, taken: number] {
  return line[at] === BACKSLASH && line[at + 1] === APOSTROPHE ? [APOSTROPHE, 2] : [line[at] ?? 0, 1]
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d) || byte === 0
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return NO_DIGIT
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? NO_DIGIT : value
}
