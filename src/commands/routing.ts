/**
 * Where a command is carried out on a node whose writes are ordered by one thread. Reads of released state are true anywhere,
 * so a connection makes them itself, unless replies to what it has sent to the writer are still to come: its own writes come
 * first, and the replies must keep their order.
 */
import type { Command } from './command.js'
import type { ConnectionState } from './connection-state.js'
import { fitsArity } from './subcommands.js'

/**
 * `here`: execute it now. `writer`: send it. `exec`: send the transaction that it ends. `after`: not before the replies to all
 * that was sent are there, then ask again.
 */
export type Route = 'here' | 'writer' | 'exec' | 'after'

/** `command` is undefined if there is none of that name. */
export function routeOf(
  command: Command | undefined,
  args: readonly Buffer[],
  connection: ConnectionState,
  protocol: 2 | 3,
  inFlight: number,
): Route {
  const here = inFlight === 0 ? 'here' : 'after'
  if (command === undefined || !fitsArity(command.arity, args.length)) return here
  if (connection.queue !== undefined) return command.name === 'exec' && !connection.isSpoilt ? 'exec' : here
  // Refused, in words that only the connection has.
  if (connection.subscriptions > 0 && protocol === 2) return here
  if (command.writes) return 'writer'
  // WATCH remembers what it saw in the connection; all else that reads keys may follow the writes.
  const readsKeys = command.keys[0] > 0 && command.name !== 'watch'
  return inFlight > 0 && readsKeys ? 'writer' : here
}
