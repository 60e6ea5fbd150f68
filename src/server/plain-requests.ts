/**
 * The two requests that most are: a get, and a set without options of a short value. Straight from the message's words into
 * the table's buffers and back, past the views of bytes that the operations work on.
 *
 * The same meaning as `get` and `set` of commands/operations, to which everything else goes.
 */
import type { Message } from '../channel/message.js'
import { writeFailure } from '../commands/operations/failure.js'
import { STATUS } from '../commands/operations/operation.js'
import { OPERATIONS } from '../commands/operations/operation-table.js'
import type { DirectStore } from '../store/direct-store.js'

const GET = OPERATIONS.get.code
const SET = OPERATIONS.set.code
/** Copied word by word up to here. */
const SHORT_BYTES = 256

/** Whether the request was one of these, and is answered. Throws only on a bug of ours. */
export function runPlainly(store: DirectStore, request: Message, reply: Message): boolean {
  const { code, keyBytes, valueBytes } = request
  if (code === SET) {
    if (request.flags !== 0 || request.first !== 0 || valueBytes > SHORT_BYTES || keyBytes > SHORT_BYTES)
      return false
    reply.clear(STATUS.YES)
    try {
      store.setAt(request.words, keyBytes, (keyBytes + 3) >>> 2, valueBytes)
    } catch (error) {
      if (!writeFailure(reply, error)) throw error
    }
    return true
  }
  if (code !== GET || keyBytes > SHORT_BYTES) return false
  reply.clear(STATUS.YES)
  try {
    if (!store.getInto(reply, request.words, keyBytes)) reply.code = STATUS.NO
  } catch (error) {
    if (!writeFailure(reply, error)) throw error
  }
  return true
}
