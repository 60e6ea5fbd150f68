/**
 * The one error type of expected failures (full, timeout, not the owner, corrupt) and the table of its codes.
 * A caller's mistake is a `TypeError` or `RangeError` instead; a bug of ours is an `InvariantError`.
 */

/** What became of the operation: it certainly did not happen, or it may have. */
export type Outcome = 'not-applied' | 'unknown'

interface CodeFacts {
  /** The outcome unless the thrower knows better. */
  readonly outcome: Outcome
  /** Whether the same call may succeed later without anybody changing the setup. */
  readonly retryable: boolean
  readonly meaning: string
}

/** Every code an {@link OperationError} can carry. */
export const ERROR_CODES = {
  FULL: { outcome: 'not-applied', retryable: true, meaning: 'no memory left for this entry' },
  TIMEOUT: { outcome: 'unknown', retryable: true, meaning: 'a lock or an answer did not come in time' },
  BACK_PRESSURE: { outcome: 'not-applied', retryable: true, meaning: 'the window of requests is full' },
  NO_SERVER: { outcome: 'not-applied', retryable: true, meaning: 'nobody serves this name or address' },
  SERVER_GONE: { outcome: 'unknown', retryable: true, meaning: 'the server went away before it answered' },
  DISK_FULL: { outcome: 'not-applied', retryable: true, meaning: 'the log cannot grow' },
  LOG_FAILED: { outcome: 'unknown', retryable: false, meaning: 'a sync of the log failed' },
  READ_ONLY: { outcome: 'not-applied', retryable: false, meaning: 'this handle may only read' },
  NOT_IN_SYNC: { outcome: 'not-applied', retryable: true, meaning: 'the pair is not in sync' },
  NOT_PRIMARY: { outcome: 'not-applied', retryable: true, meaning: 'this node is not the primary' },
  MISMATCH: { outcome: 'not-applied', retryable: false, meaning: 'the region is not what was asked for' },
  SERVED: { outcome: 'not-applied', retryable: false, meaning: 'a server owns this table' },
  REFUSED: { outcome: 'not-applied', retryable: false, meaning: 'the other side refused' },
  ABORTED: {
    outcome: 'not-applied',
    retryable: true,
    meaning: 'a watched key changed or the caller gave up',
  },
  BAD_VALUE: {
    outcome: 'not-applied',
    retryable: false,
    meaning: 'the stored value does not fit the operation',
  },
  CORRUPT: { outcome: 'not-applied', retryable: false, meaning: 'stored bytes break an invariant' },
  CLOSED: { outcome: 'not-applied', retryable: false, meaning: 'this handle is closed' },
} as const satisfies Record<string, CodeFacts>

export type ErrorCode = keyof typeof ERROR_CODES

/**
 * Ends the message of a failure whose change may have happened though that of its code has not: all that structured cloning
 * keeps is the message, and who tries again must know. Ends such lines of the Redis protocol, too.
 */
export const OUTCOME_UNKNOWN = ' (outcome unknown)'

/** An expected failure: `code` says which, `outcome` what became of the operation. The message starts with the code. */
export class OperationError extends Error {
  override readonly name = 'OperationError'
  readonly code: ErrorCode
  readonly outcome: Outcome
  readonly retryable: boolean

  /** `explanation` says what was wrong and what to do; the code's own facts fill in the rest. */
  constructor(code: ErrorCode, explanation: string, options: { outcome?: Outcome; cause?: unknown } = {}) {
    const facts = ERROR_CODES[code]
    const outcome = options.outcome ?? facts.outcome
    const isUnusual =
      outcome === 'unknown' && facts.outcome !== outcome && !explanation.endsWith(OUTCOME_UNKNOWN)
    super(
      `${code}: ${explanation}${isUnusual ? OUTCOME_UNKNOWN : ''}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.outcome = outcome
    this.retryable = facts.retryable
  }
}

/** The code that `error` carries: its own, or the one its message starts with (all that structured cloning keeps). */
function codeOf(error: Error): ErrorCode | undefined {
  const own = (error as { code?: unknown }).code
  const code = typeof own === 'string' ? own : error.message.slice(0, Math.max(0, error.message.indexOf(':')))
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined
}

/**
 * Whether `error` is an {@link OperationError} (with `code`, if given). An error that crossed a `postMessage`
 * has lost its class and properties: it is recognised by its message, and gets them back; of what certainly did not happen,
 * where others with that code may have, it says that it may have.
 */
export function isOperationError(error: unknown, code?: ErrorCode): error is OperationError {
  if (!(error instanceof Error)) return false
  const found = codeOf(error)
  if (found === undefined || (code !== undefined && found !== code)) return false
  if (!(error instanceof OperationError)) {
    const { outcome, retryable } = ERROR_CODES[found]
    const told = error.message.endsWith(OUTCOME_UNKNOWN) ? 'unknown' : outcome
    Object.assign(error, {
      code: found,
      outcome: (error as { outcome?: Outcome }).outcome ?? told,
      retryable,
    })
  }
  return true
}
