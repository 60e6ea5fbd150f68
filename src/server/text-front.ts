/**
 * The line protocol of one thread of a node, over the node's store and beside its Redis front: the same counters, a limit
 * of connections of its own.
 */
import type { Store } from '../store/store.js'
import type { TextLimits } from '../text/limits.js'
import { type TextListening, type TextListenTarget, TextServer } from '../text/server.js'
import { StoreService } from '../text/store-service.js'
import type { NodeCounters } from './counters.js'
import type { FixedFacts } from './facts.js'

export interface TextFrontOptions {
  readonly listen: TextListenTarget
  readonly limits: TextLimits
}

export interface TextFront extends TextListening {
  /** Resolves when the last connection has its replies and is gone. */
  stop(): Promise<void>
}

export async function openTextFront(
  store: Store,
  { listen, limits }: TextFrontOptions,
  counters: NodeCounters,
  facts: FixedFacts,
): Promise<TextFront> {
  const service = new StoreService(store, {
    facts: () => [
      ['connections', counters.connected],
      ['connections_received', counters.received],
      ['commands_processed', counters.processed],
      ['uptime_seconds', Math.max(0, Math.floor((store.nowMs() - facts.startedAtMs) / 1000))],
      ['durability', 'off'],
      ['version', facts.version],
    ],
  })
  const server = new TextServer(() => service, limits, {
    get connected() {
      return counters.textConnected
    },
    connectionOpened: () => counters.textConnectionOpened(),
    connectionClosed: () => counters.textConnectionClosed(),
    commandsRan: (count) => counters.commandsRan(count),
  })
  const listening = await server.listen(listen)
  return { ...listening, stop: () => server.stop() }
}
