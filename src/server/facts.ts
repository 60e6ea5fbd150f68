/** What commands may know of their node, put together once for each thread that serves sockets. */
import type { NodeFacts } from '../commands/command.js'
import type { NodeCounters } from './counters.js'

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
): NodeFacts {
  return {
    ...fixed,
    port,
    connectedClients: () => counters.connected,
    connectionsReceived: () => counters.received,
    commandsProcessed: () => counters.processed,
    shutdown,
  }
}
