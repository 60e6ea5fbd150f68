/**
 * How the command line ends. Four codes, one meaning each; a failure is one sentence on stderr, and no stack
 * unless it is a bug of ours.
 */
import { isOperationError } from '../base/errors.js'
import { RespError } from '../client/reply-reader.js'
import { UnsupportedError } from '../memory/native.js'

export const EXIT = { done: 0, no: 1, wrongUse: 2, couldNot: 3 } as const

/** Wrong arguments, files or settings: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Something stood in the way: exit code 3. */
export class CouldNotError extends Error {
  override readonly name = 'CouldNotError'
}

/** Sets the exit code for "the answer is no" and lets the process end by itself, so that output is flushed. */
export function answerNo(): void {
  process.exitCode = EXIT.no
}

/** Says what went wrong and sets the exit code. `program` is who says it, `server` what it would talk to. */
export function reportFailure(error: unknown, program = 'hearth', server = 'hearth serve'): void {
  process.exitCode = error instanceof UsageError ? EXIT.wrongUse : EXIT.couldNot
  process.stderr.write(`${program}: ${sentenceOf(error, server)}\n`)
}

function sentenceOf(error: unknown, server: string): string {
  const isPlain = [UsageError, CouldNotError, RespError, UnsupportedError].some(
    (kind) => error instanceof kind,
  )
  if (error instanceof Error && isPlain) return error.message
  if (isOperationError(error, 'NO_SERVER')) {
    return `${withoutCode(error)}. Start one with: ${server}`
  }
  if (isOperationError(error)) return withCause(withoutCode(error), error.cause)
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The words of many causes are in the sentence already. */
function withCause(sentence: string, cause: unknown): string {
  if (!(cause instanceof Error)) return sentence
  const words = isOperationError(cause) ? withoutCode(cause) : cause.message
  return sentence.includes(words) ? sentence : `${sentence} (${words})`
}

function withoutCode(error: Error): string {
  return error.message.slice(error.message.indexOf(': ') + 2)
}
