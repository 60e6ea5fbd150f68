/**
 * Short ASCII text straight from its characters into words, past the native encoder, whose call costs more than so few
 * characters do. Pure but for what it writes.
 */

/** Beyond, the native encoder is faster. */
export const SHORT_TEXT_LENGTH = 40
const MOST_ASCII = 0x7f

/**
 * Writes `text` from word `at` on, the last word filled up with zeros; there must be room for whole words. False if it is
 * not all ASCII: then what was written means nothing.
 */
export function packAscii(words: Int32Array, at: number, text: string): boolean {
  const { length } = text
  let all = 0
  let word = at
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    all |= a | b | c | d
    words[word++] = a | (b << 8) | (c << 16) | (d << 24)
  }
  if (i < length) {
    let tail = 0
    for (let shift = 0; i < length; i++, shift += 8) {
      const a = text.charCodeAt(i)
      all |= a
      tail |= a << shift
    }
    words[word] = tail
  }
  return all <= MOST_ASCII
}
