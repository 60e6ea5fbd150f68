/**
 * MULTI, EXEC and what belongs to them. The commands of a transaction run one after the other on a store that sees their
 * writes, and all of it happens at one moment; when somebody else was faster they run again, and nobody has seen the first
 * try. One command that fails inside does not stop the others, as in Redis; a table that is full refuses all of it.
 *
 * A watched key has changed when it has another version. One that was absent and is absent again has not.
 */
import { ABSENT, type Store } from '../store/store.js'
import { AskWriter } from '../table/region-clock.js'
import { argument } from './arguments.js'
import type { Bus } from './bus.js'
import type { Command, CommandContext } from './command.js'
import { CommandError } from './command-error.js'
import type { ConnectionState, QueuedCommand } from './connection-state.js'
import { DeferredBus } from './deferred-bus.js'
import { errorLine, runCommand } from './run-command.js'

const NO_KEY = [0, 0, 0] as const
const SPOILT = 'EXECABORT Transaction discarded because of previous errors.'

/** Throws CommandError for a command that came without a connection. */
export function connectionOf({ connection }: CommandContext): ConnectionState {
  if (connection === undefined) throw new CommandError('ERR This command needs a connection of its own')
  return connection
}

function multi(context: CommandContext): void {
  const connection = connectionOf(context)
  if (connection.queue !== undefined) throw new CommandError('ERR MULTI calls can not be nested')
  connection.begin()
  context.reply.simple('OK')
}

function discard(context: CommandContext): void {
  const connection = connectionOf(context)
  if (connection.queue === undefined) throw new CommandError('ERR DISCARD without MULTI')
  connection.forgetTransaction()
  context.reply.simple('OK')
}

function exec(context: CommandContext): void {
  const connection = connectionOf(context)
  const { queue, isSpoilt, watched } = connection
  if (queue === undefined) throw new CommandError('ERR EXEC without MULTI')
  connection.forgetTransaction()
  if (isSpoilt) throw new CommandError(SPOILT)
  const { reply } = context
  reply.mark(1)
  try {
    const deferred = new DeferredBus(connection.bus)
    const isDone = context.store.transact((store) => {
      reply.rewind(1)
      deferred.forget()
      runAll({ ...context, store, connection }, queue, deferred)
    }, watched)
    if (isDone) deferred.publishAll()
    else {
      // It may have run, and then found the watched key changed.
      reply.rewind(1)
      reply.nullArray()
    }
  } catch (error) {
    const line = errorLine(error)
    if (line === undefined) throw error
    reply.rewind(1)
    reply.error(`EXECABORT Transaction discarded because of: ${line}`)
  }
}

/** Inside, PUBLISH waits for the end. */
function runAll(context: CommandContext, queue: readonly QueuedCommand[], bus: Bus): void {
  context.reply.array(queue.length)
  for (const { command, args } of queue) runCommand({ ...context, bus }, command, args)
}

function watch(context: CommandContext, args: readonly Buffer[]): void {
  const connection = connectionOf(context)
  if (connection.queue !== undefined) throw new CommandError('ERR WATCH inside MULTI is not allowed')
  for (let i = 1; i < args.length; i += 1) {
    const key = argument(args, i)
    if (connection.isWatching(key)) continue
    connection.watch(key, versionOf(context.store, key))
  }
  context.reply.simple('OK')
}

/** What is due to expire where only a writer may say so is as good as gone: if it is not after all, EXEC fails. */
function versionOf(store: Store, key: Buffer): number {
  try {
    return store.entry(key)?.version ?? ABSENT
  } catch (error) {
    if (error instanceof AskWriter) return ABSENT
    throw error
  }
}

function unwatch(context: CommandContext): void {
  connectionOf(context).unwatch()
  context.reply.simple('OK')
}

export const transactionCommands = [
  { name: 'multi', arity: 1, writes: false, keys: NO_KEY, run: multi },
  { name: 'exec', arity: 1, writes: false, keys: NO_KEY, run: exec },
  { name: 'discard', arity: 1, writes: false, keys: NO_KEY, run: discard },
  { name: 'watch', arity: -2, writes: false, keys: [1, -1, 1], run: watch },
  { name: 'unwatch', arity: 1, writes: false, keys: NO_KEY, run: unwatch },
] as const satisfies readonly Command[]
