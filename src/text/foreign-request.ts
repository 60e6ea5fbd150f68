/**
 * Lines that a web browser sends, not a client of this protocol. A page in somebody's browser can make it connect to a
 * port of the machine; what it sends must do nothing. Pure.
 *
 * `PUT /x HTTP/1.1` could be meant, by whoever stores such a value under such a key: quotes around either say so.
 */
const REQUEST_LINE = /^[A-Z]+ (?:\/|\*|[a-z]+:)\S* HTTP\/\d(?:\.\d)?$/
const HEADER_LINE = /^Host:/i
const MOST_BYTES = 8192

/** Whether `line` is the first line, or the Host line, of an HTTP request. */
export function isHttpLine(line: Buffer): boolean {
  if (line.length < 5 || line.length > MOST_BYTES) return false
  const last = line[line.length - 1] ?? 0
  const first = line[0] ?? 0
  // A digit at the end, as in HTTP/1.1, or an H at the beginning: other lines need no closer look.
  if ((last < 0x30 || last > 0x39) && first !== 0x48 && first !== 0x68) return false
  const text = line.toString('latin1')
  return REQUEST_LINE.test(text) || HEADER_LINE.test(text)
}
