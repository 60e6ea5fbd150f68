/**
 * The two requests that most are: a get, and a set without options of a short value. Straight from the message's words into
 * the table's buffers, past the views of bytes that the operations work on (measured on a busy machine: a sixth less of the
 * server's processor time for a set, nothing to speak of for a get of 100 bytes).
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
    const value = store.viewAt(request.words, keyBytes)
    if (value === undefined) reply.code = STATUS.NO
    else {
      reply.shape(0, value.length)
      reply.bytes.set(value, 0)
    }
  } catch (error) {
    if (!writeFailure(reply, error)) throw error
  }
  return true
}
