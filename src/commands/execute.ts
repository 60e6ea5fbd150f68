/**
 * Executes one command as it came: finds it, checks its arity, queues it where the connection is inside MULTI, or runs it. A
 * refusal spoils the transaction that is being put together, as in Redis.
 */
import { textOf } from './arguments.js'
import type { Command, CommandContext } from './command.js'
import { findCommand } from './command-table.js'
import type { ConnectionState } from './connection-state.js'
import { holdBack } from './gate.js'
import { errorLine, runCommand } from './run-command.js'
import { fitsArity } from './subcommands.js'

/** Redis quotes this much of a name, and of all arguments together. */
const MAX_QUOTED_BYTES = 128

/** `args[0]` is the name; there is at least that. */
export function execute(context: CommandContext, args: readonly Buffer[]): void {
  const name = args[0]
  const command = name === undefined ? undefined : findCommand(name)
  const { reply, connection } = context
  if (command === undefined) {
    connection?.spoil()
    reply.error(unknownCommand(args))
  } else if (!fitsArity(command.arity, args.length)) {
    connection?.spoil()
    reply.error(`ERR wrong number of arguments for '${command.name}' command`)
  } else if (connection?.isGated !== true || !isHeldBack(context, connection, command, args)) {
    runCommand(context, command, args)
  }
}

function isHeldBack(
  context: CommandContext,
  connection: ConnectionState,
  command: Command,
  args: readonly Buffer[],
): boolean {
  try {
    return holdBack(context, connection, command, args)
  } catch (error) {
    const line = errorLine(error)
    if (line === undefined) throw error
    connection.spoil()
    context.reply.error(line)
    return true
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
