/**
 * What a client thread does: keep a window of requests in flight until its share is sent, and check the answers.
 *
 * The window is given: a `Client` in the command, an object in memory in tests. Requests are handed in in the order of the
 * share, at most `width` without an answer; answers are checked in the same order.
 *
 * Where the oldest answer is not there yet, the one in the middle of those in flight is waited for: then one sleep and one
 * wake-up serve half a window, and the other half keeps the server busy meanwhile.
 *
 * Owned by one thread, which it blocks.
 */
import { assert } from '../base/assert.js'
import { KIND, type RequestList } from './request-list.js'

/** No answer is negative. */
export const PENDING = -1

/** Requests in flight. An answer is taken once; a failed request throws when its answer is taken. */
export interface RequestWindow {
  /** Hands it in; returns what names it. */
  put(key: number, value: number): number
  get(key: number): number
  /** The value of a GET, 0 for a missing key and for a PUT; PENDING while there is no answer. */
  poll(id: number): number
  /** The same, blocking. */
  wait(id: number): number
}

/** `Get(k) should return E, but got G`. */
export interface Mismatch {
  readonly key: number
  readonly expected: number
  readonly got: number
}

export interface DriveResult {
  readonly puts: number
  readonly gets: number
  /** Those that were not right, the first of them in `mismatches`. Without a check, 0. */
  readonly wrong: number
  readonly mismatches: readonly Mismatch[]
}

export interface DriveOptions {
  readonly from: number
  readonly to: number
  /** Most requests in flight. */
  readonly width: number
  /** Whether GETs are compared with what they must return. */
  readonly check: boolean
}

/** So many wrong answers are kept in full. */
export const MAX_MISMATCHES = 10

/** Sends the requests `from` to `to` and returns when all are answered. Throws what a failed request throws. */
export function drive(requests: RequestList, window: RequestWindow, options: DriveOptions): DriveResult {
  const { from, to, width, check } = options
  const ids = new Float64Array(width)
  /** An answer that was taken before its turn. */
  const early = new Float64Array(width).fill(PENDING)
  const mismatches: Mismatch[] = []
  let puts = 0
  let wrong = 0
  let sent = from
  let answered = from

  const settle = (got: number): void => {
    const index = answered++
    if (!check || requests.kindAt(index) !== KIND.GET || got === requests.valueAt(index)) return
    wrong++
    if (mismatches.length < MAX_MISMATCHES)
      mismatches.push({ key: requests.keyAt(index), expected: requests.valueAt(index), got })
  }

  while (answered < to) {
    while (sent < to && sent - answered < width) {
      const key = requests.keyAt(sent)
      const isPut = requests.kindAt(sent) === KIND.PUT
      if (isPut) puts++
      ids[sent % width] = isPut ? window.put(key, requests.valueAt(sent)) : window.get(key)
      sent++
    }
    const before = answered
    while (answered < sent) {
      const place = answered % width
      const got = early[place] === PENDING ? window.poll(ids[place]!) : early[place]!
      if (got === PENDING) break
      early[place] = PENDING
      settle(got)
    }
    if (answered > before) continue
    const middle = (answered + ((sent - answered) >> 1)) % width
    if (early[middle] === PENDING) early[middle] = window.wait(ids[middle]!)
    else settle(window.wait(ids[answered % width]!))
  }
  assert(sent === answered, 'every request that was sent is answered')
  return { puts, gets: to - from - puts, wrong, mismatches }
}
