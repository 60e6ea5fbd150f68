/**
 * One request, answered: the bytes of the reply, at once or later. Expected failures become ERROR lines that say what was
 * wrong and what to do; a bug of ours passes through.
 */
import { isOperationError } from '../base/errors.js'
import { errorReply, lineReply, REPLY, statsReply, valueReply } from './reply.js'
import type { TextRequest } from './request.js'
import type { Answer, TextService } from './service.js'

const OK = lineReply(REPLY.ok)
const NOT_FOUND = lineReply(REPLY.notFound)
const PONG = lineReply(REPLY.pong)
const TRUE = lineReply('true')
const FALSE = lineReply('false')

export function answer(request: TextRequest, service: TextService): Answer<Buffer> {
  try {
    const reply = replyTo(request, service)
    return reply instanceof Promise ? reply.catch(failureReply) : reply
  } catch (error) {
    return failureReply(error)
  }
}

function replyTo({ command, key, value }: TextRequest, service: TextService): Answer<Buffer> {
  switch (command) {
    case 'PUT':
      return map(service.put(key, value), () => OK)
    case 'GET':
      return map(service.get(key), (found) => (found === undefined ? NOT_FOUND : valueReply(found)))
    case 'DELETE':
      return map(service.delete(key), (was) => (was ? OK : NOT_FOUND))
    case 'EXISTS':
      return map(service.exists(key), (is) => (is ? TRUE : FALSE))
    case 'SIZE':
      return map(service.size(), (size) => lineReply(String(size)))
    case 'PING':
      return PONG
    case 'FLUSH':
      return map(service.flush(), () => OK)
    case 'STATS':
      return map(service.stats(), statsReply)
  }
}

function map<T>(given: Answer<T>, reply: (value: T) => Buffer): Answer<Buffer> {
  return given instanceof Promise ? given.then(reply) : reply(given)
}

/** What to do about the codes that a client of this protocol meets. */
const ADVICE: Readonly<Record<string, string>> = {
  FULL: 'delete keys, or start the server with a larger --capacity',
  DISK_FULL: 'free space on the disk; reads go on, and writes will when there is room',
  LOG_FAILED: 'the disk failed; look at its health, then start the server again',
  TIMEOUT: 'try again',
  BACK_PRESSURE: 'try again',
}

function failureReply(error: unknown): Buffer {
  if (isOperationError(error)) {
    const fate = error.outcome === 'unknown' ? '; it may or may not have happened' : ''
    const advice = ADVICE[error.code]
    return errorReply(`${error.message}${fate}${advice === undefined ? '' : `; ${advice}`}`)
  }
  if (error instanceof RangeError || error instanceof TypeError) return errorReply(error.message)
  throw error
}
