/**
 * Runs one command: finds it, checks its arity, and turns whatever it throws into the one error reply that Redis
 * would give. Expected failures and the caller's mistakes become replies; a bug of ours (`InvariantError`, or
 * anything unknown) passes through, for a node that has lost its mind must not go on answering.
 */
import { isOperationError, type OperationError } from '../base/errors.js'
import { textOf } from './arguments.js'
import { type CommandContext, CommandError } from './command.js'
import { findCommand } from './command-table.js'
import { fitsArity } from './subcommands.js'

/** Redis quotes this much of a name, and of all arguments together. */
const MAX_QUOTED_BYTES = 128
const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."
const READ_ONLY = "READONLY You can't write against a read only replica."

/** `args[0]` is the name; there is at least that. */
export function execute(context: CommandContext, args: readonly Buffer[]): void {
  const name = args[0]
  const command = name === undefined ? undefined : findCommand(name)
  const { reply } = context
  if (command === undefined) {
    reply.error(unknownCommand(args))
    return
  }
  if (!fitsArity(command.arity, args.length)) {
    reply.error(`ERR wrong number of arguments for '${command.name}' command`)
    return
  }
  reply.mark()
  try {
    command.run(context, args)
  } catch (error) {
    const line = errorLine(error)
    if (line === undefined) throw error
    reply.rewind()
    reply.error(line)
  }
}

function unknownCommand(args: readonly Buffer[]): string {
  let quoted = ''
  for (let i = 1; i < args.length && quoted.length < MAX_QUOTED_BYTES; i += 1) {
    quoted += `'${textOf(args[i] ?? Buffer.alloc(0), MAX_QUOTED_BYTES - quoted.length)}' `
  }
  const name = textOf(args[0] ?? Buffer.alloc(0), MAX_QUOTED_BYTES)
  return `ERR unknown command '${name}', with args beginning with: ${quoted}`
}

/** The reply for what a command threw; `undefined` if that was no answer but a bug. */
function errorLine(error: unknown): string | undefined {
  if (error instanceof CommandError) return error.message
  if (isOperationError(error)) return operationErrorLine(error)
  if (error instanceof RangeError || error instanceof TypeError) return `ERR ${error.message}`
  return undefined
}

function operationErrorLine(error: OperationError): string {
  if (error.code === 'FULL') return OUT_OF_MEMORY
  if (error.code === 'READ_ONLY') return READ_ONLY
  return error.message.replace(': ', ' ')
}
