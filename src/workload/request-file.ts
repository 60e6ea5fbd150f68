/**
 * The two files of original 001.
 *
 *   workload   a request a line: `put <key> <value>` or `get <key>`
 *   solution   line N is what the Nth GET of the workload must return, 0 for a key that is not there
 *
 * Keys and values are whole numbers of 32 bits without sign, in decimal digits. Words are separated by spaces or tabs,
 * blank lines mean nothing. Anything else is a FileFault with the number of its line; nothing is skipped or guessed.
 */
import { FileFault } from './file-fault.js'
import { type Line, type ReadOptions, readLines, textOf } from './line-reader.js'
import { KIND, RequestList } from './request-list.js'

const MOST = 0xffffffff
const DIGIT_0 = 48
const SPACE = 32
const PUT = [112, 117, 116] as const
const GET = [103, 101, 116] as const

/** What `numberAt` says of something that is no number, or too large. */
const NO_NUMBER = -1
const TOO_LARGE = -2

/** Reads a workload file. */
export function readWorkload(path: string, options: ReadOptions = {}): RequestList {
  const requests = new RequestList()
  const words = new Words(3)
  const take = (line: Line): void => {
    words.split(line)
    const isPut = words.is(line, 0, PUT)
    const isRequest = isPut ? words.count === 3 : words.is(line, 0, GET) && words.count === 2
    if (!isRequest) {
      throw new FileFault(
        path,
        `a request is 'put <key> <value>' or 'get <key>', not ${textOf(line)}`,
        line.number,
      )
    }
    const key = wholeNumber(path, line, 'key', words.starts[1]!, words.ends[1]!)
    const value = isPut ? wholeNumber(path, line, 'value', words.starts[2]!, words.ends[2]!) : 0
    requests.push(isPut ? KIND.PUT : KIND.GET, key, value)
  }
  readLines(path, take, options)
  return requests
}

/** Reads what the GETs of `requests` must return, into `requests`. The file has an answer for each, and no more. */
export function readSolution(path: string, requests: RequestList, options: ReadOptions = {}): void {
  let next = nextGet(requests, 0)
  let answers = 0
  const take = (line: Line): void => {
    const value = wholeNumber(path, line, 'answer', line.from, line.to)
    if (next === requests.length)
      throw new FileFault(path, `the workload has only ${answers} GETs`, line.number)
    requests.expect(next, value)
    answers++
    next = nextGet(requests, next + 1)
  }
  readLines(path, take, options)
  if (next === requests.length) return
  let gets = answers
  for (; next < requests.length; next = nextGet(requests, next + 1)) gets++
  throw new FileFault(path, `has ${answers} answers, but the workload has ${gets} GETs`)
}

function nextGet(requests: RequestList, from: number): number {
  let index = from
  while (index < requests.length && requests.kindAt(index) !== KIND.GET) index++
  return index
}

/** Where the words of a line begin and end; up to `most`, counted beyond. */
class Words {
  readonly starts: Int32Array
  readonly ends: Int32Array
  count = 0

  constructor(most: number) {
    this.starts = new Int32Array(most)
    this.ends = new Int32Array(most)
  }

  split({ bytes, from, to }: Line): void {
    this.count = 0
    let at = from
    while (at < to) {
      const start = at
      while (at < to && bytes[at]! > SPACE) at++
      this.starts[this.count] = start
      this.ends[this.count] = at
      this.count++
      while (at < to && bytes[at]! <= SPACE) at++
    }
  }

  is({ bytes }: Line, index: number, letters: readonly number[]): boolean {
    const start = this.starts[index]!
    if (this.ends[index]! - start !== letters.length) return false
    for (let i = 0; i < letters.length; i++) if (bytes[start + i] !== letters[i]) return false
    return true
  }
}

function wholeNumber(path: string, line: Line, what: string, from: number, to: number): number {
  const number = numberAt(line.bytes, from, to)
  if (number >= 0) return number
  const shown = textOf({ ...line, from, to })
  const wrong =
    number === TOO_LARGE ? `the ${what} ${shown} is more than ${MOST}` : `the ${what} ${shown} is no number`
  throw new FileFault(path, wrong, line.number)
}

function numberAt(bytes: Uint8Array, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return NO_NUMBER
    number = Math.min(number * 10 + digit, MOST + 1)
  }
  return number > MOST ? TOO_LARGE : number
}
