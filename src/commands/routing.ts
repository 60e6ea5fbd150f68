/**
 * Where a command is carried out on a node whose writes are ordered by one thread. Reads of released state are true anywhere,
 * so a connection makes them itself, unless replies to what it has sent to the writer are still to come: its own writes come
 * first, and the replies must keep their order.
 */
import type { Command } from './command.js'
import type { ConnectionState, QueuedCommand } from './connection-state.js'
import { fitsArity } from './subcommands.js'

/** What these are about is the connection alone: a thread that only orders writes cannot carry them out. */
export const OF_CONNECTION: ReadonlySet<string> = new Set([
  'client',
  'hello',
  'psubscribe',
  'punsubscribe',
  'subscribe',
  'unsubscribe',
])
/** These can be carried out anywhere. */
const ANYWHERE: ReadonlySet<string> = new Set(['echo', 'ping', 'publish', 'unwatch'])

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
  if (connection.queue !== undefined)
    return command.name === 'exec' && !connection.isSpoilt && concernsKeys(connection) ? 'exec' : here
  // Refused, in words that only the connection has.
  if (connection.subscriptions > 0 && protocol === 2) return here
  if (command.writes) return 'writer'
  // WATCH remembers what it saw in the connection; all else that reads keys may follow the writes.
  const readsKeys = command.keys[0] > 0 && command.name !== 'watch'
  return inFlight > 0 && readsKeys ? 'writer' : here
}

/** Whether the transaction that was put together is more than the connection's own affair. */
function concernsKeys({ queue = [], watched }: ConnectionState): boolean {
  const isOwn = ({ command: { name } }: QueuedCommand): boolean =>
    OF_CONNECTION.has(name) || ANYWHERE.has(name)
  return watched.length > 0 || !queue.every(isOwn)
}
