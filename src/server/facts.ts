/** What commands may know of their node, put together once for each thread that serves sockets. */
import type { NodeFacts } from '../commands/command.js'
import type { NodeCounters } from './counters.js'
import type { LogStatus } from './log-status.js'

/** The part that is the same on every thread and can be sent to it. */
export interface FixedFacts {
  readonly version: string
  readonly startedAtMs: number
  readonly host: string
  readonly eviction: 'none' | 'clock'
  readonly socketWorkers: number
  readonly durability: 'always' | 'interval' | 'os' | 'off'
}

export function nodeFacts(
  fixed: FixedFacts,
  counters: NodeCounters,
  port: number,
  shutdown: () => void,
  log?: LogStatus,
): NodeFacts {
  return {
    ...fixed,
    port,
    ...(log === undefined ? {} : { log: () => log.facts }),
    connectedClients: () => counters.connected,
    connectionsReceived: () => counters.received,
    commandsProcessed: () => counters.processed,
    shutdown,
  }
}
