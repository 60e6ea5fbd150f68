/** What every call of a client can be told besides its arguments, checked at the edge. */
import { OperationError } from '../base/errors.js'
import { describe } from '../codec/codec.js'
import { checkCallNames } from '../map/arguments.js'

export interface CallOptions {
  /** Milliseconds until the call fails with TIMEOUT. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number
  /** Gives the call up: it fails with ABORTED. Of calls with promises only. */
  readonly signal?: AbortSignal
}

export const DEFAULT_TIMEOUT_MS = 5000
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs !== 'number')
    throw new TypeError(`timeoutMs must be a number of milliseconds, not ${describe(timeoutMs)}`)
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw new RangeError(`timeoutMs must be above 0 and at most ${MAX_TIMEOUT_MS}, not ${timeoutMs}`)
}

export function checkSignal(signal: unknown): AbortSignal {
  if (signal instanceof AbortSignal) return signal
  throw new TypeError(`signal must be an AbortSignal, not ${describe(signal)}`)
}

/** Of any call. What only another one takes does no harm; what is misspelt must not go unnoticed. */
export const CALL_NAMES: ReadonlySet<string> = new Set([
  'timeoutMs',
  'signal',
  'ttlMs',
  'keepTtl',
  'ifVersion',
  'by',
  'count',
])

/** The limit that options name, if they do. */
export function timeoutOf(options: CallOptions): number | undefined {
  checkCallNames(options, 'a call', '{ timeoutMs: 1000 }', CALL_NAMES)
  return options.timeoutMs === undefined ? undefined : checkTimeout(options.timeoutMs)
}

/** For an answer that needs neither: they are wrong all the same. */
export function checkCallOptions(options: CallOptions): void {
  const { timeoutMs, signal } = checkCallNames(options, 'a call', '{ timeoutMs: 1000 }', CALL_NAMES) ?? {}
  if (timeoutMs !== undefined) checkTimeout(timeoutMs)
  if (signal !== undefined) checkSignal(signal)
}

/** What a caller who gave up gets. */
export function abortedBy(signal: AbortSignal, isSent: boolean): OperationError {
  return new OperationError('ABORTED', 'the caller gave this call up', {
    outcome: isSent ? 'unknown' : 'not-applied',
    cause: signal.reason,
  })
}
