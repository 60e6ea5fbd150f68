/**
 * Runs one command and turns whatever it throws into the one error reply that Redis would give. Expected failures and the
 * caller's mistakes become replies; a bug of ours (`InvariantError`, or anything unknown) passes through, for a node that
 * has lost its mind must not go on answering.
 */
import { isOperationError, type OperationError, OUTCOME_UNKNOWN } from '../base/errors.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'

const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."
const READ_ONLY = "READONLY You can't write against a read only replica."

/** Runs a command whose arity has been checked. */
export function runCommand(context: CommandContext, command: Command, args: readonly Buffer[]): void {
  const { reply } = context
  reply.mark(0)
  try {
    command.run(context, args)
  } catch (error) {
    const line = errorLine(error)
    if (line === undefined) throw error
    reply.rewind(0)
    reply.error(line)
  }
}

/** The reply for what a command threw; `undefined` if that was no answer but a bug. */
export function errorLine(error: unknown): string | undefined {
  if (error instanceof CommandError) return error.message
  if (isOperationError(error)) return operationErrorLine(error)
  if (error instanceof RangeError || error instanceof TypeError) return `ERR ${error.message}`
  return undefined
}

/**
 * The line ends with {@link OUTCOME_UNKNOWN} if the change may have happened: a client that tries again would repeat it. What
 * does not end so has certainly changed nothing.
 */
function operationErrorLine(error: OperationError): string {
  const words = wordsOf(error)
  return error.outcome === 'not-applied' || words.endsWith(OUTCOME_UNKNOWN) ? words : words + OUTCOME_UNKNOWN
}

function wordsOf(error: OperationError): string {
  if (error.code === 'FULL') return OUT_OF_MEMORY
  if (error.code === 'READ_ONLY') return READ_ONLY
  // The word that Redis has for a log that cannot be written; clients know it.
  if (error.code === 'DISK_FULL' || error.code === 'LOG_FAILED') return `MISCONF ${error.message}`
  return error.message.replace(': ', ' ')
}
