/**
 * What stands between a command and its run on a connection that is inside MULTI, where commands are queued, or listens to
 * channels in RESP2, where a reply could not be told from a message.
 */
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import type { ConnectionState } from './connection-state.js'
import { findSubcommand } from './subcommands.js'

/** Run at once, also inside MULTI. */
const NEVER_QUEUED: ReadonlySet<string> = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset'])
const NOT_IN_TRANSACTION: ReadonlySet<string> = new Set(['shutdown'])
const WHILE_LISTENING: ReadonlySet<string> = new Set([
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ping',
  'quit',
  'reset',
])

/** Throws CommandError where the command is refused; true if it was queued, and has its reply. */
export function holdBack(
  { session, reply }: CommandContext,
  connection: ConnectionState,
  command: Command,
  args: readonly Buffer[],
): boolean {
  const isQueueing = connection.queue !== undefined
  if (isQueueing && NOT_IN_TRANSACTION.has(command.name))
    throw new CommandError('ERR Command not allowed inside a transaction')
  const hasMember = command.family !== undefined && args.length > 1
  const member = hasMember ? findSubcommand(command.name, command.family, args) : undefined
  if (connection.subscriptions > 0 && session.protocol === 2 && !WHILE_LISTENING.has(command.name)) {
    const name = member === undefined ? command.name : `${command.name}|${member.name}`
    throw new CommandError(
      `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    )
  }
  if (!isQueueing || NEVER_QUEUED.has(command.name)) return false
  connection.enqueue(command, args)
  reply.simple('QUEUED')
  return true
}
