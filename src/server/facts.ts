/** What commands may know of their node, put together once for each thread that runs them. */
import type { NodeFacts } from '../commands/command.js'
import { type CountersHandle, NodeCounters } from './counters.js'
import { LogStatus, type LogStatusHandle } from './log-status.js'

/** The part that is the same on every thread and can be sent to it. */
export interface FixedFacts {
  readonly version: string
  readonly startedAtMs: number
  readonly host: string
  readonly eviction: 'none' | 'clock'
  readonly socketWorkers: number
  readonly durability: 'always' | 'interval' | 'os' | 'off'
  /** What the socket workers count. */
  readonly counters: CountersHandle
  /** Undefined where nothing is logged. */
  readonly log: LogStatusHandle | undefined
}

export function nodeFacts(fixed: FixedFacts, shutdown: () => void): NodeFacts {
  const { counters: counted, log: status, ...facts } = fixed
  // It sums the rows of all workers and adds to none.
  const counters = new NodeCounters(counted, 0)
  const log = status && new LogStatus(status)
  return {
    ...facts,
    ...(log === undefined ? {} : { log: () => log.facts }),
    get port() {
      return counters.port
    },
    connectedClients: () => counters.connected,
    connectionsReceived: () => counters.received,
    commandsProcessed: () => counters.processed,
    shutdown,
  }
}
