/** Errors across a channel: written into a reply by the server, made again from it by the client. */
import { ERROR_CODES, type ErrorCode, isOperationError, OperationError } from '../../base/errors.js'
import { FLAGS, type OperationMessage, replyWith, STATUS, valueIn } from './operation.js'

/** Makes `reply` say what was thrown; false if it is a bug of ours, which is nobody's answer. */
export function writeFailure(reply: OperationMessage, error: unknown): boolean {
  const status = statusOf(error)
  if (status === undefined) return false
  reply.clear(status)
  replyWith(reply, Buffer.from((error as Error).message))
  if (isOperationError(error) && error.outcome === 'unknown') reply.flags = FLAGS.UNKNOWN
  return true
}

function statusOf(error: unknown): number | undefined {
  if (isOperationError(error)) return STATUS.OPERATION_ERROR
  if (error instanceof TypeError) return STATUS.TYPE_ERROR
  return error instanceof RangeError ? STATUS.RANGE_ERROR : undefined
}

/** The error that `reply` says, as the operation would have thrown it here; undefined for an answer. */
export function readFailure(reply: OperationMessage): Error | undefined {
  const { code } = reply
  if (code === STATUS.YES || code === STATUS.NO) return undefined
  const text = valueIn(reply).toString('utf8')
  if (code === STATUS.TYPE_ERROR) return new TypeError(text)
  if (code === STATUS.RANGE_ERROR) return new RangeError(text)
  const end = text.indexOf(': ')
  const name = text.slice(0, Math.max(0, end))
  const known = Object.hasOwn(ERROR_CODES, name) ? (name as ErrorCode) : undefined
  return new OperationError(known ?? 'REFUSED', known === undefined ? text : text.slice(end + 2), {
    outcome: (reply.flags & FLAGS.UNKNOWN) === 0 ? 'not-applied' : 'unknown',
  })
}
