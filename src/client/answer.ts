/** What a reply means to the one who asked: the answer, or an error to be thrown. */
import { OperationError } from '../base/errors.js'
import { CHANNEL_STATUS } from '../channel/layout.js'
import { readFailure } from '../commands/operations/failure.js'
import { type OperationMessage, STATUS } from '../commands/operations/operation.js'
import type { Decode } from './replies.js'

/** Throws OperationError, TypeError or RangeError for a reply that is an error, and what `decode` throws. */
export function answerOf<R>(reply: OperationMessage, decode: Decode<R>): R {
  const { code } = reply
  if (code === STATUS.YES || code === STATUS.NO) return decode(reply)
  throw channelFailure(code) ?? readFailure(reply)
}

/** What the channel itself says of a request that no operation answered. */
function channelFailure(code: number): OperationError | undefined {
  if (code === CHANNEL_STATUS.NOT_TAKEN)
    return new OperationError('SERVER_GONE', 'the thread that received this request has ended', {
      outcome: 'not-applied',
    })
  if (code === CHANNEL_STATUS.LOST)
    return new OperationError('SERVER_GONE', 'the thread that had this request has ended', {
      outcome: 'unknown',
    })
  if (code === CHANNEL_STATUS.FAILED)
    return new OperationError('REFUSED', 'the server failed on this request: see its log', {
      outcome: 'unknown',
    })
  return undefined
}
